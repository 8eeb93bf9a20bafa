"""Jackknife over provinces: uncertainty from refits without each province.

Standard errors from the Hessian treat zones as independent. Zones of one province are not, which makes such intervals
too narrow; leaving out whole provinces does not need the assumption.
"""

import numpy as np


def covariance(naturals: np.ndarray) -> np.ndarray:
    """Jackknife covariance of estimates [free, free] from the estimates of n folds [fold, free]."""
    count = len(naturals)
    spread = naturals - naturals.mean(axis=0)
    return np.asarray((count - 1) / count * spread.T @ spread)
