"""Uncertainty from leaving out whole provinces, each refitted.

Standard errors of a Hessian take zones for independent. Zones of a province are not, and their intervals are too
narrow; leaving out provinces makes no such assumption.
"""

from __future__ import annotations

import numpy as np


def covariance(naturals: np.ndarray) -> np.ndarray:
    """The jackknife's covariance of estimates [free, free] from those of n folds [fold, free]."""
    count = len(naturals)
    spread = naturals - naturals.mean(axis=0)
    return np.asarray((count - 1) / count * spread.T @ spread)
