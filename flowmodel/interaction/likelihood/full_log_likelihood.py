"""Log likelihoods with all constants: of a fit, and of the saturated model with one parameter per pair."""

import numpy as np
from scipy.special import gammaln

from flowmodel.interaction.likelihood.family import Family
from flowmodel.interaction.model.design import Design


def of_fit(design: Design, family: Family, without_constants: float) -> float:
    """The log likelihood of a fit from that of a search, which omits constants."""
    return without_constants + constants(design, family)


def _positive(design: Design) -> np.ndarray:
    """Positive flows; others have no constant."""
    return np.asarray(np.asarray(design.flow)[np.asarray(design.allowed & (design.flow > 0))])


def constants(design: Design, family: Family) -> float:
    """Terms of the log likelihood that do not depend on means."""
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
