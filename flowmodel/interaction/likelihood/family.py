"""Likelihoods of one pair's flow given the logarithm η of its mean: what is observed, exactly or only bounded.

Each rule gives, of ONE pair, the log likelihood (without what does not depend on η), its slope in η, the score, and a
positive weight, the information. A pair that stands in no list is known only to be below the list's threshold, and its
score compares the mean of such pairs with the model's.
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


class Evidence(NamedTuple):
    """What one pair says of its η."""

    log_likelihood: Float[Array, "*pair"]
    score: Float[Array, "*pair"]
    weight: Float[Array, "*pair"]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["dispersion", "per_unit"],
    meta_fields=["binomial", "below", "unlisted"],
)
@dataclasses.dataclass(frozen=True)
class Family:
    """How flows scatter round their mean, and which of them are seen.

    Attributes:
        dispersion: α > 0 of the negative binomial, whose variance is μ + α μ²; zero without it.
        per_unit: persons for each unit of what the list's threshold counts (2 where it counts households of two).
        binomial: whether the law is the negative binomial; else it is Poisson's.
        below: the list's threshold: pairs with fewer units are not listed. None: every pair is seen.
        unlisted: what an unlisted pair means: "censored", it has fewer units; "truncated", nothing is known of it, and
            listed pairs are those that happened to reach the threshold.
    """

    dispersion: Float[Array, ""]
    per_unit: Float[Array, ""]
    binomial: bool = False
    below: int | None = None
    unlisted: str = "censored"


def evidence(
    family: Family, eta: Float[Array, "*pair"], flow: Float[Array, "*pair"], listed: Bool[Array, "*pair"]
) -> Evidence:
    """What a pair with `flow`, or an unlisted one, says of its η = ln μ; elementwise."""
    if family.below is None:
        return _seen(family, eta, flow)
    if family.unlisted == "truncated":
        return _reached(family, eta, flow)
    pairs = zip(_seen(family, eta, flow), _bounded(family, eta), strict=True)
    return Evidence(*(jnp.where(listed, one, other) for one, other in pairs))


def expected_unlisted(family: Family, eta: Float[Array, "*pair"]) -> Float[Array, "*pair"]:
    """Mean flow of a pair known to be below the threshold, persons."""
    units, _ = _units(family, eta)
    return family.per_unit * _below(family, units).mean


def _seen(family: Family, eta: Array, flow: Array) -> Evidence:
    """A flow that is known: y η − μ, or the negative binomial's, whose score is (y − μ) / (1 + α μ)."""
    # Without the barrier XLA computes the exponential anew for each of the three results.
    mean = jax.lax.optimization_barrier(jnp.exp(eta))
    if not family.binomial:
        return Evidence(flow * eta - mean, flow - mean, mean)
    spread = 1 + family.dispersion * mean
    likelihood = flow * (eta - jnp.log(spread)) - jnp.log(spread) / family.dispersion
    return Evidence(likelihood, (flow - mean) / spread, mean / spread)


def _bounded(family: Family, eta: Array) -> Evidence:
    """A flow known to be below the threshold: ln P(Y < c); its score is E[Y | Y < c] − μ over the spread."""
    units, spread = _units(family, eta)
    part = _below(family, units)
    slope = (part.variance - units - _alpha(family) * units * part.mean) / spread**2
    score = (part.mean - units) / spread
    return Evidence(*(family.per_unit * one for one in (part.log_chance, score, -slope)))


def _reached(family: Family, eta: Array, flow: Array) -> Evidence:
    """A flow known, of a pair that is listed because it reached the threshold: y η − μ − ln P(Y ≥ c)."""
    assert family.below is not None
    # Where μ underflows so does the chance, μ^c / c! there, and a step much too far would look the likeliest of all.
    kept = jnp.maximum(eta, math.log(np.finfo(eta.dtype).tiny) + _CLEAR)
    units, spread = _units(family, kept)
    part = _above(family, units)
    log_chance = part.log_chance + family.below * (eta - kept)
    likelihood = _seen(family, eta, flow).log_likelihood - family.per_unit * log_chance
    score = (flow - family.per_unit * part.mean) / spread
    return Evidence(likelihood, score, family.per_unit * part.variance / spread**2)


