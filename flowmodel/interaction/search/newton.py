"""One Newton step of a flow model: sums over pairs at a point, and the step from there.

Effects are eliminated. With E their system (`effects`), B the weighted sums of columns along both sides, H their
weighted moments, and scores g of coefficients and e of effects, coefficients change by S⁻¹ (g − Bᵀ E⁻¹ e) with
S = H − Bᵀ E⁻¹ B.
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.interaction.likelihood.family import Evidence, Family, evidence
from flowmodel.interaction.model import moments
from flowmodel.interaction.model.design import Column, Design, Point, predictor, slopes
from flowmodel.interaction.search import effects
from flowmodel.interaction.search.effects import Sides


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sums:
    """Sums over pairs at a point.

    Attributes:
        log_likelihood: without terms that do not depend on parameters.
        weight: information of every pair on its η, zero outside the fit [o, d].
        score: derivative of the log likelihood by η, zero outside the fit [o, d].
        margins: sums of the score along sides with effects; for Poisson flows, observed less fitted margins.
        gradient: sums of the score times each column [K].
        moments: weighted second moments of the columns, H [K, K].
        error: the largest relative error of a margin, and the largest standardised moment [2].
    """

    log_likelihood: Float[Array, ""]
    weight: Float[Array, "origin destination"]
    score: Float[Array, "origin destination"]
    margins: Sides
    gradient: Float[Array, " parameter"]
    moments: Float[Array, "parameter parameter"]
    error: Float[Array, " 2"]


@jax.jit
def evaluate(design: Design, family: Family, at: Point) -> Sums:
    """The sums at `at`."""
    found = evidence(family, predictor(design, at), design.flow, design.listed)
    return _summed(design, found, slopes(design, at))


@jax.jit
def initial_sums(design: Design, at: Point) -> Sums:
    """The sums of iteratively reweighted least squares with initial means (flow + mean flow) / 2.

    See McCullagh & Nelder 1989, section 4.6. A Newton step with these sums is the first step of a search.
    """
    count = jnp.sum(design.allowed.astype(design.flow.dtype))
    weight = (design.flow + jnp.sum(design.flow) / count) / 2
    score = weight * (jnp.log(weight) - predictor(design, at)) + design.flow - weight
    return _summed(design, Evidence(jnp.zeros_like(weight), score, weight), slopes(design, at))


@jax.jit
def direction(design: Design, at: Point, sums: Sums, close: Float[Array, ""]) -> Point:
    """The Newton step from `at`; effects are eliminated in float32 to the relative residual `close`."""
    columns = slopes(design, at)
    bases = [sides(design, sums.weight, column) for column in columns]
    solve = partial(eliminate, design, sums.weight, close=close)
    own, projections = solve(sums.margins), [solve(base) for base in bases]
    information = sums.moments - gram(bases, projections)
    left = sums.gradient - jnp.stack([_product(base, own) for base in bases]) if bases else sums.gradient
    move = jnp.linalg.solve(information, left) if bases else left
    for step, part in zip(move, projections, strict=True):
        own = Sides(own.origin - step * part.origin, own.destination - step * part.destination)
    return Point(move, own.origin, own.destination)


def _summed(design: Design, found: Evidence, columns: tuple[Column, ...]) -> Sums:
    found = Evidence(*(jnp.where(design.allowed, part * design.weight, 0) for part in found))
    # Without the barrier XLA computes the evidence again for every sum.
    weight, score = jax.lax.optimization_barrier((found.weight, found.score))
    margins = sides(design, score)
    gradient = jnp.stack([moments.total(score, column) for column in columns]) if columns else jnp.zeros(0, score.dtype)
    crossed = moments.cross(weight, columns)
    scale = jnp.sqrt(jnp.maximum(jnp.diagonal(crossed), _SMALL) * jnp.sum(design.outflow))
    error = jnp.stack([_margin_error(design, margins), jnp.max(jnp.abs(gradient) / scale, initial=0.0)])
    return Sums(jnp.sum(found.log_likelihood), weight, score, margins, gradient, crossed, error)


_SMALL = 1e-30


def sides(design: Design, table: Array, column: Column | None = None) -> Sides:
    """Sums of table · column along the sides with effects; zeros for the others."""
    origins, destinations = table.shape
    one = jnp.ones((1, 1), table.dtype) if column is None else column
    return Sides(
        moments.along(table, one) if design.origin_effects else jnp.zeros(origins, table.dtype),
        moments.across(table, one) if design.destination_effects else jnp.zeros(destinations, table.dtype),
    )


def eliminate(design: Design, weight: Array, sums: Sides, close: Array | None = None) -> Sides:
    """E⁻¹ · sums for the effects of the design; for two-way effects to the residual `close`, or exactly if None."""
    one = jnp.ones((1, 1), weight.dtype)
    if design.origin_effects and design.destination_effects:
        return effects.solve(weight, sums) if close is None else effects.solve_roughly(weight, sums, close)
    if design.origin_effects:
        return Sides(effects.ratio(sums.origin, moments.along(weight, one)), jnp.zeros_like(sums.destination))
    if design.destination_effects:
        return Sides(jnp.zeros_like(sums.origin), effects.ratio(sums.destination, moments.across(weight, one)))
    return Sides(jnp.zeros_like(sums.origin), jnp.zeros_like(sums.destination))


def gram(bases: list[Sides], projections: list[Sides]) -> Float[Array, "column column"]:
    """Products of all bases with all projections, Bᵀ E⁻¹ B."""
    if not bases:
        return jnp.zeros((0, 0))
    return jnp.stack([jnp.stack([_product(base, other) for other in projections]) for base in bases])


def _product(one: Sides, other: Sides) -> Array:
    return one.origin @ other.origin + one.destination @ other.destination


def _margin_error(design: Design, margins: Sides) -> Array:
    """Largest |observed − fitted| margin relative to the observed one."""
    worst = jnp.zeros((), design.flow.dtype)
    if design.origin_effects:
        worst = jnp.maximum(worst, jnp.max(effects.ratio(jnp.abs(margins.origin), design.outflow)))
    if design.destination_effects:
        worst = jnp.maximum(worst, jnp.max(effects.ratio(jnp.abs(margins.destination), design.inflow)))
    return worst
