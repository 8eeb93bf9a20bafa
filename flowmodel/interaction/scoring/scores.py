"""Scores of fitted flows against observed ones, as defined in the literature. NumPy on the host."""

import numpy as np
from scipy.special import kl_div, rel_entr

from flowmodel.interaction.scoring.blocks import blocks, check, common_part_of_sums
from flowmodel.interaction.scoring.by_distance import BIN_KM, distance_histogram, mean_distance, median_distance

_LINK = 0.5
"""Least fitted flow, persons, of a pair that counts as a fitted link; fitted flows are hardly ever exactly zero."""


def deviance(observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray) -> float:
    """Poisson deviance 2 Σ [y ln(y / μ) − (y − μ)], with 0 ln 0 = 0; infinite where μ = 0 < y.

    The Python package spint omits the term Σ (y − μ), which is zero in every fit that reproduces the observed total.
    Arguments and errors as in `scores`.
    """
    check(allowed, observed=observed, fitted=fitted)
    return 2 * sum(float(kl_div(y, mu).sum()) for y, mu in blocks(allowed, observed, fitted))


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
    found = _of_sums({name: sum(part[name] for part in parts) for name in parts[0]}, pairs)
    return found if distance_km is None else found | _of_distance(observed, fitted, allowed, distance_km, bin_km)


def _sums(y: np.ndarray, mu: np.ndarray, mean: float) -> dict[str, float]:
    """Sums over some pairs from which all scores without distance are computed."""
    least, observed, fitted = np.minimum(y, mu), y > 0, mu >= _LINK
    with np.errstate(invalid="ignore"):  # 0 / 0 where both flows are zero
        similarity = np.sum(2 * least / (y + mu))
    sums = {
        "observed": y.sum(),
        "fitted": mu.sum(),
        "common": least.sum(),
        "squared_error": np.sum((y - mu) ** 2),
        "squared_deviation": np.sum((y - mean) ** 2),
        "similarity": similarity,
        "entropy": rel_entr(y, mu).sum(),
        "links_observed": np.count_nonzero(observed),
        "links_fitted": np.count_nonzero(fitted),
        "links_common": np.count_nonzero(observed & fitted),
    }
    return {name: float(value) for name, value in sums.items()}


def _of_sums(sums: dict[str, float], pairs: int) -> dict[str, float]:
    movers, fitted, divergence = sums["observed"], sums["fitted"], float("nan")
    rmse = float(np.sqrt(sums["squared_error"] / pairs))
    if movers > 0 and fitted > 0:  # without negative rounding errors
        divergence = max(0.0, sums["entropy"] / movers + float(np.log(fitted / movers)))
    return {
        "cpc": common_part_of_sums(sums["common"], movers, fitted),
        "cpl": common_part_of_sums(sums["links_common"], sums["links_observed"], sums["links_fitted"]),
        "ssi": sums["similarity"] / pairs,
        "srmse": _ratio(rmse, movers / pairs),
        "nrmse_mean": _ratio(rmse, movers / pairs),
        "nrmse_sum": _ratio(rmse, movers),
        "kl": divergence,
        "r2": 1 - _ratio(sums["squared_error"], sums["squared_deviation"]),
        "movers": movers,
        "pairs": float(pairs),
    }


def _of_distance(
    observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray, bin_km: float
) -> dict[str, float]:
    bins = distance_histogram(observed, fitted, allowed, distance_km, bin_km=bin_km)
    found, tables = {"cpc_d": bins.common_part()}, (("_observed", observed, bins.observed), ("", fitted, bins.fitted))
    for name, flow, _ in tables:
        found[f"mean_distance{name}"] = mean_distance(flow, allowed, distance_km)
    for name, flow, by_bin in tables:
        found[f"median_distance{name}"] = median_distance(flow, allowed, distance_km, by_bin, bin_km=bin_km)
    return found


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")
