"""Standard errors of a fitted flow model's coefficients: by the implicit Hessian, robust, clustered, two-way.

With x̃ the columns less what effects explain of them (a weighted regression, `newton.eliminate`), the bread is
S = Σ w x̃ x̃ᵀ and the meat Σ g gᵀ over pairs, origins or destinations, of their scores g = Σ s x̃.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.interaction.model import moments
from flowmodel.interaction.model.design import Design, Point, slopes
from flowmodel.interaction.search import newton
from flowmodel.interaction.search.effects import Sides
from flowmodel.interaction.search.newton import Sums


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Bread:
    """The bread of every covariance.

    Attributes:
        information: S, effects eliminated [K, K].
        projections: of every column, the effects that explain it [K, ·].
    """

    information: Float[Array, "parameter parameter"]
    projections: Sides


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Scatter:
    """How scores spread.

    Attributes:
        per_pair: Σ over pairs of s² x̃ x̃ᵀ [K, K].
        per_origin: Σ_d s x̃ of every origin [o, K].
        per_destination: Σ_o s x̃ of every destination [d, K].
    """

    per_pair: Float[Array, "parameter parameter"]
    per_origin: Float[Array, "origin parameter"]
    per_destination: Float[Array, "destination parameter"]


@jax.jit
def bread(design: Design, at: Point, sums: Sums) -> Bread:
    """The information on the coefficients at the optimum `at`, to float64's precision."""
    columns = slopes(design, at)
    bases = [newton.sides(design, sums.weight, column) for column in columns]
    effects = [newton.eliminate(design, sums.weight, base) for base in bases]
    empty = Sides(jnp.zeros((0, len(design.outflow))), jnp.zeros((0, len(design.inflow))))
    return Bread(
        sums.moments - newton.gram(bases, effects),
        jax.tree.map(lambda *parts: jnp.stack(parts), *effects) if effects else empty,
    )


@jax.jit
def scatter(design: Design, at: Point, sums: Sums, projections: Sides) -> Scatter:
    """How scores spread over pairs, origins and destinations."""
    apart = [
        column - origin[:, None] - destination[None, :]
        for column, origin, destination in zip(
            slopes(design, at), projections.origin, projections.destination, strict=True
        )
    ]
    return Scatter(
        moments.cross(sums.score**2, tuple(apart)),
        _stacked([moments.along(sums.score, one) for one in apart], len(design.outflow)),
        _stacked([moments.across(sums.score, one) for one in apart], len(design.inflow)),
    )


def _stacked(each: list[Array], zones: int) -> Float[Array, "zone parameter"]:
    """A column for each parameter; a law under a constraint may have none."""
    return jnp.stack(each, axis=1) if each else jnp.zeros((zones, 0))


def sandwich(information: np.ndarray, scores: Scatter, kind: str, taking: np.ndarray) -> np.ndarray:
    """Covariance of the coefficients [K, K] that does not believe the family.

    Args:
        information: S.
        scores: at the optimum.
        kind: "robust" (White 1980, times n / (n − 1) over n pairs); "cluster_origin", "cluster_destination" (times
            G / (G − 1) over G origins or destinations); "two_way" (Cameron, Gelbach & Miller 2011: both, less that of
            pairs, each with its own factor), of which a variance can be negative where clusters are few.
        taking: the pairs that take part, bool [o, d].
    """
    bread = np.linalg.inv(information)
    pair = np.asarray(scores.per_pair) * _more(taking.sum())
    origin = _crossed(scores.per_origin) * _more(np.any(taking, axis=1).sum())
    destination = _crossed(scores.per_destination) * _more(np.any(taking, axis=0).sum())
    between = {
        "robust": pair,
        "cluster_origin": origin,
        "cluster_destination": destination,
        "two_way": origin + destination - pair,
    }[kind]
    return np.asarray(bread @ between @ bread)


def _more(count: int) -> float:
    """G / (G − 1)."""
    return float(count / max(count - 1, 1))


def _crossed(scores: Array) -> np.ndarray:
    """Σ_g g gᵀ."""
    each = np.asarray(scores)
    return np.asarray(each.T @ each)


def effect_covariance(design: Design, sums: Sums, found: Bread) -> Float[np.ndarray, "effect effect"]:
    """Covariance of all effects by the model, origins first; of two-way effects their contrasts alone have a meaning.

    The effects' own block of the inverse information, E⁺ + P S⁻¹ Pᵀ, P the columns' projections. Dense in the number
    of effects.
    """
    weight = np.asarray(sums.weight)
    row, column = weight.sum(axis=1), weight.sum(axis=0)
    both = design.origin_effects and design.destination_effects
    across = weight if both else np.zeros_like(weight)
    system = np.block([[np.diag(row), across], [across.T, np.diag(column)]])
    sides = [np.full(len(row), design.origin_effects), np.full(len(column), design.destination_effects)]
    kept = np.concatenate(sides) & (np.concatenate([row, column]) > 0)
    inverse = np.zeros_like(system)
    inverse[np.ix_(kept, kept)] = np.linalg.pinv(system[np.ix_(kept, kept)], hermitian=True)
    projections = np.concatenate(
        [np.asarray(found.projections.origin), np.asarray(found.projections.destination)], axis=1
    )
    if not len(projections):
        return inverse
    return np.asarray(inverse + projections.T @ np.linalg.solve(np.asarray(found.information), projections))
