"""What the Poisson likelihood says of a fit: deviance, log-likelihood, pseudo R², AIC. NumPy on the host."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, kl_div, xlogy

from flowmodel.interaction.scoring.blocks import blocks, check


def deviance(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray | None = None) -> float:
    """Poisson deviance 2 Σ [y ln(y / μ) − (y − μ)], with 0 ln 0 = 0; infinite where μ = 0 < y.

    spint leaves Σ (y − μ) out; it is zero in every fit that meets the observed total.

    Args:
        observed: y, persons [origin, destination].
        fitted: μ, persons [origin, destination].
        allowed: which pairs count, bool [origin, destination]; None is all of them.

    Raises:
        FlowsError: as `blocks.check`.
    """
    allowed = _checked(observed, fitted, allowed)
    return 2 * sum(float(kl_div(y, mu).sum()) for y, mu in blocks(allowed, observed, fitted))


def poisson_log_likelihood(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray | None = None) -> float:
    """Σ [y ln μ − μ − ln y!], with 0 ln 0 = 0 and ln Γ(y + 1) for ln y!; −∞ where μ = 0 < y. Arguments: `deviance`."""
    allowed = _checked(observed, fitted, allowed)
    return sum(float(np.sum(xlogy(y, mu) - mu - gammaln(y + 1))) for y, mu in blocks(allowed, observed, fitted))


def aic(log_likelihood: float, parameters: int) -> float:
    """Akaike's information criterion, 2 k − 2 ln L; k counts every estimated parameter, constant and effects too."""
    return 2 * parameters - 2 * log_likelihood


def pseudo_r2(
    observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray | None = None, *, parameters: int
) -> dict[str, float]:
    """Shares of a null model's misfit that a fit explains; the null model gives every allowed pair the mean flow.

    Args:
        observed: y, persons [origin, destination].
        fitted: μ, persons [origin, destination].
        allowed: which pairs count, bool [origin, destination]; None is all of them.
        parameters: k, the number of parameters estimated, constant and effects too.

    Returns:
        By the names and definitions of spint, with n pairs: `D2`, 1 − D / D₀ of deviances; `adj_D2`,
        1 − (n − 1) / (n − k) (1 − D2), NaN unless k < n; `pseudoR2`, McFadden's 1 − ln L / ln L₀; `adj_pseudoR2`,
        1 − (ln L − k) / ln L₀. NaN where the null model explains all there is.

    Raises:
        FlowsError: as `blocks.check`.
    """
    allowed = _checked(observed, fitted, allowed)
    pairs = int(np.count_nonzero(allowed))
    mean = sum(float(y.sum()) for (y,) in blocks(allowed, observed)) / pairs
    null = np.broadcast_to(mean, observed.shape)
    unexplained = _share(deviance(observed, fitted, allowed), deviance(observed, null, allowed))
    fit, base = (poisson_log_likelihood(observed, mu, allowed) for mu in (fitted, null))
    return {
        "D2": 1 - unexplained,
        "adj_D2": 1 - _share(pairs - 1, pairs - parameters) * unexplained,
        "pseudoR2": 1 - _share(-fit, -base),
        "adj_pseudoR2": 1 - _share(parameters - fit, -base),
    }


def _checked(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray | None) -> np.ndarray:
    """The allowed pairs, after a look at the tables."""
    allowed = np.ones(observed.shape, bool) if allowed is None else allowed
    check(allowed, observed=observed, fitted=fitted)
    return allowed


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
