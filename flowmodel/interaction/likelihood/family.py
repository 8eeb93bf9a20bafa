"""Likelihoods of one pair's flow given the logarithm η of its mean: what is observed, exactly or only bounded.

Each rule gives, of ONE pair, the log likelihood (without what does not depend on η), its slope in η, the score, and a
positive weight, the information. A pair that stands in no list is known only to be below the list's threshold, and its
score compares the mean of such pairs with the model's.
"""

from __future__ import annotations

import dataclasses
import math
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


@jax.tree_util.register_dataclass
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
    binomial: bool = dataclasses.field(default=False, metadata={"static": True})
    below: int | None = dataclasses.field(default=None, metadata={"static": True})
    unlisted: str = dataclasses.field(default="censored", metadata={"static": True})


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


def _seen(family: Family, eta: Array, flow: Array) -> Evidence:
    """A flow that is known: y η − μ, or the negative binomial's, whose score is (y − μ) / (1 + α μ).

    The information is the observed one, μ (1 + α y) / (1 + α μ)². With the expected one, μ / (1 + α μ), each step on a
    table that scatters widely gains a twentieth.
    """
    # Without the barrier XLA computes the exponential anew for each of the three results.
    mean = jax.lax.optimization_barrier(jnp.exp(eta))
    if not family.binomial:
        return Evidence(flow * eta - mean, flow - mean, mean)
    spread = 1 + family.dispersion * mean
    likelihood = flow * (eta - jnp.log(spread)) - jnp.log(spread) / family.dispersion
    return Evidence(likelihood, (flow - mean) / spread, mean * (1 + family.dispersion * flow) / spread**2)


def _bounded(family: Family, eta: Array) -> Evidence:
    """A flow known to be below the threshold c: ln P(Y < c), whose slope in η is −h, h = c P(Y = c) / P(Y < c).

    As h is also (μ − E) / (1 + α μ), E the mean of such flows, h has the slope h (c − E) / (1 + α μ).
    """
    assert family.below is not None
    units, spread = _units(family, eta)
    part = _below(family, units)
    push = family.below * part.odds
    weight = push * (family.below - part.mean) / spread
    return Evidence(*(family.per_unit * one for one in (part.log_chance, -push, weight)))


def _reached(family: Family, eta: Array, flow: Array) -> Evidence:
    """A flow known, of a pair that is listed because it reached the threshold: y η − μ − ln P(Y ≥ c)."""
    assert family.below is not None
    # Where μ underflows so does the chance, μ^c / c! there, and a step much too far would look the likeliest of all.
    kept = jnp.maximum(eta, math.log(float(np.finfo(eta.dtype).tiny)) + _CLEAR)
    units, spread = _units(family, kept)
    part = _above(family, units)
    log_chance = part.log_chance + family.below * (eta - kept)
    likelihood = _seen(family, eta, flow).log_likelihood - family.per_unit * log_chance
    score = (flow - family.per_unit * part.mean) / spread
    return Evidence(likelihood, score, family.per_unit * part.variance / spread**2)


_CLEAR = 10.0
"""How far above the logarithm of the smallest number η is kept, so that persons may be turned into units too."""


class _Below(NamedTuple):
    """The part under the threshold c: ln P(Y < c), the mean within, and P(Y = c) / P(Y < c)."""

    log_chance: Array
    mean: Array
    odds: Array


class _Above(NamedTuple):
    """The part from the threshold on: the logarithm of its chance, and the moments within."""

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


def _below(family: Family, units: Array) -> _Below:
    """The part under the threshold, by Erlang's recursion, in which nothing overflows whatever the mean.

    With t_k the term of k units, a_k = t_k / Σ_{m<k} t_m gives t_k / Σ_{m≤k} t_m = a_k / (1 + a_k), and the next a.
    """
    assert family.below is not None
    alpha = _alpha(family)
    rate = units / (1 + alpha * units)
    top, total, mean = jnp.ones_like(units), jnp.zeros_like(units), jnp.zeros_like(units)
    for k in range(1, family.below):
        term = rate * (1 + (k - 1) * alpha) / k * top
        top = term / (1 + term)
        total = total + jnp.log1p(term)
        mean = mean + top * (k - mean)
    odds = rate * (1 + (family.below - 1) * alpha) / family.below * top
    return _Below(total + _none(family, units), mean, odds)


_TERMS = 32
_RARE = 1e-2
"""Chance of reaching the threshold below which its complement has too few digits; the mean lies below the threshold
then, and the continued fraction converges within `_TERMS`, whatever the dispersion."""


def _above(family: Family, units: Array) -> _Above:
    """The part from the threshold c on. Its moments follow from what g = c P(Y = c) / P(Y ≥ c) is.

    The slope of ln P(Y ≥ c) in η is g. It is also (E − μ) / (1 + α μ), which gives the mean E, and its own slope,
    g ((c − μ) / (1 + α μ) − g), gives the variance.
    """
    assert family.below is not None
    alpha, first = _alpha(family), family.below
    chance = -jnp.expm1(_below(family, units).log_chance)
    rare = chance < _RARE
    ratio = _tail(family, jnp.where(rare, units, _RARE))
    start = _threshold(family, units)
    log_chance = jnp.where(rare, start + jnp.log(ratio), jnp.log(jnp.where(rare, 1.0, chance)))
    pull = jnp.where(rare, first / ratio, first * jnp.exp(start - log_chance))
    beyond = units + (1 + alpha * units) * pull - first
    variance = units * (1 + alpha * first) - beyond * (first + beyond - units - alpha * units)
    return _Above(log_chance, first + beyond, variance)


def _threshold(family: Family, units: Array) -> Array:
    """Ln P(Y = c)."""
    assert family.below is not None
    alpha = _alpha(family)
    counts = jnp.arange(family.below, dtype=units.dtype)
    ways = jnp.sum(jnp.log1p(counts * alpha) - jnp.log1p(counts))
    return _none(family, units) + family.below * jnp.log(units / (1 + alpha * units)) + ways


def _tail(family: Family, units: Array) -> Array:
    """P(Y ≥ c) / P(Y = c), by the continued fraction of the incomplete beta function (DLMF 8.17.22) from its end.

    Its parameters c and 1 / α appear multiplied by α only, so that α = 0 gives Poisson's.
    """
    assert family.below is not None
    alpha, c = _alpha(family), family.below
    rate = units / (1 + alpha * units)

    def before(place: Array, found: Array) -> Array:
        m = (_TERMS - place).astype(units.dtype)
        found = 1 + m * (1 - alpha * m) * rate / ((c + 2 * m - 1) * (c + 2 * m)) / found
        k = m - 1
        return 1 - (c + k) * (1 + alpha * (c + k)) * rate / ((c + 2 * k) * (c + 2 * k + 1)) / found

    # A loop: the compiler would take minutes over second derivatives of so long an expression.
    found: Array = jax.lax.fori_loop(0, _TERMS, before, jnp.ones_like(units))
    return 1 / found
