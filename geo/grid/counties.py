"""The people of the cells beside the residents of the counties: what must agree, what is told, what a rule changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.checks.rasters import off_total
from geo.config import GridPopulationConfig
from geo.errors import Issue, error, failed
from geo.raster.zonal import TOLERANCE_PEOPLE

from .align import AlignedRaster
from .people import CellPopulation, RasterPeople, sum_people
from .places import Places

_COUNTIES = 'totals = "counties" in [grid.population] spreads the people of a county over its own cells'


@dataclass(frozen=True)
class _Comparison:
    """A raster of people beside the residents of the counties, (zones,) persons, in the year of a census."""

    aligned: AlignedRaster
    config: GridPopulationConfig
    places: Places
    found: RasterPeople
    year: int
    residents: NDArray[np.float64]

    @property
    def file(self) -> str:
        """Base name of the raster."""
        return self.aligned.raster.path.name


def people(
    config: GridPopulationConfig | None,
    aligned: AlignedRaster | None,
    places: Places,
    residents: NDArray[np.float64],
    year: int,
) -> tuple[CellPopulation, list[Issue], list[str]]:
    """Decide who lives in the cells: the people of a raster, or the residents of every county evenly.

    Args:
        config: What the config says of the raster, None without one.
        aligned: The raster under the grid.
        places: Counties and mask.
        residents: Of the counties, (zones,) persons.
        year: Their census.

    Returns:
        Who lives where; E-GRID-*, E-RASTER-EMPTY, E-RASTER-TOTAL and what is wrong with the cells of the raster; the
        rules that changed a number.
    """
    if aligned is None or config is None:
        return _spread(places, residents, year)
    found = sum_people(aligned, places, config)
    compared = _Comparison(aligned, config, places, found, year, residents)
    kept = CellPopulation(aligned, np.ones(places.zones), compared.file)
    if failed(found.issues):  # an error in the numbers would be repeated for every county
        return kept, list(found.issues), []
    issues = [*found.issues, *_misplaced(compared), *_empty(compared)]
    if config.totals == "raster":
        return kept, issues + _total(compared) + _differences(compared), []
    some = found.people > 0.0
    factor = np.where(some, residents, 0.0) / np.where(some, found.people, 1.0)
    source = f"{compared.file} within counties, residents of {year} in zones.nc"
    return CellPopulation(aligned, factor, source), issues, [_scaling_rule(compared, factor)]


def _spread(places: Places, residents: NDArray[np.float64], year: int) -> tuple[CellPopulation, list[Issue], list[str]]:
    """Spread the residents of every county evenly over its cells, as the rasters of a run do."""
    cells = places.cells()
    without = np.flatnonzero((cells == 0) & (residents > 0)).tolist()
    issues = [_no_cell_left("zones.nc", places, residents, year, row) for row in without]
    even = f"residents of {year} in zones.nc, even within a county"
    rule = (
        f"population: the residents of {year} of {places.zones:,} counties ({residents.sum():,.0f} people) are spread "
        f"evenly over the cells of each ({cells.sum():,} in all), as the rasters of the run have them."
    )
    return CellPopulation(None, residents / np.maximum(cells, 1), even), issues, [rule]


def _misplaced(compared: _Comparison) -> list[Issue]:
    """Find people in cells that are no zones: errors, unless a rule puts a county's people on its own cells."""
    outside, masked = compared.found.outside, compared.found.masked
    issues = []
    for misplaced, code, warning, rule in (
        (
            outside,
            "E-GRID-OUTSIDE",
            "W-GRID-OUTSIDE",
            f"people live in cells whose centre lies in a county; {outside.cells:,} cells with people do not",
        ),
        (
            masked,
            "E-GRID-MASKED",
            "W-GRID-MASKED",
            f"nobody lives where the mask is 0 or without data; {masked.cells:,} such cells have people",
        ),
    ):
        column, value = misplaced.place(compared.places.grid), f"{misplaced.most:.6g} people in the worst cell"
        place = compared.file, None, column, value
        if misplaced.cells and compared.config.totals == "counties":
            rule += "; they count for the counties' own cells as declared"
            issues.append(Issue(warning, "warning", *place, rule, "none needed", misplaced.people))
        elif misplaced.cells:
            issues.append(Issue(code, "error", *place, rule, _COUNTIES, misplaced.people))
    return issues


