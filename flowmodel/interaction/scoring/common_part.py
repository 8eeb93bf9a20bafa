"""The common part of commuters: the share of people common to two tables of flows."""

import numpy as np


def common_part(one: np.ndarray, other: np.ndarray) -> float:
    """2 Σ min(T, T̂) / (Σ T + Σ T̂) (Lenormand et al. 2016, Journal of Transport Geography 51, 158–169).

    Args:
        one: flows or counts of the first table, persons.
        other: flows or counts of the second table in the same order, persons.

    Returns:
        From 0, nothing in common, to 1, equal; NaN if both are empty.
    """
    return of_sums(np.minimum(one, other).sum(), one.sum(), other.sum())


def of_sums(common: float, one: float, other: float) -> float:
    """The same from the sum of minima and the sums of both tables."""
    return float(2 * common / (one + other)) if one + other > 0 else float("nan")
