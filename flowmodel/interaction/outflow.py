"""A cap on what may leave an origin."""

from __future__ import annotations

import numpy as np

from flowmodel.errors import FlowsError


def cap_outflow(rates: np.ndarray, most: float) -> np.ndarray:
    """Rates of moving whose sum over destinations is at most `most`: rows above it are scaled down, no other changes.

    Args:
        rates: shares of an origin's people that move, a year or a step [origin, destination].
        most: the largest share that may leave an origin.

    Raises:
        FlowsError: E-FLOWS-VALUE for a rate or a cap that is negative or not finite.
    """
    if not (0 <= most < np.inf and np.all((rates >= 0) & (rates < np.inf))):
        what = f"rates of moving, or their cap {most}, are negative or not finite"
        raise FlowsError("E-FLOWS-VALUE", what, "give rates and a cap from zero up")
    leaving = rates.sum(axis=1)
    above = leaving > most
    scale = np.where(above, most / np.where(above, leaving, 1.0), 1.0)
    return np.asarray(rates * scale[:, None])
