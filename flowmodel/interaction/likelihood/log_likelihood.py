"""Log likelihoods with all constants: of the saturated model, with one parameter per pair, and of the null model."""

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from flowmodel.interaction.likelihood.family import Evidence, Family, evidence
from flowmodel.interaction.model.design import Design

_FAR = 60.0
"""Largest difference of the null model's ln mean to that of the known flows."""


def _positive(design: Design) -> np.ndarray:
    """Positive flows; others have no constant."""
    return np.asarray(np.asarray(design.flow)[np.asarray(design.allowed & (design.flow > 0))])


def constants(design: Design, family: Family) -> float:
    """Terms of the log likelihood that do not depend on means; `Sums.log_likelihood` omits them."""
    flow = _positive(design)
    found = -np.sum(gammaln(flow + 1))
    if family.binomial:
        alpha = float(family.dispersion)
        found += np.sum(gammaln(flow + 1 / alpha) - gammaln(1 / alpha) + flow * np.log(alpha))
    return float(found)


def saturated(design: Design, family: Family) -> float:
    """The log likelihood of the saturated model: every mean equals the flow, and zero for unlisted pairs.

    For a truncated table the likelihood without truncation is used, since a pair at the threshold would have mean zero;
    deviances of one table are therefore comparable.
    """
    flow = _positive(design)
    if not family.binomial:
        return float(np.sum(flow * np.log(flow) - flow - gammaln(flow + 1)))
    alpha = float(family.dispersion)
    core = flow * np.log(flow) - (flow + 1 / alpha) * np.log1p(alpha * flow)
    return float(np.sum(core)) + constants(design, family)


def null(design: Design, family: Family) -> float:
    """The maximum log likelihood of the null model: the same mean for every pair, with the family and α of the fit."""
    in_fit, listed, positive = np.asarray(design.allowed), np.asarray(design.listed), _positive(design)
    zeros, unlisted = np.sum(in_fit & listed & (np.asarray(design.flow) == 0)), np.sum(in_fit & ~listed)
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
    return float(counts @ np.asarray(at(eta).log_likelihood)) + constants(design, family)
