"""The linear predictor of all pairs: η = offset + columns · coefficients + shape(parameters) + effects of both sides.

A column is an array that broadcasts to [origin, destination]: [o, 1] for a property of origins, [1, d] of destinations,
[1, 1] for the constant, [o, d] for a property of pairs. A design matrix is not formed.
"""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from flowmodel.interaction.model import moments
from flowmodel.interaction.model.laws import Shape
from flowmodel.interaction.model.pair import Pair

Constraint = Literal["unconstrained", "total", "production", "attraction", "doubly"]
Column = Float[Array, "*pair"]

EFFECTS: dict[str, tuple[bool, bool]] = {
    "unconstrained": (False, False),
    "total": (False, False),
    "production": (True, False),
    "attraction": (False, True),
    "doubly": (True, True),
}
"""By constraint, whether every origin and every destination has an effect (a dual potential)."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Design:
    """The data of a fit.

    Attributes:
        flow: observed flows, persons [o, d]; zero where not listed.
        listed: whether the source lists the pair [o, d].
        allowed: whether the pair is in the fit [o, d].
        outflow: row sums of `flow` [o].
        inflow: column sums of `flow` [d].
        offset: known part of η, broadcasts to [o, d].
        columns: linear terms, standardised (see `standardised`).
        pair: variables of the shape.
        weight: multiplicity of each origin [o, 1]; ones except in a bootstrap.
        shape: the non-linear part of the law, or None.
        origin_effects: whether every origin has an effect.
        destination_effects: whether every destination has an effect.
    """

    flow: Float[Array, "origin destination"]
    listed: Bool[Array, "origin destination"]
    allowed: Bool[Array, "origin destination"]
    outflow: Float[Array, " origin"]
    inflow: Float[Array, " destination"]
    offset: Float[Array, "*pair"]
    columns: tuple[Column, ...]
    pair: Pair
    weight: Float[Array, "origin 1"]
    shape: Shape | None = dataclasses.field(metadata={"static": True})
    origin_effects: bool = dataclasses.field(metadata={"static": True})
    destination_effects: bool = dataclasses.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Point:
    """Values of all parameters: coefficients of columns and shape [K], effects of origins [o] and destinations [d]."""

    coefficients: Float[Array, " parameter"]
    origin: Float[Array, " origin"]
    destination: Float[Array, " destination"]


def predictor(design: Design, at: Point) -> Float[Array, "origin destination"]:
    """η of every pair."""
    eta = design.offset + at.origin[:, None] + at.destination[None, :]
    linear = len(design.columns)
    for value, column in zip(at.coefficients[:linear], design.columns, strict=True):
        eta = eta + value * column
    return eta if design.shape is None else eta + design.shape.rule(at.coefficients[linear:], design.pair)


def restricted(design: Design, in_fit: Bool[Array, "origin destination"]) -> Design:
    """The design with only the pairs `in_fit` in the fit."""
    flow = jnp.where(in_fit, design.flow, 0)
    return dataclasses.replace(
        design, flow=flow, allowed=in_fit, outflow=jnp.sum(flow, axis=1), inflow=jnp.sum(flow, axis=0)
    )


def slopes(design: Design, at: Point) -> tuple[Column, ...]:
    """∂η/∂parameter of every pair: the columns, and derivatives of the shape."""
    if design.shape is None:
        return design.columns
    values, shape = at.coefficients[len(design.columns) :], design.shape

    def rule(values: Array) -> Array:
        return shape.rule(values, design.pair)

    own = [jax.jvp(rule, (values,), (direction,))[1] for direction in jnp.eye(len(values), dtype=values.dtype)]
    return (*design.columns, *own)


def standardised(
    columns: tuple[Column, ...], allowed: Bool[Array, "origin destination"]
) -> tuple[tuple[Column, ...], np.ndarray, np.ndarray]:
    """Columns standardised over allowed pairs, and their means and standard deviations before.

    Every design has a constant or effects, which absorb the means. Without standardisation, moments can differ by
    twelve orders of magnitude, too much for float32. A column that does not vary keeps its values.
    """
    scaled = [_standardised(column, allowed) for column in columns]
    return (
        tuple(column for column, _, _ in scaled),
        np.array([float(mean) for _, mean, _ in scaled]),
        np.array([float(deviation) for _, _, deviation in scaled]),
    )


@jax.jit
def _standardised(column: Column, allowed: Bool[Array, "origin destination"]) -> tuple[Column, Array, Array]:
    weights = allowed.astype(column.dtype)
    count = jnp.sum(weights)
    mean = moments.total(weights, column) / count
    deviation = jnp.sqrt(moments.total(weights, (column - mean) ** 2) / count)
    varies = deviation > _VARIES * jnp.abs(mean)
    mean, deviation = jnp.where(varies, mean, 0.0), jnp.where(varies, deviation, 1.0)
    return (column - mean) / deviation, mean, deviation


_VARIES = 1e-10
"""Standard deviation relative to the mean above which a column counts as varying."""
