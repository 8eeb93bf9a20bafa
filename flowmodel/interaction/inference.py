"""Covariances of a fitted flow model's coefficients: from the Hessian, robust, clustered, two-way clustered.

With x̃ the residuals of the columns in a weighted regression on the effects (`newton.eliminate`), weights w and scores s
of pairs, the bread is S = Σ w x̃ x̃ᵀ and the meat Σ g gᵀ over pairs, origins or destinations with g = Σ s x̃.
"""

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
    """The bread of sandwich covariances.

    Attributes:
        information: S, after elimination of effects [K, K].
        projections: coefficients of the effects in the regression of each column on them [K, ·].
    """

    information: Float[Array, "parameter parameter"]
    projections: Sides


@jax.jit
def bread(design: Design, at: Point, sums: Sums) -> Bread:
    """The information on the coefficients at the optimum `at`, in float64."""
    columns = slopes(design, at)
    bases = [newton.sides(design, sums.weight, column) for column in columns]
    effects = [newton.eliminate(design, sums.weight, base) for base in bases]
    empty = Sides(jnp.zeros((0, len(design.outflow))), jnp.zeros((0, len(design.inflow))))
    return Bread(
        sums.moments - newton.gram(bases, effects),
        jax.tree.map(lambda *parts: jnp.stack(parts), *effects) if effects else empty,
    )


@jax.jit
def _scores(design: Design, at: Point, sums: Sums, projections: Sides) -> tuple[Array, Array, Array]:
    """Σ over pairs of s² x̃ x̃ᵀ [K, K], Σ_d s x̃ of every origin [o, K], and Σ_o s x̃ of every destination [d, K]."""
    columns = zip(slopes(design, at), projections.origin, projections.destination, strict=True)
    residuals = [column - origin[:, None] - destination[None, :] for column, origin, destination in columns]
    return (
        moments.cross(sums.score**2, tuple(residuals)),
        _stacked([moments.along(sums.score, one) for one in residuals], len(design.outflow)),
        _stacked([moments.across(sums.score, one) for one in residuals], len(design.inflow)),
    )


def _stacked(each: list[Array], zones: int) -> Float[Array, "zone parameter"]:
    """Stacks one array per parameter [zone, parameter]; there may be no parameters."""
    return jnp.stack(each, axis=1) if each else jnp.zeros((zones, 0))


def sandwich(
    design: Design, at: Point, sums: Sums, bread: Bread, kind: str
) -> Float[np.ndarray, "parameter parameter"]:
    """Sandwich covariance of the coefficients [K, K] at the optimum, which does not assume the family's distribution.

    `kind` is "robust" (White 1980, times n / (n − 1) for n pairs); "cluster_origin" or "cluster_destination" (times
    G / (G − 1) for G origins or destinations); or "two_way" (Cameron, Gelbach & Miller 2011: the sum of both less
    "robust"), in which variances can be negative if there are few clusters.
    """
    in_fit, inverse = np.asarray(design.allowed), np.linalg.inv(np.asarray(bread.information))
    of_pairs, of_origins, of_destinations = map(np.asarray, _scores(design, at, sums, bread.projections))
    pair = of_pairs * _correction(in_fit.sum())
    origin = of_origins.T @ of_origins * _correction(np.any(in_fit, axis=1).sum())
    destination = of_destinations.T @ of_destinations * _correction(np.any(in_fit, axis=0).sum())
    meat = {
        "robust": pair,
        "cluster_origin": origin,
        "cluster_destination": destination,
        "two_way": origin + destination - pair,
    }[kind]
    return np.asarray(inverse @ meat @ inverse)


def _correction(count: int) -> float:
    """G / (G − 1)."""
    return float(count / max(count - 1, 1))


def effect_covariance(design: Design, sums: Sums, found: Bread) -> Float[np.ndarray, "effect effect"]:
    """Covariance of kind "model" of all effects, origins first; for two-way effects only contrasts are meaningful.

    It is the block E⁺ + P S⁻¹ Pᵀ of the inverse information, with P the columns' projections, as a dense matrix.
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
    projections = np.concatenate([found.projections.origin, found.projections.destination], axis=1)
    if not len(projections):
        return inverse
    return np.asarray(inverse + projections.T @ np.linalg.solve(np.asarray(found.information), projections))
