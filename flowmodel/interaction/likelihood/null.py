"""The null model: the same mean for every pair, with the family and dispersion of the fit to compare with."""

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from flowmodel.interaction.likelihood import full_log_likelihood
from flowmodel.interaction.likelihood.family import Evidence, Family, evidence
from flowmodel.interaction.model.design import Design

_FAR = 60.0
"""Largest difference of ln mean to that of the known flows."""


def log_likelihood(design: Design, family: Family) -> float:
    """The maximum log likelihood of the null model, with all constants."""
    in_fit, listed = np.asarray(design.allowed), np.asarray(design.listed)
    flow = np.asarray(design.flow)
    positive = flow[in_fit & (flow > 0)]
    zeros, unlisted = np.sum(in_fit & listed & (flow == 0)), np.sum(in_fit & ~listed)
    if family.below is None:
        zeros, unlisted = zeros + unlisted, 0
    flows = np.concatenate([positive, [0.0, 0.0]])
    known = jnp.asarray(np.concatenate([np.ones(len(positive) + 1, dtype=bool), [False]]))
    counts = np.concatenate([np.ones(len(positive)), [zeros, unlisted]])

    def at(eta: float) -> Evidence:
        return evidence(family, jnp.full(len(flows), eta), jnp.asarray(flows), known)

    def score(eta: float) -> float:
        return float(counts @ np.asarray(at(eta).score))

    centre = float(np.log(positive.sum() / counts.sum()))
    # If all flows of a truncated table are at the threshold, the likelihood increases as the mean tends to zero.
    eta = centre if score(centre - _FAR) <= 0 else float(brentq(score, centre - _FAR, centre + _FAR, xtol=1e-12))
    return float(counts @ np.asarray(at(eta).log_likelihood)) + full_log_likelihood.constants(design, family)
