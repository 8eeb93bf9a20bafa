"""The people of all zones together: against the published total, and against the land they live on."""

import math

import numpy as np
from numpy.typing import NDArray

from geo.config import PopulationConfig
from geo.errors import Issue, error

# The emptiest country is Greenland (0.026), the fullest Macau (21,000). Ten thousand times too few leave this range
# where fewer than two hundred live on a km2 (China: 141), ten thousand times too many wherever more than five do.
_DENSITIES = (0.02, 50_000.0)
_TEN_THOUSAND = 1e4
# A sum in the wrong unit is off by ten thousand, within a factor of two.
_NEAR = 2.0


def check_total(file: str, year: int, census: PopulationConfig, persons: NDArray[np.float64]) -> list[Issue]:
    """Compare the zones with the published total less the people that belong to no zone.

    Residents have shape (zones,); they are not judged while one is unknown.

    Returns:
        E-UNIT where the sum is off by ten thousand, E-TOTAL where it is outside the tolerance, with the people that
        are missing or too many.
    """
    published = census.published
    if published is None or np.isnan(persons).any():
        return []
    total, wanted = math.fsum(persons.tolist()), published.in_zones
    if any(1 / _NEAR < total / wanted / factor < _NEAR for factor in (_TEN_THOUSAND, 1 / _TEN_THOUSAND)):
        rule = f"the zones have {total:,.0f} people in {year} where about {wanted:,} are published"
        return [_wrong_unit(file, year, census, total, rule, too_few=total < wanted)]
    missing = total - wanted
    if abs(missing) <= published.tolerance * published.total:
        return []
    accounts = f"{published.total:,} less {published.military:,} military and {published.undetermined:,} undetermined"
    rule = f"the zones of {year} add up to the published {accounts}; they differ by {missing:+,.0f} people"
    fix = f"find the rows that lack or repeat them, or correct [zones.population.{year}.published]"
    value, people = f"{total:.0f}", abs(missing)
    return [error("E-TOTAL", file, column=census.column, value=value, rule=rule, fix=fix, people=people)]


def check_density(
    file: str, year: int, census: PopulationConfig, persons: NDArray[np.float64], area_km2: NDArray[np.float64]
) -> list[Issue]:
    """Find a unit that makes all land empty or overfull (E-UNIT), where no total is declared; shape (zones,) each."""
    if census.published is not None or np.isnan(persons).any() or np.isnan(area_km2).any():
        return []
    total, land = math.fsum(persons.tolist()), math.fsum(area_km2.tolist())
    if not total > 0 or not land > 0 or _DENSITIES[0] <= total / land <= _DENSITIES[1]:
        return []
    rule = f"all zones together have {_DENSITIES[0]:g} to {_DENSITIES[1]:,.0f} people a km2; {year}: {total / land:.3g}"
    return [_wrong_unit(file, year, census, total, rule, too_few=total / land < _DENSITIES[0])]


def _wrong_unit(file: str, year: int, census: PopulationConfig, total: float, rule: str, *, too_few: bool) -> Issue:
    unit = "ten_thousand_persons" if too_few else "persons"
    fix = f'[zones.population.{year}] unit = "{unit}", if the column is in that; else correct the numbers'
    return error("E-UNIT", file, column=census.column, value=f"{total:.0f}", rule=rule, fix=fix, people=total)
