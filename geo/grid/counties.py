"""The people of the cells beside the residents of the counties: what must agree, what is told, what a rule changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import GridPopulationConfig
from geo.errors import Issue, error
from geo.raster.zonal import TOLERANCE_PEOPLE, TOLERANCE_SHARE
from geo.sources.rasters import off_total

from .people import Found, People, Stray
from .places import Places

_COUNTIES = 'totals = "counties" in [grid.population] spreads the people of a county over its own cells'


@dataclass(frozen=True)
class Asked:
    """A raster of people and what is expected of it.

    Attributes:
        people: The raster under the grid.
        config: What the config says of it.
        exported: Whether it is the one that the export made of the run, so that it must agree with the counties.
        year: Census.
        residents: Of the counties in that year, (zones,) persons.
    """

    people: People
    config: GridPopulationConfig
    exported: bool
    year: int
    residents: NDArray[np.float64]

    @property
    def file(self) -> str:
        """Base name of the raster."""
        return self.people.aligned.raster.path.name


@dataclass(frozen=True)
class Settled:
    """How the raster becomes the people of the cells.

    Attributes:
        factor: Multiplies the cells of each county, (zones,); 1 where the raster's people are kept.
        issues: Everything found.
        rules: A sentence for each declared rule that changed a number.
    """

    factor: NDArray[np.float64]
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


def settle(asked: Asked, places: Places, found: Found) -> Settled:
    """Compare the raster with the counties, and decide what their cells hold.

    Args:
        asked: The raster and the residents.
        places: Counties and mask.
        found: What the raster holds.
    """
    issues = [*found.issues, *_strays(asked, places, found), *_empty(asked, places, found)]
    kept = asked.config.totals == "raster"
    if asked.exported:
        issues += _as_exported(asked, places, found)
    else:
        issues += _total(asked, found) if kept else []
        issues += _apart(asked, places, found)
    if kept:
        return Settled(np.ones(places.zones), tuple(issues), ())
    some = found.people > 0.0
    factor = np.where(some, asked.residents, 0.0) / np.where(some, found.people, 1.0)
    return Settled(factor, tuple(issues), (_rule(asked, places, found, factor),))


def _strays(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Find people in cells that are no zones: errors, unless a rule puts a county's people on its own cells."""
    issues = []
    moved = asked.config.totals == "counties"
    if found.outside.cells:
        rule = f"people live in cells whose centre lies in a county; {found.outside.cells:,} cells with people do not"
        issues.append(_stray("GRID-OUTSIDE", asked, places, found.outside, rule, warned=moved))
    if found.masked.cells:
        rule = f"nobody lives where the mask is 0 or without data; {found.masked.cells:,} such cells have people"
        issues.append(_stray("GRID-MASKED", asked, places, found.masked, rule, warned=moved and not asked.exported))
    return issues


def _stray(kind: str, asked: Asked, places: Places, stray: Stray, rule: str, *, warned: bool) -> Issue:
    column, value = stray.place(places.grid), f"{stray.most:.6g} people in the worst cell"
    if warned:
        rule += "; they count for the counties' own cells as declared"
        return Issue(f"W-{kind}", "warning", asked.file, None, column, value, rule, "none needed", stray.people)
    fix = _COUNTIES if not asked.exported else f"name the raster in [grid.population]: {_COUNTIES}"
    return error(f"E-{kind}", asked.file, column=column, value=value, rule=rule, fix=fix, people=stray.people)


def _empty(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Find counties with people that have none in the raster, or no cell left."""
    issues = []
    cells = places.cells()
    for row in map(int, np.flatnonzero((asked.residents > 0) & ~(found.people > 0))):
        if cells[row]:
            rule = f"the county has residents in {asked.year}, and its {cells[row]:,} cells hold nobody"
            code, fix = "E-RASTER-EMPTY", "get the raster again, or correct its year, nodata or coordinate system"
        else:
            rule = f"the county has residents in {asked.year}, and the mask leaves out every cell of it"
            code, fix = "E-GRID-MASKED", "let the mask keep a cell of every county"
        column = f"zone {places.ownership.codes[row]}"
        people = float(asked.residents[row])
        issues.append(error(code, asked.file, column=column, value="0", rule=rule, fix=fix, people=people))
    return issues


def _as_exported(asked: Asked, places: Places, found: Found) -> list[Issue]:
    """Find that an exported raster is not of this run: by county on its own cells, else by the whole country."""
    residents = asked.residents
    if asked.people.aligned.along.factor == 1 and not found.masked.cells:
        off = ~(np.abs(found.people - residents) <= np.maximum(TOLERANCE_PEOPLE, TOLERANCE_SHARE * residents))
        return list(places.ownership.lost(asked.file, residents, found.people, off).issues) if off.any() else []
    if abs(found.total - residents.sum()) <= TOLERANCE_SHARE * residents.sum():
        return []
    rule = f"the raster of the run holds its residents of {asked.year}, {residents.sum():.0f}"
    fix, people = "export the run again", float(abs(found.total - residents.sum()))
    return [error("E-RASTER-PEOPLE", asked.file, value=f"{found.total:.0f}", rule=rule, fix=fix, people=people)]


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
    share = np.abs(apart[asked.residents > 0]) / asked.residents[asked.residents > 0]
    rule = (
        f"the county has {asked.residents[worst]:,.0f} residents in {asked.year}, the largest difference of "
        f"{places.zones:,} counties; half of them differ by more than {np.median(share):.2%}; in all the raster has "
        f"{found.people.sum():,.0f} people in counties, the census {asked.residents.sum():,.0f}"
    )
    column, value = f"zone {places.ownership.codes[worst]}", f"{found.people[worst]:,.1f}"
    people = float(abs(apart[worst]))
    fix = f"none needed; {_COUNTIES}"
    return [Issue("W-GRID-PEOPLE", "warning", asked.file, None, column, value, rule, fix, people)]


def _rule(asked: Asked, places: Places, found: Found, factor: NDArray[np.float64]) -> str:
    """Say what scaling to the counties changed."""
    apart = asked.residents - found.people
    changed = int((apart != 0.0).sum())
    more, fewer = float(apart[apart > 0].sum()), -float(apart[apart < 0].sum())
    worst = int(np.argmax(np.abs(apart)))
    stray = found.outside.people + found.masked.people
    return (
        f"population: the raster gives the pattern within a county, the census of {asked.year} its people (totals = "
        f'"counties"): the cells of {changed:,} counties are scaled, {more:,.1f} people more in some and {fewer:,.1f} '
        f"fewer in others; most in {places.ownership.codes[worst]}, by a factor of {factor[worst]:.9g}; {stray:,.1f} "
        "people of the raster are in cells that are no zones, and count there."
    )
