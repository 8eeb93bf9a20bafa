"""Which county a cell belongs to, which cells a mask leaves out, and on which side of the divide a cell lies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.coordinates import divide
from geo.errors import Issue
from geo.raster.cells import clipped, to_degrees
from geo.raster.grid import Grid
from geo.raster.implausible_values import missing_blocks
from geo.raster.read import reading
from geo.raster.zonal import NOBODY, Ownership

from .align import AlignedRaster, row_bands


@dataclass(frozen=True)
class Places:
    """The cells of the grid and who has them.

    Attributes:
        ownership: County of each cell, by its centre, before the mask.
        masked: Cells that the mask leaves out, (rows, columns) bool; None without a mask.
    """

    ownership: Ownership
    masked: NDArray[np.bool_] | None

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.ownership.grid

    @property
    def zones(self) -> int:
        """How many counties there are."""
        return len(self.ownership.codes)

    def zone(self, rows: slice) -> NDArray[np.int32]:
        """Row of the county of each cell, NOBODY where the cell is no zone, shape (rows, columns) of whole rows."""
        owner = self.ownership.owner[rows]
        return owner if self.masked is None else np.where(self.masked[rows], np.int32(NOBODY), owner)

    def around(self, rows: slice, columns: slice) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """County and mask of cells that may lie beyond the grid: there is no county there, and no mask."""
        owner = np.full((rows.stop - rows.start, columns.stop - columns.start), NOBODY, dtype=np.int32)
        masked = np.zeros(owner.shape, bool)
        inside = clipped(rows.start, rows.stop, self.grid.shape_yx[0])
        here = clipped(columns.start, columns.stop, self.grid.shape_yx[1])
        if inside.start < inside.stop and here.start < here.stop:
            down = slice(inside.start - rows.start, inside.stop - rows.start)
            across = slice(here.start - columns.start, here.stop - columns.start)
            owner[down, across] = self.ownership.owner[inside, here]
            if self.masked is not None:
                masked[down, across] = self.masked[inside, here]
        return owner, masked

    def cells(self) -> NDArray[np.int64]:
        """Number of cells of each county after the mask, (zones,)."""
        if self.masked is None:
            return self.ownership.cells
        counts = np.zeros(self.zones + 1, dtype=np.int64)
        for rows in row_bands(slice(0, self.grid.shape_yx[0]), self.grid.shape_yx[1], 1):
            counts += np.bincount(self.zone(rows).ravel() + 1, minlength=counts.size)
        return counts[1:]


def read_mask(mask: AlignedRaster, grid: Grid) -> tuple[NDArray[np.bool_], list[Issue]]:
    """Read which cells are left out: those of 0, without data, or beyond the mask.

    Returns:
        (rows, columns) bool; and E-RASTER-HOLES, W-RASTER-HOLES where blocks of the file were never written.
    """
    raster = mask.raster
    issues = missing_blocks(raster)
    left_out = np.ones(grid.shape_yx, bool)
    columns = slice(0, grid.shape_yx[1])
    with reading(raster) as read:
        for rows in row_bands(slice(0, grid.shape_yx[0]), grid.shape_yx[1], 1):
            values, data = mask.read(read, rows, columns)
            left_out[rows] = (data == 0) | (values == 0.0)
    return left_out, issues


def east(grid: Grid, rows: slice, zone: NDArray[np.int32]) -> NDArray[np.int8]:
    """Say which cells lie south-east of the divide, by their centres.

    Returns:
        1 south-east, 0 elsewhere and in cells of no county; shape (rows, columns).
    """
    side = np.zeros(zone.shape, dtype=np.int8)
    row, column = np.nonzero(zone != NOBODY)
    x, y = grid.centres(row + rows.start, column)
    lon, lat = to_degrees(grid.crs, x, y)
    side[row, column] = divide.signed_distance_km(lon, lat) > 0.0
    return side
