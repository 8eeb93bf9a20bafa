"""Where the cells of the grid model lie: over the polygons of the run, along the cells of the raster of people."""

import math

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs
from geo.errors import DataError, error
from geo.raster.cells import Cells, ground_areas_km2
from geo.raster.grid import Grid, covering

from .align import find_alignment

# What a projection called equal-area leaves of a cell's ground is rounding; every other one misses by far more.
_SAME_AREA = 1e-6
_SAMPLE_M = 1000.0


def lattice(shapes: NDArray[np.object_], system: pyproj.CRS, cell_m: float, people: Cells | None) -> Grid:
    """Cover the polygons with cells whose edges are edges of the raster of people, where there is one and that can be.

    The edges are whole kilometres (or multiples of the cell) where those of the raster are, else cells from the
    raster's corner; a raster whose cells are no whole parts of these changes nothing here and is refused by `align`.

    Args:
        shapes: Polygons of the zones in `system`, shape (zones,).
        system: Projected, axes in metres.
        cell_m: Side of a cell, > 0.
        people: Cells of the raster, None without one.

    Raises:
        DataError: E-GRID-AREA where `system` is not equal-area; E-GRID-CELL, E-GRID-EXTENT, E-GRID-SIZE.
    """
    bounds = shapely.total_bounds(shapes).tolist()
    grid = covering(bounds, system, cell_m)
    _check_areas(grid)
    if people is None or find_alignment(people, grid) is not None:
        return grid
    anchored = covering(bounds, system, cell_m, (people.left, people.top))
    return anchored if find_alignment(people, anchored) is not None else grid


def memory_gb(grid: Grid) -> float:
    """What making `grid.nc` holds in memory at its peak beside the interpreter, GB: measured, 0.4 at 20 million cells.

    Owner and mask stay (5 bytes a cell), counting the cells of zones takes 12 more for a moment; bands of rows are
    bounded.
    """
    return 17e-9 * math.prod(grid.shape_yx) + 0.3


def _check_areas(grid: Grid) -> None:
    """Measure the ground of small cells at two corners of the grid and in its middle."""
    rows, columns = grid.shape_yx
    for share in (0.0, 0.5, 1.0):
        x, y = grid.left_m + share * columns * grid.cell_m, grid.top_m - share * rows * grid.cell_m
        cell = Cells(grid.crs, x, y, _SAMPLE_M, _SAMPLE_M, (1, 1))
        found = float(ground_areas_km2(cell, cell.whole)[0, 0]) / (_SAMPLE_M / 1000.0) ** 2
        if not abs(found - 1.0) <= _SAME_AREA:
            rule = f"a square kilometre of the system is one on the ground; at x {x:.0f}, y {y:.0f} it is {found:.6g}"
            fix = "use china_albers, or the code of an equal-area projection such as EPSG:10594"
            raise DataError([error("E-GRID-AREA", "", column="crs", value=crs.name(grid.crs), rule=rule, fix=fix)])
