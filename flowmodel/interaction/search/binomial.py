"""The dispersion α of the negative binomial with variance μ + α μ² (NB2), fitted alternately with the coefficients."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from flowmodel.errors import FlowsError
from flowmodel.interaction.likelihood.family import Family, evidence
from flowmodel.interaction.model.design import Design, predictor
from flowmodel.interaction.search import estimate
from flowmodel.interaction.search.estimate import Optimum, Report

_LONGEST = 1.5
"""Longest step of ln α."""
_CLOSE = 1e-7
"""Score of ln α, in standard errors, at which the fit has converged."""
_MOST_TURNS = 50
_SMALLEST = 1e-9
_LEAST_BEND = 0.1
"""Ratio to the curvature at fixed coefficients below which (or above whose inverse) a secant is not used."""


def fit(
    design: Design, family: Family, tolerance: float, most_steps: int, report: Report
) -> tuple[Optimum, Family, float]:
    """Fits coefficients and α alternately until the score of α is zero too.

    Returns:
        The optimum with the steps of all fits, the family with its α, and the standard error of α (NaN if α has not
        converged).

    Raises:
        FlowsError: E-FAMILY-DISPERSION, flows vary no more than Poisson counts, so α has no positive estimate.
    """
    flow, positive = np.asarray(design.flow), np.asarray(design.allowed & (design.flow > 0))
    counted = jnp.asarray(flow[positive])
    poisson = estimate.fit(design, family, tolerance=1e-4, most_steps=most_steps, report=report)
    family = dataclasses.replace(family, binomial=True, dispersion=jnp.asarray(_moment(design, poisson)))
    found, at, steps = poisson, poisson.at, poisson.steps
    before: tuple[float, float] | None = None
    for _ in range(_MOST_TURNS):
        found = estimate.fit(design, family, tolerance=tolerance, most_steps=most_steps, at=at, report=report)
        at, steps = found.at, steps + found.steps
        found = dataclasses.replace(found, steps=steps)
        slope, curve = _derivatives(jnp.log(family.dispersion), design, family, predictor(design, at), counted)
        here = (float(jnp.log(family.dispersion)), float(slope))
        move = here[1] / max(_bend(here, before, float(-curve)), 0.1 * abs(here[1]) + 1e-12)
        before = here
        if abs(float(slope)) <= _CLOSE * np.sqrt(max(float(-curve), 1e-300)):
            error = float(family.dispersion) / np.sqrt(float(-curve))
            return found, family, error
        ln_alpha = float(jnp.log(family.dispersion)) + float(np.clip(move, -_LONGEST, _LONGEST))
        if ln_alpha < np.log(_SMALLEST):
            raise FlowsError("E-FAMILY-DISPERSION", "flows vary no more than Poisson counts", "set family = 'poisson'")
        family = dataclasses.replace(family, dispersion=jnp.asarray(np.exp(ln_alpha)))
    return dataclasses.replace(found, converged=False), family, np.nan


def _bend(here: tuple[float, float], before: tuple[float, float] | None, alone: float) -> float:
    """Slope of the score of ln α when coefficients are refitted, from a secant through the last two fits.

    At fixed coefficients it is `alone`. It differs if the coefficients depend on α, as in a censored table.
    """
    if before is None or here[0] == before[0]:
        return alone
    secant = (before[1] - here[1]) / (here[0] - before[0])
    return secant if _LEAST_BEND * alone < secant < alone / _LEAST_BEND else alone


def _moment(design: Design, at: Optimum) -> float:
    """α from the Poisson fit's residuals (Cameron & Trivedi 1990): Σ ((y − μ)² − y) / Σ μ²."""
    mean = np.exp(np.asarray(predictor(design, at.at)))
    seen = np.asarray(design.allowed & design.listed)
    flow = np.asarray(design.flow)
    found = np.sum(((flow - mean) ** 2 - flow)[seen]) / np.sum(mean[seen] ** 2)
    return float(np.clip(found, 1e-3, 10.0))


def likelihood(
    ln_alpha: Float[Array, ""], design: Design, family: Family, eta: Float[Array, "o d"], positive: Float[Array, " n"]
) -> Float[Array, ""]:
    """Log likelihood as a function of ln α at fixed means, without the terms ln y!.

    `eta` is ln μ of every pair; only the `positive` flows of the pairs in the fit have terms with Γ.
    """
    alpha = jnp.exp(ln_alpha)
    family = dataclasses.replace(family, dispersion=alpha)
    found = evidence(family, eta, design.flow, design.listed).log_likelihood
    shape = 1 / alpha
    ladder = gammaln(positive + shape) - gammaln(shape) + positive * ln_alpha
    return jnp.asarray(jnp.sum(jnp.where(design.allowed, found, 0)) + jnp.sum(ladder))


@jax.jit
def _derivatives(ln_alpha: Array, design: Design, family: Family, eta: Array, positive: Array) -> tuple[Array, Array]:
    """First and second derivative in ln α, by forward mode: reverse mode takes long to compile."""
    one = (jnp.ones_like(ln_alpha),)

    def value(at: Array) -> Array:
        return likelihood(at, design, family, eta, positive)

    return jax.jvp(lambda at: jax.jvp(value, (at,), one)[1], (ln_alpha,), one)
