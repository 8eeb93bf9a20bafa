"""Which zone owns which cell, people spread evenly over a zone's cells, and the sum back to the zones."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from geo.errors import DataError, error

from .grid import Grid

NOBODY = -1
BLOCK_ROWS = 512

# A pixel stores 24 bits, so a zone may lose a few parts in 1e8; half a person or one in a million is a fault.
TOLERANCE_PEOPLE = 0.5
TOLERANCE_SHARE = 1e-6

Block = Callable[[slice], NDArray[np.generic]]


@dataclass(frozen=True)
class Ownership:
    """Who owns each cell of a grid.

    Attributes:
        grid: the grid.
        codes: code of each zone, for messages.
        owner: (rows, columns) int32, the zone's row number, or NOBODY.
        cells: (zones,) int64, number of cells a zone owns, at least 1.
        assigned_nearest: row numbers of the zones that hold no cell centre and were given the nearest cell instead.
    """

    grid: Grid
    codes: tuple[str, ...]
    owner: NDArray[np.int32]
    cells: NDArray[np.int64]
    assigned_nearest: tuple[int, ...]

    def density(self, people: NDArray[np.float64]) -> NDArray[np.float64]:
        """People of each zone spread evenly over its cells.

        Args:
            people: (zones,) persons, or persons per year.

        Returns:
            (zones,) the same per km2 of cell. Times the cell area and summed over a zone's cells it is `people` again.

        Raises:
            DataError: E-RASTER-PEOPLE where a zone's number is not finite.
        """
        if not np.isfinite(people).all():
            raise self.people_differ("", people, np.zeros_like(people), ~np.isfinite(people))
        return np.asarray(people / self.cells / self.grid.cell_area_km2)

    def raster_of(self, values: NDArray[np.generic], nodata: float) -> Block:
        """A function that gives any rows of the raster whose cells carry the value of their zone.

        Args:
            values: (zones,), in the dtype of the file.
            nodata: value of the cells that nobody owns.
        """
        # NOBODY is -1, which indexes the last entry.
        table = np.append(values, np.asarray(nodata, dtype=values.dtype))
        return lambda rows: table[self.owner[rows]]

    def sums(self, block: Block) -> NDArray[np.float64]:
        """Sum of the cells of each zone, in float64.

        Args:
            block: gives the values of any rows, shape (rows, columns).
        """
        total = np.zeros(self.cells.size + 1)
        for rows in row_blocks(self.grid):
            owner = self.owner[rows].ravel() + 1
            total += np.bincount(owner, weights=block(rows).ravel().astype(np.float64), minlength=total.size)
        return total[1:]

    def people_differ(
        self, file: str, people: NDArray[np.float64], found: NDArray[np.float64], off: NDArray[np.bool_]
    ) -> DataError:
        """The error that names every zone in `off`, what its cells hold and how many people are missing."""
        fix = "export again; if it comes back, the results of the run are damaged"
        issues = []
        for row in np.flatnonzero(off):
            rule = f"the cells of a zone sum to its people, {people[row]:.3f}"
            column, value = f"zone {self.codes[row]}", f"{found[row]:.3f}"
            missing = float(abs(found[row] - people[row])) if np.isfinite(people[row]) else None
            issues.append(
                error("E-RASTER-PEOPLE", file, column=column, value=value, rule=rule, fix=fix, people=missing)
            )
        return DataError(issues)


def row_blocks(grid: Grid) -> Iterator[slice]:
    """Slices of whole rows that together cover the grid, small enough to hold several in memory."""
    for start in range(0, grid.shape_yx[0], BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, grid.shape_yx[0]))


def check_people(file: str, ownership: Ownership, block: Block, people: NDArray[np.float64]) -> None:
    """Refuse a raster of densities that does not sum back to its zones.

    Args:
        file: name for the message.
        ownership: who owns which cell.
        block: gives the values of any rows, persons per km2, as read from the file.
        people: (zones,) what each zone must hold.

    Raises:
        DataError: E-RASTER-PEOPLE, one issue a zone off by more than half a person and more than 1e-6 of itself.
    """
    found = ownership.sums(block) * ownership.grid.cell_area_km2
    allowed = np.maximum(TOLERANCE_PEOPLE, TOLERANCE_SHARE * np.abs(people))
    off = ~(np.abs(found - people) <= allowed)
    if off.any():
        raise ownership.people_differ(file, people, found, off)


def assign_cells(polygons: NDArray[np.object_], grid: Grid, codes: Sequence[str]) -> Ownership:
    """Give every cell to the zone that holds its centre, and every zone at least one cell.

    A zone too small to hold a cell centre gets the cell of its representative point; where that is another zone's
    last cell, the nearest cell that is not. The centre rule is the one of GIS zonal statistics, so those reproduce the
    table for every other zone.

    Args:
        polygons: (zones,) shapely polygons in the grid's coordinate system.
        grid: covers them.
        codes: code of each zone, for messages.

    Raises:
        DataError: E-GEOM-EMPTY for a zone without area, E-RASTER-COARSE where there are more zones than cells.
    """
    bad = np.flatnonzero(shapely.is_missing(polygons) | ~(shapely.area(polygons) > 0.0)).tolist()
    if bad:
        rule, fix = "every zone has a polygon with an area", "give the zone a polygon"
        raise DataError([error("E-GEOM-EMPTY", "", column=f"zone {codes[row]}", rule=rule, fix=fix) for row in bad])
    owner: NDArray[np.int32] = rasterize(
        ((polygon, row) for row, polygon in enumerate(polygons)),
        out_shape=grid.shape_yx,
        transform=grid.transform,
        fill=NOBODY,
        dtype="int32",
    )
    cells = np.bincount(owner.ravel() + 1, minlength=len(polygons) + 1)[1:].astype(np.int64)
    assigned_nearest = tuple(int(row) for row in np.flatnonzero(cells == 0))
    for row in assigned_nearest:
        point = shapely.point_on_surface(polygons[row])
        cell = _nearest_free(owner, cells, grid, (point.x, point.y), codes[row])
        if owner[cell] != NOBODY:
            cells[owner[cell]] -= 1
        owner[cell] = row
        cells[row] = 1
    owner.setflags(write=False)
    return Ownership(grid=grid, codes=tuple(codes), owner=owner, cells=cells, assigned_nearest=assigned_nearest)


def _nearest_free(
    owner: NDArray[np.int32], cells: NDArray[np.int64], grid: Grid, point: tuple[float, float], code: str
) -> tuple[int, int]:
    row, column = grid.row_col(*point)
    if _free(owner[row, column], cells):
        return row, column
    for radius in range(1, max(grid.shape_yx) + 1):
        if _best_within(owner, cells, grid, point, radius) is not None:
            # A corner of this square is farther than cells just outside its sides: look once in the wider square.
            best = _best_within(owner, cells, grid, point, math.ceil(radius * math.sqrt(2.0)) + 1)
            if best is not None:
                return best
    shape = f"{grid.shape_yx[0]} x {grid.shape_yx[1]} cells"
    rule = "every zone owns at least one cell"
    where = f"zone {code}"
    raise DataError([error("E-RASTER-COARSE", "", column=where, value=shape, rule=rule, fix="choose a smaller cell")])


def _best_within(
    owner: NDArray[np.int32], cells: NDArray[np.int64], grid: Grid, point: tuple[float, float], radius: int
) -> tuple[int, int] | None:
    row, column = grid.row_col(*point)
    top, left = max(row - radius, 0), max(column - radius, 0)
    window = owner[top : row + radius + 1, left : column + radius + 1]
    rows, columns = np.nonzero(_free(window, cells))
    if rows.size == 0:
        return None
    x_m, y_m = grid.centres(rows + top, columns + left)
    best = int(np.argmin(np.hypot(x_m - point[0], y_m - point[1])))
    return int(rows[best]) + top, int(columns[best]) + left


def _free(owner: NDArray[np.int32], cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    free: NDArray[np.bool_] = (owner == NOBODY) | (cells[owner] > 1)
    return free
