"""The cells of a raster that is read: where they lie, and how much ground each of them covers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyproj
from numpy.typing import NDArray

from geo.coordinates import crs

# Grids of one product differ in the last digits of a corner; a thousandth of a cell is no shift.
_SAME_CELLS = 1e-3
_CELLS_PER_BLOCK = 2_000_000


@dataclass(frozen=True)
class Cells:
    """Rectangular cells along the axes of any coordinate system, row 0 in the north.

    Attributes:
        crs: Coordinate system, x before y.
        left: x of the western edge.
        top: y of the northern edge.
        width: Size of a cell along x, > 0.
        height: Size of a cell along y, > 0.
        shape_yx: (rows, columns).
    """

    crs: pyproj.CRS
    left: float
    top: float
    width: float
    height: float
    shape_yx: tuple[int, int]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        rows, columns = self.shape_yx
        return self.left, self.top - rows * self.height, self.left + columns * self.width, self.top

    @property
    def whole(self) -> "Window":
        """All cells."""
        rows, columns = self.shape_yx
        return Window(slice(0, rows), slice(0, columns))

    def x(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give x of the western edge of columns."""
        return self.left + self.width * edges.astype(np.float64)

    def y(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give y of the northern edge of rows."""
        return self.top - self.height * edges.astype(np.float64)

    def same(self, other: Self) -> bool:
        """Say whether two rasters have the same cells."""
        if self.shape_yx != other.shape_yx or not self.crs.equals(other.crs, ignore_axis_order=True):
            return False
        apart = np.abs(np.subtract(self.bounds, other.bounds)) / (self.width, self.height, self.width, self.height)
        return bool((apart < _SAME_CELLS).all())

    def describe(self) -> str:
        """Give coordinate system, corner, cell size and shape in a message."""
        rows, columns = self.shape_yx
        size = f"cell {self.width:.9g} x {self.height:.9g}, {rows} x {columns}"
        return f"{crs.name(self.crs)}: corner {self.left:.9g}, {self.top:.9g}, {size}"


@dataclass(frozen=True)
class Window:
    """Some rows and columns of a raster, both as slices with start and stop."""

    rows: slice
    columns: slice

    @property
    def shape_yx(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def clipped(start: int, stop: int, size: int) -> slice:
    """Give the rows or columns from `start` to `stop` that a raster of so many has."""
    return slice(min(max(start, 0), size), min(max(stop, 0), size))


def window(cells: Cells, bounds: tuple[float, float, float, float]) -> Window | None:
    """Give the cells that a box touches, None where it lies beside the raster."""
    x0, y0, x1, y1 = bounds
    rows, columns = cells.shape_yx
    first_column, last_column = (x0 - cells.left) / cells.width, (x1 - cells.left) / cells.width
    first_row, last_row = (cells.top - y1) / cells.height, (cells.top - y0) / cells.height
    across = clipped(math.floor(first_column), math.ceil(last_column), columns)
    down = clipped(math.floor(first_row), math.ceil(last_row), rows)
    return Window(down, across) if down.start < down.stop and across.start < across.stop else None


def blocks(whole: Window, rows_at_once: int) -> Iterator[Window]:
    """Cut a window into bands of rows that fit in memory.

    Args:
        whole: The window.
        rows_at_once: Rows that the file stores together; bands end at multiples of it where that fits.
    """
    fit = max(_CELLS_PER_BLOCK // whole.shape_yx[1], 1)
    step = fit // rows_at_once * rows_at_once or fit
    start = whole.rows.start
    while start < whole.rows.stop:
        stop = min((start // step + 1) * step, whole.rows.stop)
        yield Window(slice(start, stop), whole.columns)
        start = stop


def ground_areas_km2(cells: Cells, block: Window) -> NDArray[np.float64]:
    """Give the area of cells on the ground, whatever the projection does to areas.

    The corners are brought to a cylindrical equal-area projection of the WGS 84 ellipsoid. Cells of longitude and
    latitude, and of every Mercator, are rectangles there, so their areas are exact; the straight edges that other
    cells get instead of their curved ones are shared by neighbours, so no ground is lost between them.

    Returns:
        km2, shape (rows, columns) of the block, read-only where the columns are alike.
    """
    west, east = cells.x(np.array([block.columns.start, block.columns.stop]))
    north, south = cells.y(np.array([block.rows.start, block.rows.stop]))
    x, y = np.meshgrid(np.linspace(west, east, 3), np.linspace(north, south, 3))
    # Around the middle of the block, the seam of the projection is half a world away.
    meridian = float(to_degrees(cells.crs, x[1, 1:2], y[1, 1:2])[0][0])
    east, north = to_equal_area_km(cells.crs, x, y, meridian)
    # Where meridians run along the columns and parallels along the rows, the cells of a row are all alike.
    alike = np.ptp(east, axis=0).max() < 1e-6 and np.ptp(north, axis=1).max() < 1e-6
    last = block.columns.start + 1 if alike else block.columns.stop
    x, y = np.meshgrid(
        cells.x(np.arange(block.columns.start, last + 1)), cells.y(np.arange(block.rows.start, block.rows.stop + 1))
    )
    east, north = to_equal_area_km(cells.crs, x, y, meridian)
    # The shoelace formula on the diagonals of each quadrilateral.
    down_x, down_y = east[1:, 1:] - east[:-1, :-1], north[1:, 1:] - north[:-1, :-1]
    up_x, up_y = east[:-1, 1:] - east[1:, :-1], north[:-1, 1:] - north[1:, :-1]
    areas: NDArray[np.float64] = np.abs(down_x * up_y - down_y * up_x) / 2.0
    return np.broadcast_to(areas, block.shape_yx)


def to_equal_area_km(
    system: pyproj.CRS, x: NDArray[np.float64], y: NDArray[np.float64], meridian: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bring coordinates to the cylindrical equal-area projection of WGS 84, in km, around a meridian in degrees."""
    target = pyproj.CRS.from_proj4(f"+proj=cea +lat_ts=0 +lon_0={meridian:.9f} +datum=WGS84 +units=km +type=crs")
    return crs.transform(x, y, system, target)


def to_degrees(
    system: pyproj.CRS, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bring coordinates to longitude and latitude, degrees on WGS 84."""
    return crs.transform(x, y, system, crs.WGS84)
