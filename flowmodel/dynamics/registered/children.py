"""Children of the floating population: those who came along and those left behind, derived from the stock.

NumPy on the host, in float64. Children are persons under 18. The floating population is all who live apart from their
registration, except inside the districts of one city, as in the published figures (`census.families`).
"""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import expit

from flowmodel.dynamics.registered.census.families import ADULT, Families

START, END = 0, 1


@dataclasses.dataclass(frozen=True)
class Away:
    """People away from some registered zones at the start or end: `people` [row, zone], persons, of one group."""

    group: int
    when: int
    rows: slice
    people: np.ndarray


@dataclasses.dataclass(frozen=True)
class Children:
    """Persons under 18 [start and end, group, zone]; `adults` are the other residents.

    The children of a group are its residents times the zone's share of children, which is the same for all groups: a
    census of counties does not cross ages with education.

    Attributes:
        living: children who live in the zone.
        adults: residents who are not children.
        migrant: of people who float, living in the zone with them.
        brought: of people registered in the zone who float, living where those do.
        left_behind: of people registered in the zone who float, living in the zone without them.
        of_near: of residents registered in another zone of the province who float, wherever the children live.
        of_far: of residents registered in another province, wherever the children live.
    """

    living: np.ndarray
    adults: np.ndarray
    migrant: np.ndarray
    brought: np.ndarray
    left_behind: np.ndarray
    of_near: np.ndarray
    of_far: np.ndarray


@dataclasses.dataclass(frozen=True)
class Comoving:
    """The probability that a child comes along, by the zone where its parents live [zone], and children per person.

    `between` is for people registered in another zone, `within` for those registered in another township of the same
    zone, where registration restricts no schooling; `per_person` is relative to the people registered in the zone.
    """

    between: np.ndarray
    within: np.ndarray
    per_person: float


def comoving(families: Families, values: Mapping[str, float]) -> Comoving:
    """c_j = σ(c₀ + c₁ school_j − c₂ κ_j), from parameters by name."""
    open_to_all = float(values["comove_level"]) + float(values["comove_school"]) * families.school
    barrier = float(values["comove_hukou"]) * families.strictness
    return Comoving(expit(open_to_all - barrier), expit(open_to_all), float(values["children_away"]))


def ageing(families: Families, residents: np.ndarray, births: np.ndarray) -> float:
    """The factor by which the share of children among residents changes from the first year to the last, in all zones.

    The nation's children at the end are the residents of the first census who are still under 18 and the births of the
    last 18 years in the model, without deaths (about 1 in 100). Every zone keeps its share of the first census times
    this factor; no later census is used.

    Args:
        families: of the first census.
        residents: at the end, persons [zone].
        births: persons [year, zone].
    """
    expected = float((residents * families.young).sum())
    return (families.growing + float(births[-ADULT:].sum())) / expected


def account(
    pairs: Iterable[Away],
    within: np.ndarray,
    residents: np.ndarray,
    growth: float,
    families: Families,
    province: np.ndarray,
    city: np.ndarray,
    comove: Comoving,
) -> Children:
    """The account of children at the start and the end.

    Args:
        pairs: everybody away, in blocks of registered zones.
        within: people apart inside their zone, persons [start and end, group, zone].
        residents: persons [start and end, group, zone].
        growth: the factor of `ageing`.
        families: of the first census.
        province: index of the province [zone].
        city: index of the city, −1 where a zone has no district [zone].
        comove: the probabilities that children come along.
    """
    factors = np.asarray([1.0, growth])[:, None, None]
    kids = comove.per_person * families.kids * factors[:, 0]
    stay = within * families.floats * kids[:, None]
    migrant, brought, left = stay * comove.within, stay * comove.within, stay * (1 - comove.within)
    of_near, of_far = np.zeros_like(stay), np.zeros_like(stay)
    for block in pairs:
        rows, place = block.rows, (block.when, block.group)
        own_city = (city[rows, None] == city) & (city[rows, None] >= 0)
        theirs = np.where(own_city, 0.0, block.people) * kids[block.when, rows, None]
        near = np.where(province[rows, None] == province, theirs, 0.0).sum(axis=0)
        of_near[place] += near
        of_far[place] += theirs.sum(axis=0) - near
        migrant[place] += comove.between * theirs.sum(axis=0)
        brought[(*place, rows)] += theirs @ comove.between
        left[(*place, rows)] += theirs @ (1 - comove.between)
    living = residents * families.young * factors
    return Children(living, residents - living, migrant, brought, left, of_near, of_far)
