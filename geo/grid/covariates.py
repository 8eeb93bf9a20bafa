"""Covariates of cells from rasters, in the unit of the county's; a cell without data has its county's value."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import GridCovariateConfig
from geo.errors import Issue, error
from geo.raster.implausible_values import CheckedRaster, missing_blocks
from geo.raster.implausible_values import check as check_values
from geo.raster.read import Read, reading
from geo.raster.zonal import NOBODY

from .align import AlignedRaster, row_bands
from .people import CellPopulation, MisplacedPeople, misplaced
from .places import Places


@dataclass(frozen=True)
class Covariate:
    """A raster of a covariate under the grid.

    Attributes:
        name: Of the covariate.
        aligned: The raster.
        config: What the config says of it.
        county: Value of each county, (zones,).
    """

    name: str
    aligned: AlignedRaster
    config: GridCovariateConfig
    county: NDArray[np.float64]

    def values(self, read: Read, zone: NDArray[np.int32], rows: slice) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Give the value of each cell of some rows, NaN in cells of no county, and where it is the county's."""
        measured, data = self.aligned.read(read, rows, slice(0, zone.shape[1]))
        table = np.append(self.county, np.nan)  # NOBODY is -1, which indexes the last entry
        absent = (data == 0) & (zone != NOBODY)
        values = np.where(zone == NOBODY, np.nan, np.where(absent, table[zone], measured))
        return values, absent


@dataclass(frozen=True)
class _Sums:
    """What the cells of one covariate showed: those that need the county's value, and its mean over people."""

    inhabited: MisplacedPeople
    empty: int
    weighted: float
    weight: float


def check(
    covariates: Mapping[str, Covariate], population: CellPopulation, places: Places
) -> tuple[list[str], list[Issue]]:
    """Go once through the cells of every covariate.

    Returns:
        The rules that filled a cell; and E-GRID-VALUE where a cell with people has no value, E-GRID-UNIT where the mean
        over people lies beyond all counties, E-NUM-INF, E-NODATA-SUSPECT, E-RASTER-HOLES.
    """
    issues: list[Issue] = []
    rules: list[str] = []
    for name, covariate in covariates.items():
        checked = CheckedRaster(covariate.aligned.raster)
        sums = _sums(covariate, checked, population, places)
        issues += missing_blocks(checked.raster) + check_values(checked, covariate.config, amount=False)
        issues += _missing(covariate, sums, places) + _unit(covariate, sums)
        found = sums.inhabited
        if found.cells or sums.empty:
            rules.append(
                f"{name}: {found.cells:,} cells with {found.people:,.0f} people and {sums.empty:,} cells where nobody "
                'lives have no data and take the value of their county (missing = "county"; where nobody lives always).'
            )
    return rules, issues


def _sums(covariate: Covariate, checked: CheckedRaster, population: CellPopulation, places: Places) -> _Sums:
    inhabited, empty, weighted, weight = MisplacedPeople(), 0, 0.0, 0.0
    rows_of, columns = places.grid.shape_yx
    with reading(covariate.aligned.raster) as read, population.reading() as people:
        for rows in row_bands(slice(0, rows_of), columns, population.parts):
            zone = places.zone(rows)
            persons = people(rows, zone)
            values, absent = covariate.values(checked.reading_through(read), zone, rows)
            inhabited = inhabited.plus(misplaced(persons, absent, rows, slice(0, columns)))
            empty += int((absent & (persons == 0.0)).sum())
            known = (zone != NOBODY) & ~absent
            weighted += float((values[known] * persons[known]).sum())
            weight += float(persons[known].sum())
    return _Sums(inhabited, empty, weighted, weight)


def _missing(covariate: Covariate, sums: _Sums, places: Places) -> list[Issue]:
    found = sums.inhabited
    if not found.cells or covariate.config.missing == "county":
        return []
    column = found.place(places.grid)
    rule = f"every cell with people has a value of {covariate.name}; {found.cells:,} have none, the worst with so many"
    fix = f'fill the raster, or declare [grid.covariates.{covariate.name}] missing = "county"'
    value, file = f"{found.most:.6g} people", covariate.aligned.raster.path.name
    return [error("E-GRID-VALUE", file, column=column, value=value, rule=rule, fix=fix, people=found.people)]


def _unit(covariate: Covariate, sums: _Sums) -> list[Issue]:
    """Find a raster in another unit: its mean over people lies beyond every county."""
    low, high = float(covariate.county.min()), float(covariate.county.max())
    mean = sums.weighted / sums.weight if sums.weight > 0.0 else low
    if low <= mean <= high:
        return []
    rule = f"the mean of {covariate.name} over people lies between the least and greatest county, {low:g} and {high:g}"
    fix = "bring the raster to the unit of the county's covariate (see its units in zones.nc)"
    file = covariate.aligned.raster.path.name
    return [error("E-GRID-UNIT", file, value=f"{mean:g}", rule=rule, fix=fix, people=sums.weight)]
