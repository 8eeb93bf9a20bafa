"""An observed flow table, and a model of it by names: what is known before anything is fitted. NumPy on the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from flowmodel.interaction.model.design import Constraint
from flowmodel.interaction.model.laws import Law
from flowmodel.interaction.model.pair import Pair

Values = Float[np.ndarray, "*pair"]
"""A property of origins [o], of destinations [d], or of pairs [o, d]."""


@dataclasses.dataclass(frozen=True)
class FlowTable:
    """Flows between two sets of zones, which may be one.

    Attributes:
        origins: labels of the rows.
        destinations: labels of the columns.
        flow: observed, persons [o, d]; zero where not listed.
        listed: whether the flow stands in the source [o, d].
        allowed: whether the pair takes part [o, d]: not where flows are impossible, missing or left out.
        pair: what laws read; vectors over zones, tables over pairs.
        place: where a pair by its indices stands in the source, "flows.csv:12", or "" where it does not; for messages.
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    flow: Float[np.ndarray, "origin destination"]
    listed: Bool[np.ndarray, "origin destination"]
    allowed: Bool[np.ndarray, "origin destination"]
    pair: Pair = dataclasses.field(default_factory=Pair)
    place: Callable[[int, int], str] = lambda origin, destination: ""

    @property
    def home(self) -> Int[np.ndarray, " origin"]:
        """Column of the destination that is the origin itself; −1 where it is none."""
        return home(self.origins, self.destinations)


def home(origins: tuple[str, ...], destinations: tuple[str, ...]) -> Int[np.ndarray, " origin"]:
    """Index of every origin among the destinations; −1 where it is none."""
    place = {label: index for index, label in enumerate(destinations)}
    return np.array([place.get(label, -1) for label in origins])


@dataclasses.dataclass(frozen=True)
class Censoring:
    """A table that lists only pairs with at least `below` units.

    Attributes:
        below: the threshold.
        per_unit: persons for each unit that it counts. The likelihood is then a quasi-likelihood in persons: the
            model's standard errors belong to persons that move alone.
        unlisted: "censored" or "truncated" (see `family.Family`).
    """

    below: int
    per_unit: float
    unlisted: str


@dataclasses.dataclass(frozen=True)
class Specification:
    """A model of a flow table.

    Attributes:
        constraint: which sums have an effect each. A Poisson fit meets them exactly, counting what a list hides
            with its mean; a negative binomial has the effects and does not.
        law: what a pair has to itself.
        origin: properties of origins by the name of their coefficient, [o] or [o, d].
        destination: of destinations, [d] or [o, d].
        pairs: of pairs [o, d].
        family: "poisson", "quasi_poisson" or "negative_binomial".
        censoring: what the source does not list.
        held: coefficients that are not fitted, by name.
    """

    constraint: Constraint
    law: Law
    origin: dict[str, Values] = dataclasses.field(default_factory=dict)
    destination: dict[str, Values] = dataclasses.field(default_factory=dict)
    pairs: dict[str, Values] = dataclasses.field(default_factory=dict)
    family: str = "poisson"
    censoring: Censoring | None = None
    held: dict[str, float] = dataclasses.field(default_factory=dict)
