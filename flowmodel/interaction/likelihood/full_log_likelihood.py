"""Whole log likelihoods, with every constant: of a fit, and of a model that has a parameter for every pair."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from flowmodel.interaction.likelihood.family import Family
from flowmodel.interaction.model.design import Design


def of_fit(design: Design, family: Family, without_constants: float) -> float:
    """The log likelihood of a fit, natural units, from what a search has found of it."""
    return without_constants + constants(design, family)


def _positive(design: Design) -> np.ndarray:
    """Flows above zero: the others have no constant."""
    return np.asarray(np.asarray(design.flow)[np.asarray(design.allowed & (design.flow > 0))])


def constants(design: Design, family: Family) -> float:
    """What of the log likelihood does not depend on means."""
    flow = _positive(design)
    found = -np.sum(gammaln(flow + 1))
    if family.binomial:
        alpha = float(family.dispersion)
        found += np.sum(gammaln(flow + 1 / alpha) - gammaln(1 / alpha) + flow * np.log(alpha))
    return float(found)


def saturated(design: Design, family: Family) -> float:
    """The log likelihood of a perfect fit: every mean is the flow itself; an unlisted pair's is zero.

    Of a truncated table the perfect fit of a pair at the threshold has mean zero; its deviance is taken from the
    untruncated law, so that deviances of one table compare.
    """
    flow = _positive(design)
    if not family.binomial:
        return float(np.sum(flow * np.log(flow) - flow - gammaln(flow + 1)))
    alpha = float(family.dispersion)
    core = flow * np.log(flow) - (flow + 1 / alpha) * np.log1p(alpha * flow)
    return float(np.sum(core)) + constants(design, family)
