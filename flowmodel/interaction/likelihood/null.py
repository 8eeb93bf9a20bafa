"""The null model: one mean for every pair, with the family and the dispersion of the fit that it is compared with."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from flowmodel.interaction.likelihood import full_log_likelihood
from flowmodel.interaction.likelihood.family import Evidence, Family, evidence
from flowmodel.interaction.model.design import Design

_FAR = 60.0
"""ln of how far the mean may lie from the mean of the flows that are known."""


def log_likelihood(design: Design, family: Family) -> float:
    """The largest log likelihood of one mean, with every constant.

    Pairs count by what is known of them: each flow above zero, how many are zero, how many are not listed.
    """
    taking, listed = np.asarray(design.allowed), np.asarray(design.listed)
    flow = np.asarray(design.flow)
    positive = flow[taking & (flow > 0)]
    zeros, unlisted = np.sum(taking & listed & (flow == 0)), np.sum(taking & ~listed)
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
    # A truncated law has no mean below its threshold: its maximum may lie where the score is still negative.
    eta = centre if score(centre - _FAR) <= 0 else float(brentq(score, centre - _FAR, centre + _FAR, xtol=1e-12))
    return float(counts @ np.asarray(at(eta).log_likelihood)) + full_log_likelihood.constants(design, family)
