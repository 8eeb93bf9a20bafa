"""Groups of people: their shares in the residents of a zone, and their rates of birth, death, ageing and learning.

A skill is that of the household: residents aged 15 and over by their education, children with them. A census of
counties does not cross ages with education: where groups have both, every skill of a zone has the zone's ages.
"""

import dataclasses

import numpy as np

from flowmodel.config import Stock
from flowmodel.config.stock import AGES, SKILLS
from flowmodel.zones.table import ZoneTable

_LEVELS = {
    "low": ("none", "preschool", "primary", "junior_secondary"),
    "middle": ("senior_secondary",),
    "high": ("college", "university"),
}
"""Up to nine, ten to twelve, and thirteen or more years of schooling."""
_BANDS = {
    "0-14": ("0", "1-4", "5-9", "10-14"),
    "15-29": ("15-19", "20-24", "25-29"),
    "30-44": ("30-34", "35-39", "40-44"),
    "45-59": ("45-49", "50-54", "55-59"),
    "60+": ("60-64", "65-69", "70-74", "75-79", "80-84", "85+"),
}
_YEARS = {"0-14": 15, "15-29": 15, "30-44": 15, "45-59": 15, "60+": None}
_BIRTHS = {"0-14": 0.0, "15-29": 1.0, "30-44": 0.35, "45-59": 0.0, "60+": 0.0}
"""Relative birth rates, all residents of the age: the sixth census's fertility by age, women of 15-29 and 30-44."""
_DEATHS = {"0-14": 0.04, "15-29": 0.05, "30-44": 0.12, "45-59": 0.4, "60+": 3.2}
"""Relative death rates, of the size of the sixth census's life table."""
_LEAVING = {"0-14": 0.5, "15-29": 2.2, "30-44": 1.1, "45-59": 0.5, "60+": 0.25}
"""Relative leaving rates: the bands of the age profile of Rogers and Castro (1981)."""
_AT_SCHOOL = {"5-9": 0.8, "10-14": 1.0}
"""Share of an age band that is 6 to 14: counted among the educated, and not yet 15."""


@dataclasses.dataclass(frozen=True)
class Groups:
    """The groups, arrays over [group] or [group, zone].

    Attributes:
        names: of the groups.
        share: of a zone's residents [group, zone]; sums to 1 in every zone.
        birth_rate, death_rate: per resident and year [group, zone]; their means by `share` are those of the zone.
        leaving: log of the relative rate of leaving [group].
        birth_to: the group that a child is born into [group].
        next_group: the group that people grow into [group]; the group itself if there is none.
        ageing: share of a group that grows into the next one in a year, wherever they live [group].
        learns: whether people of a group's home pool can learn and so enter the next group [group].
    """

    names: tuple[str, ...]
    share: np.ndarray
    birth_rate: np.ndarray
    death_rate: np.ndarray
    leaving: np.ndarray
    birth_to: np.ndarray
    next_group: np.ndarray
    ageing: np.ndarray
    learns: np.ndarray


def groups(table: ZoneTable, year: int, stock: Stock) -> Groups:
    """The groups of `stock` at the census of `year`.

    Raises:
        ZonesError: the table lacks the education or the ages that the groups need.
    """
    births, deaths = table.values("birth_rate"), table.values("death_rate")
    match stock.groups:
        case "skills":
            return _plain(stock.names(), _skills(table, year), births, deaths, chain=True)
        case "skills_ages":
            return _with_ages(stock.names(), _skills(table, year), _ages(table, year), births, deaths)
    return _plain(stock.names(), np.ones((1, len(births))), births, deaths, chain=False)


def _plain(names: tuple[str, ...], share: np.ndarray, births: np.ndarray, deaths: np.ndarray, *, chain: bool) -> Groups:
    count = len(names)
    own = np.arange(count)
    last = count - 1
    return Groups(
        names=names,
        share=share,
        birth_rate=np.tile(births, (count, 1)),
        death_rate=np.tile(deaths, (count, 1)),
        leaving=np.zeros(count),
        birth_to=own,
        next_group=np.minimum(own + 1, last) if chain else own,
        ageing=np.zeros(count),
        learns=(own < last) if chain else np.zeros(count, bool),
    )


def _with_ages(
    names: tuple[str, ...], skills: np.ndarray, ages: np.ndarray, births: np.ndarray, deaths: np.ndarray
) -> Groups:
    share = (skills[:, None] * ages[None]).reshape(len(names), -1)
    last = len(AGES) - 1
    age = np.tile(np.arange(len(AGES)), len(SKILLS))
    own = np.arange(len(names))

    def relative(pattern: dict[str, float], rate: np.ndarray) -> np.ndarray:
        weight = np.asarray([pattern[name] for name in AGES])[age]
        return np.asarray(weight[:, None] * rate / (share * weight[:, None]).sum(axis=0))

    return Groups(
        names=names,
        share=share,
        birth_rate=relative(_BIRTHS, births),
        death_rate=relative(_DEATHS, deaths),
        leaving=np.log([_LEAVING[AGES[i]] for i in age]),
        birth_to=own - age,
        next_group=np.where(age < last, own + 1, own),
        ageing=np.asarray([1 / years if (years := _YEARS[AGES[i]]) else 0.0 for i in age]),
        learns=np.zeros(len(names), bool),
    )


def _skills(table: ZoneTable, year: int) -> np.ndarray:
    """Shares of residents by the skill of their household [skill, zone]."""
    counts = np.stack([sum(_educated(table, year, level) for level in levels) for levels in _LEVELS.values()])
    ages = table.census("residents_by_age", year).sum(axis=-1)
    bands = [str(name) for name in table.data["age"].values]
    counts[0] = np.maximum(counts[0] - sum(ages[:, bands.index(b)] * part for b, part in _AT_SCHOOL.items()), 0.0)
    return np.asarray(counts / counts.sum(axis=0))


def _educated(table: ZoneTable, year: int, level: str) -> np.ndarray:
    """Residents aged 6 and over with one level of education; zero for a level that the census did not ask for."""
    if level == "preschool" and not table.asked("education", year, level=level):
        return np.zeros(len(table.codes))
    return np.asarray(table.census("education", year, level=level).sum(axis=-1))


def _ages(table: ZoneTable, year: int) -> np.ndarray:
    """Shares of residents by age [age, zone]."""
    counted = table.census("residents_by_age", year).sum(axis=-1)
    names = [str(name) for name in table.data["age"].values]
    bands = np.stack([sum(counted[:, names.index(part)] for part in parts) for parts in _BANDS.values()])
    return np.asarray(bands / bands.sum(axis=0))


def skill_counts(table: ZoneTable, year: int) -> np.ndarray:
    """Residents by the skill of their household, persons [skill, zone], for comparison with a later census."""
    return np.asarray(_skills(table, year) * table.population(year))
