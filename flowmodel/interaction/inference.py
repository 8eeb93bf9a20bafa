"""Standard errors of a fitted flow model's coefficients: by the implicit Hessian, robust, clustered, two-way.

With x̃ the columns less what effects explain of them (a weighted regression, `newton.eliminate`), the bread is
S = Σ w x̃ x̃ᵀ and the meat Σ g gᵀ over pairs, origins or destinations, of their scores g = Σ s x̃.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.interaction import moments, newton
from flowmodel.interaction.design import Design, Point, slopes
from flowmodel.interaction.effects import Sides
from flowmodel.interaction.family import Family

_EXACT = 1e-12
"""Relative precision to which effects are eliminated where a standard error hangs on it."""


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["information", "per_pair", "per_origin", "per_destination", "projections"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True)
class Meat:
    """The scores of a fit and how they spread.

    Attributes:
        information: S, effects eliminated [K, K].
        per_pair: Σ over pairs of s² x̃ x̃ᵀ [K, K].
        per_origin: Σ_d s x̃ of every origin [o, K].
        per_destination: Σ_o s x̃ of every destination [d, K].
        projections: of every column, the effects that explain it [K, ·].
    """

    information: Float[Array, "parameter parameter"]
    per_pair: Float[Array, "parameter parameter"]
    per_origin: Float[Array, "origin parameter"]
    per_destination: Float[Array, "destination parameter"]
    projections: Sides


@jax.jit
def meat(design: Design, family: Family, at: Point) -> Meat:
    """What all standard errors are made of, at the optimum `at`."""
    found = newton.masked(design, newton.evidence_of(design, family, at))
    weight, score = jax.lax.optimization_barrier((found.weight, found.score))
    columns = slopes(design, at)
    bases = [newton.sides(design, weight, column) for column in columns]
    effects = [newton.eliminate(design, weight, base, _EXACT) for base in bases]
    information = moments.cross(weight, columns) - newton.gram(bases, effects)
    apart = [
        column - part.origin[:, None] - part.destination[None, :] for column, part in zip(columns, effects, strict=True)
    ]
    return Meat(
        information,
        moments.cross(score**2, tuple(apart)),
        jnp.stack([moments.along(score, one) for one in apart], axis=1),
        jnp.stack([moments.across(score, one) for one in apart], axis=1),
        jax.tree.map(lambda *parts: jnp.stack(parts), *effects),
    )


def covariance(found: Meat, kind: str, pairs: int) -> Float[np.ndarray, "parameter parameter"]:
    """Covariance of the coefficients.

    Args:
        found: at the optimum.
        kind: "model" (inverse information); "robust" (White 1980, times n / (n − 1)); "cluster_origin",
            "cluster_destination" (times G / (G − 1) over G origins or destinations); "two_way" (Cameron, Gelbach and
            Miller 2011: both, less that of pairs, each with its own factor).
        pairs: how many take part, n.
    """
    bread = np.linalg.inv(np.asarray(found.information))
    if kind == "model":
        return bread
    pair = np.asarray(found.per_pair) * pairs / (pairs - 1)
    origin, destination = _clustered(found.per_origin), _clustered(found.per_destination)
    between = {
        "robust": pair,
        "cluster_origin": origin,
        "cluster_destination": destination,
        "two_way": origin + destination - pair,
    }[kind]
    return np.asarray(bread @ between @ bread)


def _clustered(scores: Array) -> np.ndarray:
    """Σ_g g gᵀ · G / (G − 1) over the clusters that hold a score."""
    each = np.asarray(scores)
    groups = np.count_nonzero(np.any(each != 0, axis=1))
    return np.asarray(each.T @ each * groups / max(groups - 1, 1))


def effect_covariance(
    design: Design, family: Family, at: Point, found: Meat, bread: np.ndarray
) -> Float[np.ndarray, "effect effect"]:
    """Covariance of all effects by the model, origins first; of two-way effects their contrasts alone have a meaning.

    The effects' own block of the inverse information, E⁺ + P V Pᵀ: P are the columns' projections, V the coefficients'
    covariance. Dense in the number of effects.
    """
    weight = np.asarray(newton.masked(design, newton.evidence_of(design, family, at)).weight)
    origins, destinations = weight.shape
    row, column = weight.sum(axis=1), weight.sum(axis=0)
    system = np.block([[np.diag(row), weight], [weight.T, np.diag(column)]])
    kept = np.concatenate(
        [np.full(origins, design.origin_effects), np.full(destinations, design.destination_effects)]
    ) & (np.concatenate([row, column]) > 0)
    inverse = np.zeros_like(system)
    inverse[np.ix_(kept, kept)] = np.linalg.pinv(system[np.ix_(kept, kept)], hermitian=True)
    projections = np.concatenate(
        [np.asarray(found.projections.origin), np.asarray(found.projections.destination)], axis=1
    )
    return np.asarray(inverse + projections.T @ bread @ projections)
