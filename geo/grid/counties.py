"""The people of the cells beside the residents of the counties: what must agree, what is told, what a rule changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.checks.rasters import off_total
from geo.config import GridPopulationConfig
from geo.errors import Issue, error, failed
from geo.raster.zonal import TOLERANCE_PEOPLE

from .people import CellPopulation, MisplacedPeople, People, RasterPeople
from .places import Places

_COUNTIES = 'totals = "counties" in [grid.population] spreads the people of a county over its own cells'


@dataclass(frozen=True)
class Comparison:
    """A raster of people and what it is compared with.

    Attributes:
        people: The raster under the grid.
        config: What the config says of it.
        year: Census.
        residents: Of the counties in that year, (zones,) persons.
    """

    people: People
    config: GridPopulationConfig
    year: int
    residents: NDArray[np.float64]

    @property
    def file(self) -> str:
        """Base name of the raster."""
        return self.people.aligned.raster.path.name


def spread(places: Places, residents: NDArray[np.float64], year: int) -> tuple[CellPopulation, list[Issue], list[str]]:
    """Spread the residents of every county evenly over its cells, as the rasters of a run do.

    Args:
        places: Counties and mask.
        residents: Of the counties, (zones,) persons.
        year: Census.

    Returns:
        Who lives where; E-GRID-MASKED for a county whose every cell is masked; the rule.
    """
    cells = places.cells()
    issues = [
        _no_cell_left("zones.nc", places, residents, year, row)
        for row in map(int, np.flatnonzero((cells == 0) & (residents > 0)))
    ]
    even = f"residents of {year} in zones.nc, even within a county"
    rule = (
        f"population: the residents of {year} of {places.zones:,} counties ({residents.sum():,.0f} people) are spread "
        f"evenly over the cells of each ({cells.sum():,} in all), as the rasters of the run have them."
    )
    return CellPopulation(None, residents / np.maximum(cells, 1), even), issues, [rule]


def compare(compared: Comparison, places: Places, found: RasterPeople) -> tuple[CellPopulation, list[Issue], list[str]]:
    """Compare a raster with the counties, and decide what their cells hold.

    Returns:
        Who lives where; E-GRID-*, E-RASTER-EMPTY, E-RASTER-TOTAL and those of `found`; the rules that changed a number.
    """
    kept = CellPopulation(compared.people, np.ones(places.zones), compared.file)
    if failed(found.issues):  # whatever is wrong with its numbers would be told again for every county
        return kept, list(found.issues), []
    issues = [*found.issues, *_misplaced(compared, places, found), *_empty(compared, places, found)]
    if compared.config.totals == "raster":
        return kept, issues + _total(compared, found) + _differences(compared, places, found), []
    some = found.people > 0.0
    factor = np.where(some, compared.residents, 0.0) / np.where(some, found.people, 1.0)
    source = f"{compared.file} within counties, residents of {compared.year} in zones.nc"
    return CellPopulation(compared.people, factor, source), issues, [_scaling_rule(compared, places, found, factor)]


def _misplaced(compared: Comparison, places: Places, found: RasterPeople) -> list[Issue]:
    """Find people in cells that are no zones: errors, unless a rule puts a county's people on its own cells."""
    rules = {
        "OUTSIDE": (found.outside, "people live in cells whose centre lies in a county; {:,} cells with people do not"),
        "MASKED": (found.masked, "nobody lives where the mask is 0 or without data; {:,} such cells have people"),
    }
    return [
        _misplaced_issue(kind, compared, places, misplaced, rule.format(misplaced.cells))
        for kind, (misplaced, rule) in rules.items()
        if misplaced.cells
    ]


def _misplaced_issue(kind: str, compared: Comparison, places: Places, misplaced: MisplacedPeople, rule: str) -> Issue:
    column, value = misplaced.place(places.grid), f"{misplaced.most:.6g} people in the worst cell"
    if compared.config.totals == "counties":
        rule += "; they count for the counties' own cells as declared"
        code = {"OUTSIDE": "W-GRID-OUTSIDE", "MASKED": "W-GRID-MASKED"}[kind]
        return Issue(code, "warning", compared.file, None, column, value, rule, "none needed", misplaced.people)
    code = {"OUTSIDE": "E-GRID-OUTSIDE", "MASKED": "E-GRID-MASKED"}[kind]
    return error(code, compared.file, column=column, value=value, rule=rule, fix=_COUNTIES, people=misplaced.people)


