"""Bootstrap of whole origins: each replicate draws as many origins as there are, with replacement, and fits again.

A pair's flow may hang together with every other of its origin; drawing origins keeps that. Effects of an origin do not
feel how often it was drawn.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from flowmodel.interaction.calibrate import Calibrated
from flowmodel.interaction.search import estimate
from flowmodel.interaction.search.estimate import Report

_ENOUGH = 1e-6
"""Error of margins and moments: the scatter between replicates is thousands of times larger."""


def estimates(
    fit: Calibrated, count: int, seed: int, report: Report = lambda step, error: None
) -> Float[np.ndarray, "replicate parameter"]:
    """Coefficients of `count` replicates, a row each; NaN where a replicate did not converge.

    Args:
        fit: where every search begins; the negative binomial's α is held.
        count: of replicates.
        seed: of the draws.
        report: told how many are done.
    """
    rng = np.random.default_rng(seed)
    design, origins = fit.built.design, fit.built.design.weight.shape[0]
    taking = np.flatnonzero(np.any(fit.taking, axis=1))
    found = np.full((count, len(fit.built.names)), np.nan)
    for replicate in range(count):
        drawn = np.bincount(rng.choice(taking, len(taking)), minlength=origins).astype(float)
        again = dataclasses.replace(design, weight=jnp.asarray(drawn[:, None]))
        optimum = estimate.fit(again, fit.family, tolerance=_ENOUGH, at=fit.optimum.at)
        if optimum.converged:
            found[replicate] = fit.built.natural(np.asarray(optimum.at.coefficients))
        report(replicate + 1, np.nan)
    return found


def covariance(replicates: Float[np.ndarray, "replicate parameter"]) -> Float[np.ndarray, "parameter parameter"]:
    """Covariance of the coefficients over the replicates that converged; NaN where fewer than two did."""
    kept = replicates[np.all(np.isfinite(replicates), axis=1)]
    if len(kept) < 2:
        return np.full((replicates.shape[1],) * 2, np.nan)
    return np.atleast_2d(np.cov(kept, rowvar=False))
