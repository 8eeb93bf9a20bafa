"""Likelihoods of the flow of one pair as functions of η, the logarithm of its mean.

Each function returns, for ONE pair, the log likelihood (without terms that do not depend on η), its derivative by η
(the score), and a positive weight (the information). Flows can be observed exactly, or known only to be below the
threshold of a published list.
"""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


class Evidence(NamedTuple):
    """Log likelihood, score and information of one pair."""

    log_likelihood: Float[Array, "*pair"]
    score: Float[Array, "*pair"]
    weight: Float[Array, "*pair"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Family:
    """The distribution of flows about their mean, and the threshold of a published list.

    Attributes:
        dispersion: α > 0 of the negative binomial, whose variance is μ + α μ²; zero for Poisson.
        per_unit: persons per unit of the threshold, such as 2 if it counts households of two.
        binomial: whether the distribution is negative binomial; otherwise Poisson.
        below: pairs with fewer units than this are not listed; None if every pair is listed.
        unlisted: meaning of unlisted pairs: "censored", they are below the threshold; "truncated", nothing is known
            about them, and the likelihood of listed pairs is conditional on reaching the threshold.
    """

    dispersion: Float[Array, ""]
    per_unit: Float[Array, ""]
    binomial: bool = dataclasses.field(default=False, metadata={"static": True})
    below: int | None = dataclasses.field(default=None, metadata={"static": True})
    unlisted: str = dataclasses.field(default="censored", metadata={"static": True})


def evidence(
    family: Family, eta: Float[Array, "*pair"], flow: Float[Array, "*pair"], listed: Bool[Array, "*pair"]
) -> Evidence:
    """Log likelihood, score and information at η = ln μ, elementwise, for listed and unlisted pairs."""
    if family.below is None:
        return _seen(family, eta, flow)
    if family.unlisted == "truncated":
        return _reached(family, family.below, eta, flow)
    pairs = zip(_seen(family, eta, flow), _bounded(family, family.below, eta), strict=True)
    return Evidence(*(jnp.where(listed, one, other) for one, other in pairs))


def _seen(family: Family, eta: Array, flow: Array) -> Evidence:
    """An observed flow: y η − μ for Poisson; the score of the negative binomial is (y − μ) / (1 + α μ).

    The weight is the observed information μ (1 + α y) / (1 + α μ)². With the expected information, μ / (1 + α μ),
    Newton steps converge slowly if flows are highly dispersed.
    """
    # Without the barrier XLA computes the exponential again for each of the three results.
    mean = jax.lax.optimization_barrier(jnp.exp(eta))
    if not family.binomial:
        return Evidence(flow * eta - mean, flow - mean, mean)
    spread = 1 + family.dispersion * mean
    likelihood = flow * (eta - jnp.log(spread)) - jnp.log(spread) / family.dispersion
    return Evidence(likelihood, (flow - mean) / spread, mean * (1 + family.dispersion * flow) / spread**2)


def _bounded(family: Family, c: int, eta: Array) -> Evidence:
    """A flow below the threshold c: ln P(Y < c) has the derivative −h by η, with h = c P(Y = c) / P(Y < c).

    Since h = (μ − E) / (1 + α μ) too, with E the mean of such flows, the derivative of h is h (c − E) / (1 + α μ).
    """
    units, spread = _units(family, eta)
    log_chance, mean, odds = _below(family, c, units)
    push = c * odds
    return Evidence(*(family.per_unit * one for one in (log_chance, -push, push * (c - mean) / spread)))


def _reached(family: Family, c: int, eta: Array, flow: Array) -> Evidence:
    """An observed flow, given that it reached the threshold c: y η − μ − ln P(Y ≥ c)."""
    # If μ underflows, so does P(Y ≥ c) ≈ μ^c / c!, and far too long a step would seem to have a high likelihood.
    kept = jnp.maximum(eta, math.log(float(np.finfo(eta.dtype).tiny)) + _CLEAR)
    units, spread = _units(family, kept)
    log_chance, mean, variance = _above(family, c, units)
    likelihood = _seen(family, eta, flow).log_likelihood - family.per_unit * (log_chance + c * (eta - kept))
    score = (flow - family.per_unit * mean) / spread
    return Evidence(likelihood, score, family.per_unit * variance / spread**2)


_CLEAR = 10.0
"""Least distance of η from the logarithm of the smallest number; leaves room for the conversion to units."""


def _alpha(family: Family) -> Array:
    """The dispersion α of units, since α μ must be the same in units and in persons."""
    return family.dispersion * family.per_unit


def _units(family: Family, eta: Array) -> tuple[Array, Array]:
    mean = jnp.exp(eta)
    return mean / family.per_unit, 1 + family.dispersion * mean


def _none(family: Family, units: Array) -> Array:
    """Ln P(Y = 0)."""
    alpha = _alpha(family)
    return -jnp.log1p(alpha * units) / alpha if family.binomial else -units


def _below(family: Family, c: int, units: Array) -> tuple[Array, Array, Array]:
    """Ln P(Y < c), the mean given Y < c, and P(Y = c) / P(Y < c).

    Erlang's recursion does not overflow for any mean. With t_k the term of k units, a_k = t_k / Σ_{m<k} t_m gives
    t_k / Σ_{m≤k} t_m = a_k / (1 + a_k), and then a_{k+1}.
    """
    alpha = _alpha(family)
    rate = units / (1 + alpha * units)
    top, total, mean = jnp.ones_like(units), jnp.zeros_like(units), jnp.zeros_like(units)
    for k in range(1, c):
        term = rate * (1 + (k - 1) * alpha) / k * top
        top = term / (1 + term)
        total = total + jnp.log1p(term)
        mean = mean + top * (k - mean)
    return total + _none(family, units), mean, rate * (1 + (c - 1) * alpha) / c * top


_TERMS = 32
_RARE = 1e-2
"""Value of P(Y ≥ c) below which 1 − P(Y < c) is imprecise and a continued fraction is used. The mean is then below the
threshold, so `_TERMS` terms suffice for any dispersion."""


def _above(family: Family, c: int, units: Array) -> tuple[Array, Array, Array]:
    """Ln P(Y ≥ c), and mean and variance given Y ≥ c.

    The derivative of ln P(Y ≥ c) by η is g = c P(Y = c) / P(Y ≥ c). It equals (E − μ) / (1 + α μ), which gives the mean
    E; its derivative g ((c − μ) / (1 + α μ) − g) gives the variance.
    """
    alpha = _alpha(family)
    chance = -jnp.expm1(_below(family, c, units)[0])
    rare = chance < _RARE
    ratio = _tail(family, c, jnp.where(rare, units, _RARE))
    start = _threshold(family, c, units)
    log_chance = jnp.where(rare, start + jnp.log(ratio), jnp.log(jnp.where(rare, 1.0, chance)))
    pull = jnp.where(rare, c / ratio, c * jnp.exp(start - log_chance))
    beyond = units + (1 + alpha * units) * pull - c
    variance = units * (1 + alpha * c) - beyond * (c + beyond - units - alpha * units)
    return log_chance, c + beyond, variance


def _threshold(family: Family, c: int, units: Array) -> Array:
    """Ln P(Y = c)."""
    alpha = _alpha(family)
    counts = jnp.arange(c, dtype=units.dtype)
    ways = jnp.sum(jnp.log1p(counts * alpha) - jnp.log1p(counts))
    return _none(family, units) + c * jnp.log(units / (1 + alpha * units)) + ways


def _tail(family: Family, c: int, units: Array) -> Array:
    """P(Y ≥ c) / P(Y = c), by backward evaluation of the continued fraction of the incomplete beta function.

    See DLMF 8.17.22. The parameter 1 / α appears only multiplied by α, so α = 0 gives Poisson's.
    """
    alpha = _alpha(family)
    rate = units / (1 + alpha * units)

    def before(place: Array, found: Array) -> Array:
        m = (_TERMS - place).astype(units.dtype)
        found = 1 + m * (1 - alpha * m) * rate / ((c + 2 * m - 1) * (c + 2 * m)) / found
        k = m - 1
        return 1 - (c + k) * (1 + alpha * (c + k)) * rate / ((c + 2 * k) * (c + 2 * k + 1)) / found

    # Without a loop, compiling second derivatives of this long expression would take minutes.
    found: Array = jax.lax.fori_loop(0, _TERMS, before, jnp.ones_like(units))
    return 1 / found