def _empty(compared: _Comparison) -> list[Issue]:
    """Find counties with people that have none in the raster, or no cell left."""
    issues = []
    cells = compared.places.cells()
    for row in map(int, np.flatnonzero((compared.residents > 0) & ~(compared.found.people > 0))):
        if not cells[row]:
            issues.append(_no_cell_left(compared.file, compared.places, compared.residents, compared.year, row))
            continue
        rule = f"the county has residents in {compared.year}, and its {cells[row]:,} cells hold nobody"
        fix = "get the raster again, correct its year, nodata or coordinate system, or take smaller cells"
        column, people = f"zone {compared.places.ownership.codes[row]}", float(compared.residents[row])
        issues.append(
            error("E-RASTER-EMPTY", compared.file, column=column, value="0", rule=rule, fix=fix, people=people)
        )
    return issues


def _no_cell_left(file: str, places: Places, residents: NDArray[np.float64], year: int, row: int) -> Issue:
    rule = f"the county has residents in {year}, and the mask leaves out every cell of it"
    fix, column = "let the mask keep a cell of every county", f"zone {places.ownership.codes[row]}"
    people = float(residents[row])
    return error("E-GRID-MASKED", file, column=column, value="0 cells", rule=rule, fix=fix, people=people)


def _total(compared: _Comparison) -> list[Issue]:
    """Find that the raster's people are not those of the census at all."""
    total, expected = float(compared.found.people.sum()), float(compared.residents.sum())
    if abs(total - expected) <= compared.config.total_within * expected:
        return []
    cells = compared.aligned.raster.cells
    area_km2 = cells.width * cells.height / 1e6
    otherwise = total * area_km2 if compared.config.quantity == "count" else total / area_km2
    return [off_total("population", compared.config, compared.year, total, expected, otherwise)]


def _differences(compared: _Comparison) -> list[Issue]:
    """Tell how far the raster's people are from the counties'."""
    apart = compared.found.people - compared.residents
    if not np.any(np.abs(apart) > TOLERANCE_PEOPLE):
        return []
    worst = int(np.argmax(np.abs(apart)))
    peopled = compared.residents > 0
    share = np.abs(apart[peopled]) / compared.residents[peopled]
    rule = (
        f"the county has {compared.residents[worst]:,.0f} residents in {compared.year}, the largest difference of "
        f"{compared.places.zones:,} counties; half of them differ by more than {np.median(share):.2%}; in all the "
        f"raster has {compared.found.people.sum():,.0f} people in counties, the census {compared.residents.sum():,.0f}"
    )
    column, value = f"zone {compared.places.ownership.codes[worst]}", f"{compared.found.people[worst]:,.1f}"
    people, fix = float(abs(apart[worst])), f"none needed; {_COUNTIES}"
    return [Issue("W-GRID-PEOPLE", "warning", compared.file, None, column, value, rule, fix, people)]


def _scaling_rule(compared: _Comparison, factor: NDArray[np.float64]) -> str:
    """Say what scaling to the counties changed."""
    apart = compared.residents - compared.found.people
    more, fewer = float(apart[apart > 0].sum()), float(np.abs(apart[apart < 0]).sum())
    worst = int(np.argmax(np.abs(apart)))
    misplaced = compared.found.outside.people + compared.found.masked.people
    return (
        f"population: the raster gives the pattern within a county, the census of {compared.year} its people (totals = "
        f'"counties"): the cells of {int((apart != 0.0).sum()):,} counties are scaled, {more:,.1f} people more in some '
        f"and {fewer:,.1f} fewer in others; most in {compared.places.ownership.codes[worst]}, by a factor of "
        f"{factor[worst]:.6g}; {misplaced:,.1f} people of the raster are in cells that are no zones, and count there."
    )
