"""The people of the cells beside the residents of the counties: what must agree, what is told, what a rule changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.checks.rasters import off_total
from geo.config import GridPopulationConfig
from geo.errors import Issue, error, failed
from geo.raster.zonal import TOLERANCE_PEOPLE

from .people import Found, People, Settled, Stray
from .places import Places

_COUNTIES = 'totals = "counties" in [grid.population] spreads the people of a county over its own cells'


@dataclass(frozen=True)
class Asked:
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


def spread(places: Places, residents: NDArray[np.float64], year: int) -> tuple[Settled, list[Issue], list[str]]:
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
        _cell_less("zones.nc", places, residents, year, row)
        for row in map(int, np.flatnonzero((cells == 0) & (residents > 0)))
    ]
    even = f"residents of {year} in zones.nc, even within a county"
    rule = (
        f"population: the residents of {year} of {places.zones:,} counties ({residents.sum():,.0f} people) are spread "
        f"evenly over the cells of each ({cells.sum():,} in all), as the rasters of the run have them."
    )
    return Settled(None, residents / np.maximum(cells, 1), even), issues, [rule]


def settle(asked: Asked, places: Places, found: Found) -> tuple[Settled, list[Issue], list[str]]:
    """Compare a raster with the counties, and decide what their cells hold.

    Args:
        asked: The raster and the residents.
        places: Counties and mask.
        found: What the raster holds.

    Returns:
        Who lives where; E-GRID-*, E-RASTER-EMPTY, E-RASTER-TOTAL and those of `found`; the rules that changed a number.
    """
    kept = Settled(asked.people, np.ones(places.zones), asked.file)
    if failed(found.issues):  # whatever is wrong with its numbers would be told again for every county
        return kept, list(found.issues), []
    issues = [*found.issues, *_strays(asked, places, found), *_empty(asked, places, found)]
    if asked.config.totals == "raster":
        return kept, issues + _total(asked, found) + _apart(asked, places, found), []
    some = found.people > 0.0
    factor = np.where(some, asked.residents, 0.0) / np.where(some, found.people, 1.0)
    source = f"{asked.file} within counties, residents of {asked.year} in zones.nc"
    return Settled(asked.people, factor, source), issues, [_rule(asked, places, found, factor)]


def _strays(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Find people in cells that are no zones: errors, unless a rule puts a county's people on its own cells."""
    rules = {
        "OUTSIDE": (found.outside, "people live in cells whose centre lies in a county; {:,} cells with people do not"),
        "MASKED": (found.masked, "nobody lives where the mask is 0 or without data; {:,} such cells have people"),
    }
    return [
        _stray(kind, asked, places, stray, rule.format(stray.cells))
        for kind, (stray, rule) in rules.items()
        if stray.cells
    ]


def _stray(kind: str, asked: Asked, places: Places, stray: Stray, rule: str) -> Issue:
    column, value = stray.place(places.grid), f"{stray.most:.6g} people in the worst cell"
    if asked.config.totals == "counties":
        rule += "; they count for the counties' own cells as declared"
        code = {"OUTSIDE": "W-GRID-OUTSIDE", "MASKED": "W-GRID-MASKED"}[kind]
        return Issue(code, "warning", asked.file, None, column, value, rule, "none needed", stray.people)
    code = {"OUTSIDE": "E-GRID-OUTSIDE", "MASKED": "E-GRID-MASKED"}[kind]
    return error(code, asked.file, column=column, value=value, rule=rule, fix=_COUNTIES, people=stray.people)


def _empty(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Find counties with people that have none in the raster, or no cell left."""
    issues = []
    cells = places.cells()
    for row in map(int, np.flatnonzero((asked.residents > 0) & ~(found.people > 0))):
        if not cells[row]:
            issues.append(_cell_less(asked.file, places, asked.residents, asked.year, row))
            continue
        rule = f"the county has residents in {asked.year}, and its {cells[row]:,} cells hold nobody"
        fix = "get the raster again, correct its year, nodata or coordinate system, or take smaller cells"
        column, people = f"zone {places.ownership.codes[row]}", float(asked.residents[row])
        issues.append(error("E-RASTER-EMPTY", asked.file, column=column, value="0", rule=rule, fix=fix, people=people))
    return issues


def _cell_less(file: str, places: Places, residents: NDArray[np.float64], year: int, row: int) -> Issue:
    rule = f"the county has residents in {year}, and the mask leaves out every cell of it"
    fix, column = "let the mask keep a cell of every county", f"zone {places.ownership.codes[row]}"
    people = float(residents[row])
    return error("E-GRID-MASKED", file, column=column, value="0 cells", rule=rule, fix=fix, people=people)


def _total(asked: Asked, found: Found) -> list[Issue]:
    """Find that the raster's people are not those of the census at all."""
    total, expected = float(found.people.sum()), float(asked.residents.sum())
    if abs(total - expected) <= asked.config.total_within * expected:
        return []
    cells = asked.people.aligned.raster.cells
    area_km2 = cells.width * cells.height / 1e6
    otherwise = total * area_km2 if asked.config.quantity == "count" else total / area_km2
    return [off_total("population", asked.config, asked.year, total, expected, otherwise)]


def _apart(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Tell how far the raster's people are from the counties'."""
    apart = found.people - asked.residents
    if not np.any(np.abs(apart) > TOLERANCE_PEOPLE):
        return []
    worst = int(np.argmax(np.abs(apart)))
    peopled = asked.residents > 0
    share = np.abs(apart[peopled]) / asked.residents[peopled]
    rule = (
        f"the county has {asked.residents[worst]:,.0f} residents in {asked.year}, the largest difference of "
        f"{places.zones:,} counties; half of them differ by more than {np.median(share):.2%}; in all the raster has "
        f"{found.people.sum():,.0f} people in counties, the census {asked.residents.sum():,.0f}"
    )
    column, value = f"zone {places.ownership.codes[worst]}", f"{found.people[worst]:,.1f}"
    people, fix = float(abs(apart[worst])), f"none needed; {_COUNTIES}"
    return [Issue("W-GRID-PEOPLE", "warning", asked.file, None, column, value, rule, fix, people)]


def _rule(asked: Asked, places: Places, found: Found, factor: NDArray[np.float64]) -> str:
    """Say what scaling to the counties changed."""
    apart = asked.residents - found.people
    more, fewer = float(apart[apart > 0].sum()), float(np.abs(apart[apart < 0]).sum())
    worst = int(np.argmax(np.abs(apart)))
    stray = found.outside.people + found.masked.people
    return (
        f"population: the raster gives the pattern within a county, the census of {asked.year} its people (totals = "
        f'"counties"): the cells of {int((apart != 0.0).sum()):,} counties are scaled, {more:,.1f} people more in some '
        f"and {fewer:,.1f} fewer in others; most in {places.ownership.codes[worst]}, by a factor of "
        f"{factor[worst]:.6g}; {stray:,.1f} people of the raster are in cells that are no zones, and count there."
    )
