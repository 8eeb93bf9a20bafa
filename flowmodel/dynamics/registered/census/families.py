"""Children (0-17) in a census: their share of residents, and the conditions for them to live with migrant parents."""

import dataclasses

import numpy as np

from flowmodel.config import Model
from flowmodel.config.stock import Children
from flowmodel.dynamics.registered.census.margins import Margins
from flowmodel.dynamics.registered.census.strictness import strictness
from flowmodel.dynamics.residents.zones import standardised
from flowmodel.zones.table import ZoneTable

ADULT = 18
"""Age at which childhood ends: Convention on the Rights of the Child, and the published figures."""


@dataclasses.dataclass(frozen=True)
class Families:
    """The inputs of the account of children besides the stock, on the host [zone].

    Attributes:
        young: share of residents under 18 at the first census.
        kids: children under 18 for every person of the zone at the first census (see `families`).
        growing: residents of the first census who are still under 18 at the last year, persons, the nation.
        school: access to school, standard deviations from the mean over zones.
        strictness: κ, 0 (open) to 1 (closed).
        floats: 1 where people who move to another township of the zone join the floating population, else 0.
        urban: share of residents in urban places at the first census.
    """

    young: np.ndarray
    kids: np.ndarray
    growing: float
    school: np.ndarray
    strictness: np.ndarray
    floats: np.ndarray
    urban: np.ndarray


def families(table: ZoneTable, model: Model, asked: Children, margins: Margins) -> Families:
    """The families of `table` at the first census of `model`.

    Children for every person are the children who live in a zone over the larger of its residents and the people
    registered there. Where people left, children stayed behind with fewer residents; where people came, they brought
    children with them who are not of those registered. With the larger number neither raises the children per person.

    The floating population is people apart from their registration less those inside the districts of a city: of
    moves inside a zone, those of counties belong to it and those of districts do not.

    Raises:
        ZonesError: the table lacks ages, urban residents or the covariate.
    """
    assert model.stock is not None
    first, last = model.years
    residents = table.population(first)
    everybody = _under(table, first, np.inf)
    young = _under(table, first, ADULT) / _or_one(everybody)
    growing = _under(table, first, max(ADULT - (last - first), 0)) / _or_one(everybody)
    return Families(
        young=young,
        kids=residents * young / _or_one(np.maximum(residents, margins.registered)),
        growing=float((residents * growing).sum()),
        school=standardised(table, (asked.school,))[:, 0],
        strictness=strictness(table, first, model.stock),
        floats=np.asarray(table.values("districts") == 0, float),
        urban=table.census("urban", first) / _or_one(residents),
    )


def _under(table: ZoneTable, year: int, age: float) -> np.ndarray:
    """Residents younger than `age`, persons [zone]; a band that contains `age` counts in proportion."""
    counted = table.census("residents_by_age", year).sum(axis=-1)
    parts = [_part(str(band), age) for band in table.data["age"].values]
    return np.asarray(counted @ np.asarray(parts))


def _part(band: str, age: float) -> float:
    """Share of an age band such as "0", "15-19" or "85+" that is younger than `age`."""
    if band.endswith("+"):
        return float(age == np.inf)
    first, _, last = band.partition("-")
    low, high = int(first), int(last or first) + 1
    return float(np.clip((age - low) / (high - low), 0, 1))


def _or_one(people: np.ndarray) -> np.ndarray:
    return np.where(people > 0, people, 1.0)
