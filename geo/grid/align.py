"""Rasters on the cells of the grid or on whole parts of them: found to line up, and summed exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.coordinates import crs
from geo.errors import Issue, error
from geo.raster.cells import Cells, Window, clipped
from geo.raster.grid import Grid
from geo.raster.read import Raster, Read

# Corners written by another program differ in the last digits; a thousandth of a cell is no shift.
_SAME_CELLS = 1e-3
# Raster cells in memory at once: some 60 bytes each while they are read, masked and summed.
_CELLS_AT_ONCE = 2_000_000
CHUNK_ROWS = 16
"""Rows of `grid.nc` that are stored together."""


@dataclass(frozen=True)
class Alignment:
    """How a raster's cells lie under those of a grid.

    Attributes:
        factor: Raster cells along the side of a grid cell.
        row: Row of the raster that begins at the grid's northern edge, negative where the raster begins south of it.
        column: Column of the raster that begins at the grid's western edge, in the same way.
    """

    factor: int
    row: int
    column: int

    def under(self, raster: Cells, rows: slice, columns: slice) -> Window | None:
        """Give the raster's cells under some rows and columns of the grid, None where there are none.

        Rows and columns may be negative or beyond the grid: they go on at its spacing.
        """
        down = self._clipped(rows, self.row, raster.shape_yx[0])
        across = self._clipped(columns, self.column, raster.shape_yx[1])
        return Window(down, across) if down.start < down.stop and across.start < across.stop else None

    def reach(self, raster: Cells) -> Window:
        """Give the rows and columns of the grid that together hold every cell of the raster; see `under`."""
        rows, columns = (
            slice((0 - start) // self.factor, -(-(size - start) // self.factor))
            for start, size in zip((self.row, self.column), raster.shape_yx, strict=True)
        )
        return Window(rows, columns)

    def spread(self, values: NDArray[np.generic], under: Window, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Sum what the raster's cells of `under` hold to the cells of the grid; nothing where there is no raster."""
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        top, left = rows.start * self.factor + self.row, columns.start * self.factor + self.column
        whole = np.zeros((shape[0] * self.factor, shape[1] * self.factor))
        down = slice(under.rows.start - top, under.rows.stop - top)
        whole[down, under.columns.start - left : under.columns.stop - left] = values
        if self.factor == 1:
            return whole
        sums: NDArray[np.float64] = whole.reshape(shape[0], self.factor, shape[1], self.factor).sum(axis=(1, 3))
        return sums

    def _clipped(self, cells: slice, start: int, size: int) -> slice:
        first, last = (cell * self.factor + start for cell in (cells.start, cells.stop))
        return clipped(first, last, size)


@dataclass(frozen=True)
class AlignedRaster:
    """A raster that may be read on the cells of a grid.

    Attributes:
        raster: The raster.
        alignment: How its cells lie under those of the grid.
        per_value: Multiplies what is read: of a density of people the area of a raster cell in km2, else 1.
    """

    raster: Raster
    alignment: Alignment
    per_value: float = 1.0

    def read(self, read: Read, rows: slice, columns: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the sum of the data, and how many raster cells hold data, for cells of the grid.

        Args:
            read: Reads the raster (`geo.raster.read.reading`).
            rows: Of the grid.
            columns: Of the grid.
        """
        under = self.alignment.under(self.raster.cells, rows, columns)
        if under is None:
            nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
            return nothing, nothing
        raw, data = read(under)
        values = np.where(data, self.raster.measured(np.where(data, raw, 0.0)), 0.0)
        values = self.alignment.spread(values, under, rows, columns) * self.per_value
        return values, self.alignment.spread(data, under, rows, columns)


def find_alignment(raster: Cells, grid: Grid) -> Alignment | None:
    """Say how a raster's cells lie under those of a grid, None where they are no whole parts of them.

    Corners and centre of the grid are brought to the raster's system, so it does not matter how either is written.
    """
    rows, columns = grid.shape_yx
    down, across = np.meshgrid([0.0, rows / 2.0, rows], [0.0, columns / 2.0, columns], indexing="ij")
    x, y = grid.left_m + across * grid.cell_m, grid.top_m - down * grid.cell_m
    x, y = crs.transform(x, y, grid.crs, raster.crs)
    column, row = (x - raster.left) / raster.width, (raster.top - y) / raster.height
    if not (np.isfinite(column).all() and np.isfinite(row).all()):
        return None
    factor, start, left = round((row[2, 0] - row[0, 0]) / rows), round(row[0, 0]), round(column[0, 0])
    off = np.maximum(np.abs(row - start - factor * down), np.abs(column - left - factor * across))
    return Alignment(factor, start, left) if factor >= 1 and off.max() < _SAME_CELLS else None


def align(raster: Raster, grid: Grid, quantity: str | None) -> tuple[AlignedRaster | None, list[Issue]]:
    """Put a raster under the grid, or refuse it (E-GRID-MISMATCH) with both grids and the way to bring it over.

    Args:
        raster: The raster.
        grid: The grid.
        quantity: "count" or "density" (per km2) of an amount, whose cells may be whole parts of those of the grid, for
            amounts can be summed; None for anything else.
    """
    found, amount = find_alignment(raster.cells, grid), quantity is not None
    if found is not None and (amount or found.factor == 1):
        per_value = raster.cells.width * raster.cells.height / 1e6 if quantity == "density" else 1.0
        return AlignedRaster(raster, found, per_value), []
    parts = ", or whole parts of them" if amount else ""
    rule = f"{raster.name} has the cells of the grid{parts}; the grid has {grid.cells.describe()}"
    value, fix = raster.cells.describe(), _gdalwarp_command(grid, amount=amount)
    return None, [error("E-GRID-MISMATCH", raster.path.name, value=value, rule=rule, fix=fix)]


def row_bands(rows: slice, columns: int, factor: int) -> Iterator[slice]:
    """Cut rows of a grid into bands that fit in memory, whole chunks of `grid.nc` each.

    Args:
        rows: Of the grid; their first need not be 0.
        columns: Of the grid.
        factor: Raster cells along the side of a grid cell.
    """
    fit = _CELLS_AT_ONCE // (columns * factor * factor)
    step = max(fit // CHUNK_ROWS, 1) * CHUNK_ROWS
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def _gdalwarp_command(grid: Grid, *, amount: bool) -> str:
    rows, columns = grid.shape_yx
    left, top = grid.left_m, grid.top_m
    edges = (left, top - rows * grid.cell_m, left + columns * grid.cell_m, top)
    target = crs.name(grid.crs) if grid.crs.to_authority() else "geo/china_albers.wkt"
    how = "sum (counts; a density times its cells' area first)" if amount else "average (classes: mode)"
    numbers = " ".join(f"{edge:.9g}" for edge in edges)
    return f"gdalwarp -t_srs {target} -te {numbers} -tr {grid.cell_m:.9g} {grid.cell_m:.9g} -r {how}"