_CLEAR = 10.0
"""How far above the logarithm of the smallest number η is kept, so that persons may be turned into units too."""


class _Part(NamedTuple):
    """One part of a distribution over units: the logarithm of its chance, and the moments within."""

    log_chance: Array
    mean: Array
    variance: Array


def _alpha(family: Family) -> Array:
    """The dispersion of units: α μ is the same number in units as in persons."""
    return family.dispersion * family.per_unit


def _units(family: Family, eta: Array) -> tuple[Array, Array]:
    mean = jnp.exp(eta)
    return mean / family.per_unit, 1 + family.dispersion * mean


def _none(family: Family, units: Array) -> Array:
    """Ln P(Y = 0)."""
    alpha = _alpha(family)
    return -jnp.log1p(alpha * units) / alpha if family.binomial else -units


def _below(family: Family, units: Array) -> _Part:
    """The part under the threshold, by Erlang's recursion, in which nothing overflows whatever the mean.

    With t_k the term of k units, a_k = t_k / Σ_{m<k} t_m gives t_k / Σ_{m≤k} t_m = a_k / (1 + a_k), and the next a.
    """
    assert family.below is not None
    alpha = _alpha(family)
    rate = units / (1 + alpha * units)
    top = jnp.ones_like(units)
    total, mean, square = jnp.zeros_like(units), jnp.zeros_like(units), jnp.zeros_like(units)
    for k in range(1, family.below):
        term = rate * (1 + (k - 1) * alpha) / k * top
        top = term / (1 + term)
        total = total + jnp.log1p(term)
        mean = mean + top * (k - mean)
        square = square + top * (k**2 - square)
    return _Part(total + _none(family, units), mean, square - mean**2)


_TERMS = 64
_RARE = 1e-4
"""Chance of reaching the threshold below which the complement 1 − P(Y < c) has too few digits. Then the mean lies far
below the threshold, and a series over the counts from there converges within `_TERMS`."""


def _above(family: Family, units: Array) -> _Part:
    """The part from the threshold on: by complement, or by a series where that part is rare."""
    alpha = _alpha(family)
    spread = 1 + alpha * units
    low = _below(family, units)
    under = jnp.exp(low.log_chance)
    chance = -jnp.expm1(low.log_chance)
    rare = chance < _RARE
    odds = under / jnp.where(rare, 1.0, chance)
    slope = (low.mean - units) / spread
    curve = (low.variance - units - alpha * units * low.mean) / spread**2
    mean = units - spread * odds * slope
    variance = units + alpha * units * mean - spread**2 * (odds * (slope**2 + curve) + (odds * slope) ** 2)
    series = _rare(family, units)
    parts = zip(series, _Part(jnp.log(jnp.where(rare, 1.0, chance)), mean, variance), strict=True)
    return _Part(*(jnp.where(rare, one, other) for one, other in parts))


def _rare(family: Family, units: Array) -> _Part:
    """The part from the threshold c on as t_c times a series; only right where the mean is well below c."""
    assert family.below is not None
    alpha, first = _alpha(family), family.below
    rate = jnp.minimum(units, first / 2) / (1 + alpha * units)
    term, total, mean, square = (jnp.ones_like(units), jnp.ones_like(units), *(jnp.zeros_like(units),) * 2)
    for k in range(1, _TERMS):
        term = term * rate * (1 + (first + k - 1) * alpha) / (first + k)
        total, mean, square = total + term, mean + k * term, square + k**2 * term
    mean, square = mean / total, square / total
    ladder = sum(jnp.log1p((k - 1) * alpha) - jnp.log(float(k)) for k in range(1, first + 1))
    return _Part(_none(family, units) + first * jnp.log(rate) + ladder + jnp.log(total), first + mean, square - mean**2)
