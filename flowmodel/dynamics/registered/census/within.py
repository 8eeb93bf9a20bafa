"""People who live apart from their registration inside one zone, and one definition of bands for two censuses.

Two borders of a census differ from those of zones: in some censuses the first band spans the districts of a city, so
that it includes moves between zones; and a zone of several counties contains moves that the second band includes.
"""

import dataclasses

import numpy as np

from flowmodel.config import Stock
from flowmodel.zones.table import ZoneTable

_MOST_HIDDEN = 0.9
"""At most this share of the second band is assumed to lie inside the zone."""


@dataclasses.dataclass(frozen=True)
class Within:
    """Persons by zone: `within` the zone, `near` from other zones of the province; `hidden` share of `within`.

    `capped` has (zone, people the rule asks for, people taken) where moves between members exceed the band.
    """

    within: np.ndarray
    near: np.ndarray
    hidden: np.ndarray
    capped: tuple[tuple[int, float, float], ...]


def within(table: ZoneTable, year: int, stock: Stock) -> Within:
    """Splits the bands of the census of `year` at the borders of zones.

    Of those apart from their registration inside a city or a zone, a part of size s (of the whole's residents) keeps
    s θ / (s θ + 1 − s) to itself, with θ = `stock.own_district`: the preference for one's own district.
    """
    first = table.census("in_migrants", year, band="same_county")
    second = table.census("in_migrants", year, band="other_county")
    hidden = crossing(1 / table.values("members"), stock.own_district)
    if year in stock.same_county_spans_city:
        between = first * crossing(_share_of_city(table, year), stock.own_district)
        beside = _of_counties(table) * first * hidden / (1 - hidden)
    else:
        between = np.zeros_like(first)
        beside = first * hidden / (1 - hidden)
    taken = np.minimum(beside, _MOST_HIDDEN * second)
    capped = tuple((int(i), float(beside[i]), float(taken[i])) for i in np.flatnonzero(taken < beside))
    return Within(first - between + taken, second - taken + between, hidden, capped)


def crossing(size: np.ndarray, own: float) -> np.ndarray:
    """Share of the people apart inside a whole who moved between a part of relative size `size` and the other parts."""
    return np.asarray((1 - size) / (1 - size + own * size))


def _of_counties(table: ZoneTable) -> np.ndarray:
    """Whether moves between the members of a zone are in the second band although the first spans cities, 0 or 1."""
    return np.asarray(table.values("districts") == 0, float)


def _share_of_city(table: ZoneTable, year: int) -> np.ndarray:
    """Share of a zone in the residents of its city's zones with districts; 1 without districts, or if the only one."""
    people = np.where(table.values("districts") > 0, table.population(year), 0.0)
    prefecture = table.indices("prefecture")
    city = np.bincount(prefecture, people)[prefecture]
    return np.where(people > 0, people / np.where(city > 0, city, 1.0), 1.0)
