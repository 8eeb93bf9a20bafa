"""A small rectangle of flows on a grid of towns, as the product takes it and as the twin does."""

from dataclasses import dataclass, replace
from typing import Any, Self

import interaction_twin as twin
import numpy as np
from numpy.typing import NDArray

from flowmodel.gravity.chosen_law import of_function
from flowmodel.interaction.model import laws, pair
from flowmodel.interaction.model.pair import Pair
from flowmodel.interaction.model.table import FlowTable, Specification, home

Table = NDArray[Any]
ORIGINS, DESTINATIONS = tuple("ABCDEFG"), tuple("DEFGHIJKL")
WITHIN_KM = 8.0
OWN_START = (50.0, 0.9)


def decay(distance_km: Any, scale: float = OWN_START[0], power: float = OWN_START[1]) -> Any:
    """A user's law: stretched exponential."""
    return -((distance_km / scale) ** power)


OWN = laws.of_distance(of_function(decay, "own"))
LAWS = {**laws.LAWS, "own": OWN}


@dataclass(frozen=True)
class Rectangle:
    """Towns on a grid of 25 km, so that distances tie; 7 origins, 9 destinations, four of them both."""

    world: twin.World
    flow: Table
    allowed: Table
    origin: Table
    destination: Table
    pairs: dict[str, Table]

    def table(self) -> FlowTable:
        """What the product reads; of pairs that take no part neither distance nor flow is one."""
        world, place = self.world, home(ORIGINS, DESTINATIONS)
        seen = Pair(
            distance_km=np.where(self.allowed, world.distance, np.where(world.distance > 60, np.nan, 0.0)),
            origin_mass=world.origin_mass,
            destination_mass=world.mass,
            everywhere=pair.everywhere(world.origin_mass, world.mass, place),
            between=pair.between(world.mass, world.distance, place),
            competing=pair.competing(world.mass, world.between_destinations, place),
        )
        flow = np.where(self.allowed, self.flow, 1e6)
        return FlowTable(ORIGINS, DESTINATIONS, flow, np.ones(flow.shape, bool), self.allowed, seen)

    def columns(self, law: str, constraint: str) -> dict[str, Table]:
        """The twin's free columns: two of pairs with the law's own, and those of zones that no effect absorbs."""
        effects, shape = twin.EFFECTS[constraint], self.flow.shape
        found = {} if "o" in effects else {"origin:wealth": np.broadcast_to(self.origin[:, None], shape)}
        found |= {} if "d" in effects else {"destination:jobs": np.broadcast_to(self.destination, shape)}
        found |= twin.terms(law, self.world)
        return found | {f"pair:{name}": self.pairs[name] for name in self.further(law)}

    def further(self, law: str) -> list[str]:
        """Names of the pair columns that make the number of columns the same for every law."""
        return ["border", "language"][: 2 - len(LAWS[law].terms)]

    def specification(self, law: str, constraint: Any, **others: Any) -> Specification:
        """Every law with as many columns; a held column makes every offset a table."""
        return Specification(
            constraint,
            LAWS[law],
            {"wealth": self.origin},
            {"jobs": self.destination},
            {name: self.pairs[name] for name in [*self.further(law), "known"]},
            held={"pair:known": HELD},
            **others,
        )

    def problem(self, law: str, constraint: str) -> twin.Problem:
        names, curve = twin.shape(law, self.world)
        start = {"generalised_radiation": (1.0,), "schneider": (3e-5,), "own": OWN_START}.get(law, ())
        return twin.Problem(
            self.flow,
            self.allowed,
            self.columns(law, constraint),
            twin.EFFECTS[constraint],
            offset=twin.factor(law, self.world) + HELD * self.pairs["known"],
            curve=curve,
            curve_names=names,
            start=start,
        )

    def with_flow(self, flow: Table) -> Self:
        return replace(self, flow=flow)


HELD = 0.4
"""Coefficient of the pair column that is held."""
WEIGHTS = {
    "ln_distance": -0.9,
    "distance": -0.008,
    "ln_distance_squared": -0.05,
    "ln_competing": 0.6,
    "ln_stouffer": 0.7,
}


def rectangle(law: str, seed: int = 7) -> Rectangle:
    rng = np.random.default_rng(seed)
    labels = sorted({*ORIGINS, *DESTINATIONS})
    places = rng.permutation(16)[: len(labels)]
    at = 25.0 * np.stack([places % 4, places // 4], axis=1)
    km = np.hypot(*(at[:, None] - at).transpose(2, 0, 1)) + WITHIN_KM * np.eye(len(labels))
    mass = np.round(rng.lognormal(9.0, 0.6, len(labels)))
    rows, columns = [labels.index(one) for one in ORIGINS], [labels.index(one) for one in DESTINATIONS]
    world = twin.World(
        mass[rows], mass[columns], km[np.ix_(rows, columns)], km[np.ix_(columns, columns)],
        tuple(home(ORIGINS, DESTINATIONS).tolist()),
    )  # fmt: skip
    shape = world.distance.shape
    allowed = rng.random(shape) > 0.15
    allowed[3, 0] = allowed[4, 1] = False  # two of four pairs within a town
    origin, destination = rng.normal(size=shape[0]), rng.normal(size=shape[1])
    pairs = {name: rng.normal(size=shape) for name in ("border", "language", "known")}
    flow = _drawn(law, world, 0.5 * origin[:, None] + 0.4 * destination + 0.3 * pairs["border"] + HELD * pairs["known"])
    return Rectangle(world, flow, allowed, origin, destination, pairs)


def _drawn(law: str, world: twin.World, eta: Table) -> Table:
    """Counts of a law, about 30 a pair, scattered more than Poisson's."""
    rng = np.random.default_rng(11)
    values = {"generalised_radiation": [0.8], "schneider": [2e-5], "own": [40.0, 1.0]}.get(law)
    curve = twin.shape(law, world)[1]
    eta = eta + twin.factor(law, world) + sum(WEIGHTS[name] * one for name, one in twin.terms(law, world).items())
    mean = np.exp(eta if curve is None else eta + np.real(curve(np.array(values, complex))))
    return rng.poisson(30 * mean / mean.mean() * rng.gamma(8, 1 / 8, mean.shape)).astype(float)
