"""An immutable raster grid: coordinate system, cell size, corner and shape; nothing here touches a file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from rasterio import Affine

from geo.coordinates.crs import china_albers, parse
from geo.errors import DataError, error

from .cells import Cells

FloatArray = NDArray[np.float64]

MAX_CELLS = 500_000_000
KILOMETRE_M = 1000.0


@dataclass(frozen=True)
class Grid:
    """Square cells of a projected coordinate system in metres, row 0 in the north.

    Attributes:
        crs: the coordinate system, axes in metres.
        cell_m: side of a cell.
        left_m: x of the western edge.
        top_m: y of the northern edge.
        shape_yx: (rows, columns).
    """

    crs: CRS
    cell_m: float
    left_m: float
    top_m: float
    shape_yx: tuple[int, int]

    @property
    def transform(self) -> Affine:
        """Affine map from (column, row) of a cell's north-western corner to (x, y)."""
        return Affine(self.cell_m, 0.0, self.left_m, 0.0, -self.cell_m, self.top_m)

    @property
    def cell_area_km2(self) -> float:
        """Area of one cell, km2; true on the ground where the coordinate system is equal-area."""
        return (self.cell_m / KILOMETRE_M) ** 2

    @property
    def cells(self) -> Cells:
        """The same cells, described as those of a raster that is read."""
        return Cells(self.crs, self.left_m, self.top_m, self.cell_m, self.cell_m, self.shape_yx)

    def centres(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """The x and y of the centres of cells, metres; any shape, and rows and columns beyond the grid as well."""
        east, south = column.astype(np.float64) + 0.5, row.astype(np.float64) + 0.5
        return self.left_m + east * self.cell_m, self.top_m - south * self.cell_m

    def row_col(self, x_m: float, y_m: float) -> tuple[int, int]:
        """The cell (row, column) in which a point lies; a point on an edge belongs to the south and the east."""
        return math.floor((self.top_m - y_m) / self.cell_m), math.floor((x_m - self.left_m) / self.cell_m)


def covering(
    bounds_m: Sequence[float],
    crs: CRS,
    cell_m: float,
    corner_m: tuple[float, float] | None = None,
) -> Grid:
    """The smallest grid that covers `bounds_m`, its edges on whole kilometres.

    Where a cell does not divide a kilometre, the edges are whole multiples of the cell instead; where a corner is
    given, they are whole cells from it.

    Args:
        bounds_m: (left, bottom, right, top) in `crs`.
        crs: projected, axes in metres.
        cell_m: side of a cell, > 0.
        corner_m: x and y of a corner of some cell, (0, 0) if not given.

    Raises:
        DataError: E-GRID-CELL, E-GRID-EXTENT or E-GRID-SIZE.
    """
    if not (math.isfinite(cell_m) and cell_m > 0.0):
        raise _refused("E-GRID-CELL", "cell_m", cell_m, "a cell has a positive, finite side", "give metres, as in 1000")
    if not (all(map(math.isfinite, bounds_m)) and bounds_m[0] < bounds_m[2] and bounds_m[1] < bounds_m[3]):
        rule = "polygons have a finite extent in the grid's coordinate system"
        fix = "choose a coordinate system whose area of use holds the polygons"
        raise _refused("E-GRID-EXTENT", "geometry", bounds_m, rule, fix)
    x_m, y_m = corner_m or (0.0, 0.0)
    step = KILOMETRE_M if corner_m is None and KILOMETRE_M % cell_m == 0.0 else cell_m
    left, bottom, right, top = (
        rounded((edge - at) / step) * step + at
        for edge, at, rounded in zip(bounds_m, (x_m, y_m) * 2, (math.floor,) * 2 + (math.ceil,) * 2, strict=True)
    )
    rows, columns = round((top - bottom) / cell_m), round((right - left) / cell_m)
    if rows * columns > MAX_CELLS:
        rule = f"a grid has at most {MAX_CELLS:,} cells"
        raise _refused("E-GRID-SIZE", "cell_m", f"{rows:,} x {columns:,} cells", rule, "choose a larger cell")
    return Grid(crs=crs, cell_m=cell_m, left_m=left, top_m=top, shape_yx=(rows, columns))


def projected(name: str) -> CRS:
    """The coordinate system of that name or code, refused unless it is projected with both axes in metres.

    Densities are right only where it is equal-area as well; that choice is the caller's.

    Args:
        name: "china_albers", or a code such as "EPSG:10594".

    Raises:
        DataError: E-CRS-UNKNOWN, E-CRS-NOT-PROJECTED.
    """
    crs = china_albers() if name == "china_albers" else parse(name, "")
    if not crs.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info):
        rule = "a raster of densities needs a projected coordinate system in metres"
        fix = "use china_albers, or the code of an equal-area projection such as EPSG:10594"
        raise _refused("E-CRS-NOT-PROJECTED", "crs", name, rule, fix)
    return crs


def _refused(code: str, column: str, value: object, rule: str, fix: str) -> DataError:
    return DataError([error(code, "", column=column, value=str(value), rule=rule, fix=fix)])