def _empty(compared: Comparison, places: Places, found: RasterPeople) -> list[Issue]:
    """Find counties with people that have none in the raster, or no cell left."""
    issues = []
    cells = places.cells()
    for row in map(int, np.flatnonzero((compared.residents > 0) & ~(found.people > 0))):
        if not cells[row]:
            issues.append(_no_cell_left(compared.file, places, compared.residents, compared.year, row))
            continue
        rule = f"the county has residents in {compared.year}, and its {cells[row]:,} cells hold nobody"
        fix = "get the raster again, correct its year, nodata or coordinate system, or take smaller cells"
        column, people = f"zone {places.ownership.codes[row]}", float(compared.residents[row])
        issues.append(
            error("E-RASTER-EMPTY", compared.file, column=column, value="0", rule=rule, fix=fix, people=people)
        )
    return issues


def _no_cell_left(file: str, places: Places, residents: NDArray[np.float64], year: int, row: int) -> Issue:
    rule = f"the county has residents in {year}, and the mask leaves out every cell of it"
    fix, column = "let the mask keep a cell of every county", f"zone {places.ownership.codes[row]}"
    people = float(residents[row])
    return error("E-GRID-MASKED", file, column=column, value="0 cells", rule=rule, fix=fix, people=people)


def _total(compared: Comparison, found: RasterPeople) -> list[Issue]:
    """Find that the raster's people are not those of the census at all."""
    total, expected = float(found.people.sum()), float(compared.residents.sum())
    if abs(total - expected) <= compared.config.total_within * expected:
        return []
    cells = compared.people.aligned.raster.cells
    area_km2 = cells.width * cells.height / 1e6
    otherwise = total * area_km2 if compared.config.quantity == "count" else total / area_km2
    return [off_total("population", compared.config, compared.year, total, expected, otherwise)]


def _differences(compared: Comparison, places: Places, found: RasterPeople) -> list[Issue]:
    """Tell how far the raster's people are from the counties'."""
    apart = found.people - compared.residents
    if not np.any(np.abs(apart) > TOLERANCE_PEOPLE):
        return []
    worst = int(np.argmax(np.abs(apart)))
    peopled = compared.residents > 0
    share = np.abs(apart[peopled]) / compared.residents[peopled]
    rule = (
        f"the county has {compared.residents[worst]:,.0f} residents in {compared.year}, the largest difference of "
        f"{places.zones:,} counties; half of them differ by more than {np.median(share):.2%}; in all the raster has "
        f"{found.people.sum():,.0f} people in counties, the census {compared.residents.sum():,.0f}"
    )
    column, value = f"zone {places.ownership.codes[worst]}", f"{found.people[worst]:,.1f}"
    people, fix = float(abs(apart[worst])), f"none needed; {_COUNTIES}"
    return [Issue("W-GRID-PEOPLE", "warning", compared.file, None, column, value, rule, fix, people)]


def _scaling_rule(compared: Comparison, places: Places, found: RasterPeople, factor: NDArray[np.float64]) -> str:
    """Say what scaling to the counties changed."""
    apart = compared.residents - found.people
    more, fewer = float(apart[apart > 0].sum()), float(np.abs(apart[apart < 0]).sum())
    worst = int(np.argmax(np.abs(apart)))
    misplaced = found.outside.people + found.masked.people
    return (
        f"population: the raster gives the pattern within a county, the census of {compared.year} its people (totals = "
        f'"counties"): the cells of {int((apart != 0.0).sum()):,} counties are scaled, {more:,.1f} people more in some '
        f"and {fewer:,.1f} fewer in others; most in {places.ownership.codes[worst]}, by a factor of "
        f"{factor[worst]:.6g}; {misplaced:,.1f} people of the raster are in cells that are no zones, and count there."
    )
