"""Who lives in the cells: what the raster of people holds in each county, and nobody lost on the way."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geo.config import GridPopulationConfig
from geo.errors import Issue
from geo.raster.grid import Grid
from geo.raster.implausible_values import CheckedRaster, check, missing_blocks
from geo.raster.read import reading
from geo.raster.zonal import NOBODY

from .align import AlignedRaster, row_bands
from .places import Places


@dataclass(frozen=True)
class MisplacedPeople:
    """People in cells where nobody can be.

    Attributes:
        people: How many.
        cells: In how many cells.
        most: In the worst of these.
        row: Its row in the grid, from 0; cells north and west of the grid have negative numbers.
        column: Its column.
    """

    people: float = 0.0
    cells: int = 0
    most: float = 0.0
    row: int = 0
    column: int = 0

    def place(self, grid: Grid) -> str:
        """Say where the worst cell lies."""
        x, y = grid.centres(np.array([self.row]), np.array([self.column]))
        return f"row {self.row}, column {self.column} of the grid (x {x[0]:.0f}, y {y[0]:.0f})"

    def plus(self, other: Self) -> Self:
        """Join with those of other cells."""
        worst = self if self.most >= other.most else other
        return dataclasses.replace(worst, people=self.people + other.people, cells=self.cells + other.cells)


@dataclass(frozen=True)
class RasterPeople:
    """What a raster of people holds.

    Attributes:
        people: In the cells of each county that are not masked, (zones,) persons.
        outside: People in cells of no county.
        masked: People in cells of a county that the mask leaves out.
        issues: E-NUM-INF, E-NEG (with the people below zero), E-NODATA-SUSPECT, E-RASTER-HOLES and warnings.
    """

    people: NDArray[np.float64]
    outside: MisplacedPeople
    masked: MisplacedPeople
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class CellPopulation:
    """Who lives in the cells, once it is decided.

    Attributes:
        people: The raster; None where the people of a county are spread evenly.
        factor: Multiplies the raster's people in the cells of each county, (zones,); without one, people of each cell.
        source: Where the people come from, in a word.
    """

    people: AlignedRaster | None
    factor: NDArray[np.float64]
    source: str

    @property
    def parts(self) -> int:
        """Raster cells along the side of a grid cell."""
        return 1 if self.people is None else self.people.alignment.factor

    @contextmanager
    def reading(self) -> Iterator[Callable[[slice, NDArray[np.int32]], NDArray[np.float64]]]:
        """Give a function of whole rows of the grid and their counties: persons in each cell, 0 in cells of none."""
        table = np.append(self.factor, 0.0)  # NOBODY is -1, which indexes the last entry
        if self.people is None:
            yield lambda rows, zone: table[zone]
            return
        people = self.people
        with reading(people.raster) as read:
            yield lambda rows, zone: people.read(read, rows, slice(0, zone.shape[1]))[0] * table[zone]


def sum_people(aligned: AlignedRaster, places: Places, config: GridPopulationConfig) -> RasterPeople:
    """Go once through every cell of the raster, those beyond the grid as well."""
    raster, alignment = aligned.raster, aligned.alignment
    checked = CheckedRaster(raster)
    sums, outside, masked = np.zeros(places.zones + 1), MisplacedPeople(), MisplacedPeople()
    reach = alignment.reach(raster.cells)
    with reading(raster) as unchecked:
        read = checked.reading_through(unchecked)
        for rows in row_bands(reach.rows, reach.shape_yx[1], alignment.factor):
            persons, _ = aligned.read(read, rows, reach.columns)
            owner, left_out = places.around(rows, reach.columns)
            zone = np.where(left_out, np.int32(NOBODY), owner)
            sums += np.bincount(zone.ravel() + 1, weights=persons.ravel(), minlength=sums.size)
            outside = outside.plus(misplaced(persons, owner == NOBODY, rows, reach.columns))
            masked = masked.plus(misplaced(persons, left_out & (owner != NOBODY), rows, reach.columns))
    below_zero = -checked.summary.negative * aligned.per_value
    issues = [
        dataclasses.replace(issue, people=below_zero) if issue.code == "E-NEG" else issue
        for issue in (*missing_blocks(raster), *check(checked, config, amount=True))
    ]
    return RasterPeople(sums[1:], outside, masked, tuple(issues))


def misplaced(persons: NDArray[np.float64], where: NDArray[np.bool_], rows: slice, columns: slice) -> MisplacedPeople:
    """Count the people of some of the cells of a band of rows and columns of the grid."""
    there = np.where(where, persons, 0.0)
    row, column = divmod(int(np.argmax(there)), there.shape[1])
    most = float(there[row, column])
    return MisplacedPeople(
        float(there.sum()), int((there != 0.0).sum()), most, row + rows.start, column + columns.start
    )
