"""One Newton step of a flow model: the sums over pairs at a point, and the way to the optimum from there.

Effects are eliminated: with E their two-way system (`effects`), B the columns' sums along both sides and H their
moments, the coefficients move by S⁻¹ (g − Bᵀ E⁻¹ e), S = H − Bᵀ E⁻¹ B, for scores g and e.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.interaction import effects, moments
from flowmodel.interaction.design import Column, Design, Point, predictor, slopes
from flowmodel.interaction.effects import Sides
from flowmodel.interaction.family import Evidence, Family, evidence


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["log_likelihood", "moment_error", "margin_error", "information", "moments", "direction"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True)
class Step:
    """What a pass over the pairs found at a point.

    Attributes:
        log_likelihood: without what does not depend on parameters.
        moment_error: largest moment of the residuals, over √(information · flow): observed and fitted moments agree.
        margin_error: largest relative error of a margin that has an effect.
        information: of the coefficients, effects eliminated, S.
        moments: of the coefficients before effects are eliminated, the diagonal of H.
        direction: the step to take.
    """

    log_likelihood: Float[Array, ""]
    moment_error: Float[Array, ""]
    margin_error: Float[Array, ""]
    information: Float[Array, "parameter parameter"]
    moments: Float[Array, " parameter"]
    direction: Point


@jax.jit
def step(design: Design, family: Family, at: Point, tolerance: Float[Array, ""]) -> Step:
    """The sums at `at`, with effects eliminated to `tolerance` (relative)."""
    return _assembled(design, masked(design, evidence_of(design, family, at)), slopes(design, at), tolerance)


@jax.jit
def first(design: Design, at: Point, tolerance: Float[Array, ""]) -> Step:
    """The step from nowhere: least squares of ln of flows drawn half-way to their mean (McCullagh & Nelder 1989)."""
    mean = jnp.sum(jnp.where(design.allowed, design.flow, 0)) / jnp.sum(design.allowed.astype(design.flow.dtype))
    weight = (design.flow + mean) / 2
    score = weight * (jnp.log(weight) - predictor(design, at)) + design.flow - weight
    found = Evidence(jnp.zeros_like(weight), score, weight)
    return _assembled(design, masked(design, found), slopes(design, at), tolerance)


def evidence_of(design: Design, family: Family, at: Point) -> Evidence:
    """What every pair says of its η."""
    return evidence(family, predictor(design, at), design.flow, design.listed)


def masked(design: Design, found: Evidence) -> Evidence:
    """Evidence of the pairs that take part, as often as their origin does; zero of the others."""
    return Evidence(*(jnp.where(design.allowed, part * design.weight, 0) for part in found))


def _assembled(design: Design, found: Evidence, columns: tuple[Column, ...], tolerance: Array) -> Step:
    weight, score = jax.lax.optimization_barrier((found.weight, found.score))
    margins = sides(design, score)
    bases = [sides(design, weight, column) for column in columns]
    gradient = jnp.stack([moments.total(score, column) for column in columns]) if columns else jnp.zeros(0)
    information = moments.cross(weight, columns)
    solve = partial(eliminate, design, weight, tolerance=tolerance)
    own = solve(margins)
    projections = [solve(base) for base in bases]
    left = gradient - jnp.stack([_product(base, own) for base in bases]) if columns else gradient
    schur = information - gram(bases, projections)
    move = jnp.linalg.solve(schur, left) if columns else left
    flow = jnp.sum(jnp.where(design.allowed, design.flow * design.weight, 0))
    scale = jnp.sqrt(jnp.maximum(jnp.diagonal(information), 1e-300) * flow)
    direction = Point(
        move,
        own.origin - sum((m * p.origin for m, p in zip(move, projections, strict=True)), jnp.zeros_like(own.origin)),
        own.destination
        - sum((m * p.destination for m, p in zip(move, projections, strict=True)), jnp.zeros_like(own.destination)),
    )
    return Step(
        jnp.sum(found.log_likelihood),
        jnp.max(jnp.abs(gradient) / scale, initial=0.0),
        _margin_error(design, margins),
        schur,
        jnp.diagonal(information),
        direction,
    )


def sides(design: Design, table: Array, column: Column | None = None) -> Sides:
    """Sums of table · column along the sides that have effects; zeros on the others."""
    origins, destinations = table.shape
    one = jnp.ones((1, 1), table.dtype) if column is None else column
    return Sides(
        moments.along(table, one) if design.origin_effects else jnp.zeros(origins, table.dtype),
        moments.across(table, one) if design.destination_effects else jnp.zeros(destinations, table.dtype),
    )


def eliminate(design: Design, weight: Array, sums: Sides, tolerance: Array | float) -> Sides:
    """E⁻¹ · sums, for the effects that the design has."""
    one = jnp.ones((1, 1), weight.dtype)
    if design.origin_effects and design.destination_effects:
        return effects.solve(weight, sums, tolerance)
    if design.origin_effects:
        return Sides(effects.over(sums.origin, moments.along(weight, one)), jnp.zeros_like(sums.destination))
    if design.destination_effects:
        return Sides(jnp.zeros_like(sums.origin), effects.over(sums.destination, moments.across(weight, one)))
    return Sides(jnp.zeros_like(sums.origin), jnp.zeros_like(sums.destination))


def _product(one: Sides, other: Sides) -> Array:
    return one.origin @ other.origin + one.destination @ other.destination


def gram(bases: list[Sides], projections: list[Sides]) -> Float[Array, "column column"]:
    """Products of every base with every projection, Bᵀ E⁻¹ B."""
    if not bases:
        return jnp.zeros((0, 0))
    return jnp.stack([jnp.stack([_product(base, other) for other in projections]) for base in bases])


def _margin_error(design: Design, score: Sides) -> Array:
    """Largest |observed − fitted| margin over the observed one."""
    flow = jnp.where(design.allowed, design.flow * design.weight, 0)
    one = jnp.ones((1, 1), flow.dtype)
    worst = jnp.zeros((), flow.dtype)
    if design.origin_effects:
        worst = jnp.maximum(worst, jnp.max(effects.over(jnp.abs(score.origin), moments.along(flow, one))))
    if design.destination_effects:
        worst = jnp.maximum(worst, jnp.max(effects.over(jnp.abs(score.destination), moments.across(flow, one))))
    return worst
