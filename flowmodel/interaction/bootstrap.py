"""Block bootstrap over origins: each replicate refits the model to origins drawn with replacement.

Drawing whole origins allows for correlation between flows of the same origin. The effect of an origin does not depend
on how often it is drawn.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from flowmodel.interaction.calibrate import Calibrated
from flowmodel.interaction.search import estimate
from flowmodel.interaction.search.estimate import Report

_ENOUGH = 1e-6
"""Tolerance of margins and moments; the variation between replicates is thousands of times larger."""


def estimates(
    fit: Calibrated, count: int, seed: int, report: Report = lambda step, error: None
) -> Float[np.ndarray, "replicate parameter"]:
    """Coefficients of `count` replicates [replicate, parameter]; NaN if a replicate has not converged.

    Every search begins at the coefficients of `fit`; the negative binomial's α is fixed. `report` is called with the
    number of replicates done.
    """
    rng = np.random.default_rng(seed)
    design, origins = fit.built.design, fit.built.design.weight.shape[0]
    in_fit = np.flatnonzero(np.any(fit.in_fit, axis=1))
    found = np.full((count, len(fit.built.names)), np.nan)
    for replicate in range(count):
        drawn = np.bincount(rng.choice(in_fit, len(in_fit)), minlength=origins).astype(float)
        again = dataclasses.replace(design, weight=jnp.asarray(drawn[:, None]))
        optimum = estimate.fit(again, fit.family, tolerance=_ENOUGH, at=fit.optimum.at)
        if optimum.converged:
            found[replicate] = fit.built.natural(np.asarray(optimum.at.coefficients))
        report(replicate + 1, np.nan)
    return found


def covariance(replicates: Float[np.ndarray, "replicate parameter"]) -> Float[np.ndarray, "parameter parameter"]:
    """Covariance of the coefficients over converged replicates; NaN if there are fewer than two."""
    kept = replicates[np.all(np.isfinite(replicates), axis=1)]
    if len(kept) < 2:
        return np.full((replicates.shape[1],) * 2, np.nan)
    return np.atleast_2d(np.cov(kept, rowvar=False))
