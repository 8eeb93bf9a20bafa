"""An observed flow table, and the specification of a model of it. NumPy on the host."""

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
    """Flows between two sets of zones, which may be the same.

    Attributes:
        origins: labels of the rows.
        destinations: labels of the columns.
        flow: observed flows, persons [o, d]; zero where not listed.
        listed: whether the source lists the pair [o, d].
        allowed: whether the pair can be in a fit [o, d]; false where flows are impossible, missing or left out.
        pair: variables of laws; vectors over zones, tables over pairs.
        place: function from the indices of a pair to its place in the source, such as "flows.csv:12", or "".
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    flow: Float[np.ndarray, "origin destination"]
    listed: Bool[np.ndarray, "origin destination"]
    allowed: Bool[np.ndarray, "origin destination"]
    pair: Pair = dataclasses.field(default_factory=Pair)
    place: Callable[[int, int], str] = lambda origin, destination: ""


def home(origins: tuple[str, ...], destinations: tuple[str, ...]) -> Int[np.ndarray, " origin"]:
    """For every origin, the index of the destination with the same label; −1 if there is none."""
    place = {label: index for index, label in enumerate(destinations)}
    return np.array([place.get(label, -1) for label in origins])


@dataclasses.dataclass(frozen=True)
class Censoring:
    """A table that lists only pairs with at least `below` units.

    Attributes:
        below: the threshold.
        per_unit: persons per unit of the threshold. If it is not 1, the likelihood is a quasi-likelihood in persons,
            and standard errors of kind "model" assume that persons move independently.
        unlisted: "censored" or "truncated" (see `family.Family`).
    """

    below: int
    per_unit: float
    unlisted: str


@dataclasses.dataclass(frozen=True)
class Specification:
    """A model of a flow table.

    Attributes:
        constraint: the margins with effects. A Poisson fit reproduces these margins exactly (with expected flows for
            unlisted pairs); a negative binomial fit has the effects but does not reproduce the margins.
        law: the law of interaction.
        origin: properties of origins by the name of their coefficient, [o] or [o, d].
        destination: properties of destinations, [d] or [o, d].
        pairs: properties of pairs [o, d].
        family: "poisson", "quasi_poisson" or "negative_binomial".
        censoring: the threshold of the source, or None.
        held: values of coefficients that are not fitted, by name.
    """

    constraint: Constraint
    law: Law
    origin: dict[str, Values] = dataclasses.field(default_factory=dict)
    destination: dict[str, Values] = dataclasses.field(default_factory=dict)
    pairs: dict[str, Values] = dataclasses.field(default_factory=dict)
    family: str = "poisson"
    censoring: Censoring | None = None
    held: dict[str, float] = dataclasses.field(default_factory=dict)
