"""Overdispersion of flows relative to Poisson counts: regression-based tests, and Pearson's estimate. NumPy."""

import dataclasses
from collections.abc import Iterator
from typing import Literal

import numpy as np
from scipy.stats import norm

from flowmodel.errors import FlowsError
from flowmodel.interaction.scoring.blocks import blocks, check

Variance = Literal["nb1", "nb2"]


@dataclasses.dataclass(frozen=True)
class Overdispersion:
    """An estimate of α with its t statistic and the one-sided p value of α = 0 against α > 0 (standard normal)."""

    alpha: float
    t: float
    p: float


def overdispersion(
    observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, *, variance: Variance
) -> Overdispersion:
    """Cameron and Trivedi's test of a Poisson fit (1990, Journal of Econometrics 46, 347–364).

    z = ((y − μ)² − y) / μ is regressed, without a constant, on 1 ("nb1": the variance is (1 + α) μ) or on μ ("nb2": it
    is μ + α μ²), by ordinary least squares. spint (`alpha_disp`) and AER (`dispersiontest`) give the same numbers;
    their dispersion φ is 1 + α of "nb1".

    Args:
        observed: y, persons [origin, destination].
        fitted: μ, persons [origin, destination]; pairs with μ = y = 0 are left out.
        allowed: which pairs count, bool [origin, destination].
        variance: the alternative.

    Raises:
        FlowsError: as `blocks.check`; E-FLOWS-IMPOSSIBLE if a positive flow has the fitted flow zero;
            E-FLOWS-TOO-FEW for fewer than two pairs.
    """
    used, pairs = _used(observed, fitted, allowed, parameters=1)

    def regression() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for y, mu in blocks(used, observed, fitted):
            yield ((y - mu) ** 2 - y) / mu, mu if variance == "nb2" else np.ones_like(mu)

    sums = np.sum([((x * z).sum(), (x * x).sum()) for z, x in regression()], axis=0)
    alpha = float(sums[0] / sums[1])
    left = sum(float(np.sum((z - alpha * x) ** 2)) for z, x in regression())
    se = np.sqrt(left / (pairs - 1) / sums[1])
    t = alpha / float(se) if se > 0 else float("nan")
    return Overdispersion(alpha, t, float(norm.sf(t)))


def pearson_dispersion(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, *, parameters: int) -> float:
    """φ = Σ (y − μ)² / μ / (n − k), the factor of covariances in a quasi-Poisson fit; about 1 for Poisson counts.

    Arguments as in `overdispersion`, and k, the number of estimated `parameters` including constant and effects.

    Raises:
        FlowsError: as `overdispersion`; E-FLOWS-TOO-FEW unless n > k.
    """
    used, pairs = _used(observed, fitted, allowed, parameters)
    return sum(float(np.sum((y - mu) ** 2 / mu)) for y, mu in blocks(used, observed, fitted)) / (pairs - parameters)


def _used(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, parameters: int) -> tuple[np.ndarray, int]:
    """Pairs with a fitted flow, bool [origin, destination], and their number, which must exceed that of parameters."""
    check(allowed, observed=observed, fitted=fitted)
    impossible = int(np.count_nonzero(allowed & (fitted == 0) & (observed > 0)))
    if impossible:
        what = f"{impossible} pairs have a positive observed flow but a fitted flow of zero"
        raise FlowsError("E-FLOWS-IMPOSSIBLE", what, "leave these pairs out, or fit another model")
    used = np.asarray(allowed & (fitted > 0))
    pairs = int(np.count_nonzero(used))
    if pairs <= parameters:
        what = f"{pairs} pairs with a fitted flow are too few for {parameters} parameters"
        raise FlowsError("E-FLOWS-TOO-FEW", what, "give more pairs, or fit fewer parameters")
    return used, pairs
