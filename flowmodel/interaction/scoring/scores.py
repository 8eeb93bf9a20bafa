"""Scores of fitted flows against observed ones, as defined in the literature. NumPy on the host."""

from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr

from flowmodel.interaction.scoring.blocks import blocks, check
from flowmodel.interaction.scoring.by_distance import BIN_KM, distance_histogram, mean_distance, median_distance
from flowmodel.interaction.scoring.common_part import of_sums

_LINK = 0.5
"""Least fitted flow, persons, of a pair that counts as a fitted link; fitted flows are hardly ever exactly zero."""


class _Sums(NamedTuple):
    """Sums over pairs from which all scores without distance are computed."""

    observed: float
    fitted: float
    common: float
    squared_error: float
    squared_deviation: float
    similarity: float
    entropy: float
    links_observed: float
    links_fitted: float
    links_common: float


def scores(
    observed: np.ndarray,
    fitted: np.ndarray,
    allowed: np.ndarray,
    distance_km: np.ndarray | None,
    *,
    bin_km: float = BIN_KM,
) -> dict[str, float]:
    """Scores of fitted flows T̂ against observed flows T, over the allowed pairs.

    Two scores are known as Sørensen's index: `cpc` compares totals, `ssi` is a mean over pairs. They differ.

    Args:
        observed: persons [origin, destination].
        fitted: persons [origin, destination].
        allowed: which pairs count, bool [origin, destination]; other values of the tables are not used.
        distance_km: km [origin, destination], or None for no scores of distance.
        bin_km: width of the bins of `cpc_d`, km.

    Returns:
        `cpc`, common part of commuters, 2 Σ min(T, T̂) / (Σ T + Σ T̂); `cpl`, the same of links, with T > 0 an observed
        link and T̂ >= 0.5 a fitted one (both: Lenormand et al. 2016, see `DistanceHistogram.common_part`); `ssi`, mean
        of 2 min(T, T̂) / (T + T̂), which as in spint is NaN if any pair has T = T̂ = 0; `srmse` and `nrmse_mean`, two
        names of RMSE / mean T; `nrmse_sum`, RMSE / Σ T, as in scikit-mobility; `kl`, Kullback–Leibler divergence of the
        fitted shares from the observed, Σ p ln(p / p̂), nats, infinite where T̂ = 0 < T; `r2`, 1 − Σ (T − T̂)² /
        Σ (T − mean T)²; `movers`, Σ T; `pairs`. With distances also `cpc_d`, common part of the distance distribution
        (see there); `mean_distance_observed`, `mean_distance`, `median_distance_observed` and `median_distance` of the
        observed and the fitted movers, km. A ratio to zero is NaN.

    Raises:
        FlowsError: as `blocks.check` and `distance_histogram`.
    """
    check(allowed, observed=observed, fitted=fitted)
    pairs = int(np.count_nonzero(allowed))
    mean = sum(float(y.sum()) for (y,) in blocks(allowed, observed)) / pairs
    parts = [_sums(y, mu, mean) for y, mu in blocks(allowed, observed, fitted)]
    found = _of_pairs(_Sums(*np.sum(parts, axis=0).tolist()), pairs)
    return found if distance_km is None else found | _of_distance(observed, fitted, allowed, distance_km, bin_km)


def _sums(y: np.ndarray, mu: np.ndarray, mean: float) -> _Sums:
    least, both = np.minimum(y, mu), y + mu
    observed, fitted = y > 0, mu >= _LINK
    with np.errstate(invalid="ignore"):  # 0 / 0 where both flows are zero
        similarity = np.sum(2 * least / both)
    return _Sums(
        observed=y.sum(),
        fitted=mu.sum(),
        common=least.sum(),
        squared_error=np.sum((y - mu) ** 2),
        squared_deviation=np.sum((y - mean) ** 2),
        similarity=similarity,
        entropy=rel_entr(y, mu).sum(),
        links_observed=float(np.count_nonzero(observed)),
        links_fitted=float(np.count_nonzero(fitted)),
        links_common=float(np.count_nonzero(observed & fitted)),
    )


def _of_pairs(sums: _Sums, pairs: int) -> dict[str, float]:
    rmse = float(np.sqrt(sums.squared_error / pairs))
    return {
        "cpc": of_sums(sums.common, sums.observed, sums.fitted),
        "cpl": of_sums(sums.links_common, sums.links_observed, sums.links_fitted),
        "ssi": sums.similarity / pairs,
        "srmse": _ratio(rmse, sums.observed / pairs),
        "nrmse_mean": _ratio(rmse, sums.observed / pairs),
        "nrmse_sum": _ratio(rmse, sums.observed),
        "kl": _divergence(sums),
        "r2": 1 - _ratio(sums.squared_error, sums.squared_deviation),
        "movers": sums.observed,
        "pairs": float(pairs),
    }


def _divergence(sums: _Sums) -> float:
    """Σ p ln(p / p̂) from Σ T ln(T / T̂), without negative rounding errors."""
    if sums.observed == 0 or sums.fitted == 0:
        return float("nan")
    return max(0.0, sums.entropy / sums.observed + float(np.log(sums.fitted / sums.observed)))


def _of_distance(
    observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray, bin_km: float
) -> dict[str, float]:
    bins = distance_histogram(observed, fitted, allowed, distance_km, bin_km=bin_km)
    return {
        "cpc_d": bins.common_part(),
        "mean_distance_observed": mean_distance(observed, allowed, distance_km),
        "mean_distance": mean_distance(fitted, allowed, distance_km),
        "median_distance_observed": median_distance(observed, allowed, distance_km, bins.observed, bin_km=bin_km),
        "median_distance": median_distance(fitted, allowed, distance_km, bins.fitted, bin_km=bin_km),
    }


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")
