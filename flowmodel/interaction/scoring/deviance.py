"""Poisson deviance of a table of flows. NumPy on the host."""

import numpy as np
from scipy.special import kl_div

from flowmodel.interaction.scoring.blocks import blocks, check


def deviance(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray) -> float:
    """Poisson deviance 2 Σ [y ln(y / μ) − (y − μ)], with 0 ln 0 = 0; infinite where μ = 0 < y.

    The Python package spint omits the term Σ (y − μ), which is zero in every fit that reproduces the observed total.

    Args:
        observed: y, persons [origin, destination].
        fitted: μ, persons [origin, destination].
        allowed: which pairs count, bool [origin, destination].

    Raises:
        FlowsError: as `blocks.check`.
    """
    check(allowed, observed=observed, fitted=fitted)
    return 2 * sum(float(kl_div(y, mu).sum()) for y, mu in blocks(allowed, observed, fitted))
