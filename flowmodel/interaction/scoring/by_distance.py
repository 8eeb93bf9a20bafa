"""Distances of flows: histogram, mean and median. NumPy on the host."""

import dataclasses

import numpy as np

from flowmodel.config.flows import FlowFit
from flowmodel.errors import FlowsError
from flowmodel.interaction.scoring.blocks import blocks, check, common_part

BIN_KM = FlowFit().distance_bin_km
_MOST_BINS = 1_000_000


@dataclasses.dataclass(frozen=True)
class DistanceHistogram:
    """Flows by distance: bin k holds the pairs with k · bin_km <= distance < (k + 1) · bin_km.

    `pairs` counts allowed pairs, `observed` and `fitted` sum their flows, persons; all [bin].
    """

    bin_km: float
    pairs: np.ndarray
    observed: np.ndarray
    fitted: np.ndarray

    def common_part(self) -> float:
        """The common part of the two distributions over bins (see `common_part`); NaN if both are empty.

        With equal totals it is CPC_d of Lenormand, Bassolas and Ramasco (2016, Journal of Transport Geography 51,
        158–169), who use bins of 2 km.
        """
        return common_part(self.observed, self.fitted)


def distance_histogram(
    observed: np.ndarray, fitted: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray, *, bin_km: float = BIN_KM
) -> DistanceHistogram:
    """Observed and fitted flows, persons, of the allowed pairs by bins of distance; all tables [origin, destination].

    Raises:
        FlowsError: as `blocks.check`; E-FLOWS-BINS if the width is not positive, or for more than a million bins.
    """
    check(allowed, observed=observed, fitted=fitted, distance=distance_km)
    bins = _bins(max(d.max(initial=0.0) for (d,) in blocks(allowed, distance_km)), bin_km)
    pairs, observed_bins, fitted_bins = np.zeros(bins, np.int64), np.zeros(bins), np.zeros(bins)
    for y, mu, d in blocks(allowed, observed, fitted, distance_km):
        place = _place(d, bin_km)
        pairs += np.bincount(place, minlength=bins)
        observed_bins += np.bincount(place, y, minlength=bins)
        fitted_bins += np.bincount(place, mu, minlength=bins)
    return DistanceHistogram(bin_km, pairs, observed_bins, fitted_bins)


def mean_distance(flow: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray) -> float:
    """Mean distance of people who move, km; NaN if nobody moves. Arguments as in `distance_histogram`."""
    sums = np.sum([(w.sum(), (w * d).sum()) for w, d in blocks(allowed, flow, distance_km)], axis=0)
    return float(sums[1] / sums[0]) if sums[0] > 0 else float("nan")


def median_distance(
    flow: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray, by_bin: np.ndarray, *, bin_km: float
) -> float:
    """Median distance of people who move, km; NaN if nobody moves. Arguments as in `distance_histogram`.

    `by_bin` are the same flows in a `DistanceHistogram`, persons [bin], so that only pairs of one bin must be sorted.
    """
    reached, half = np.cumsum(by_bin), by_bin.sum() / 2
    if half == 0:
        return float("nan")
    middle = int(np.searchsorted(reached, half))
    d, w = _pairs_of_bin(flow, allowed, distance_km, middle, bin_km)
    passed = np.cumsum(w) + (reached[middle] - by_bin[middle])
    # Because of rounding the last sum may be slightly below one half.
    return float(d[min(int(np.searchsorted(passed, half)), len(d) - 1)])


def _pairs_of_bin(
    flow: np.ndarray, allowed: np.ndarray, distance_km: np.ndarray, bin_: int, bin_km: float
) -> tuple[np.ndarray, np.ndarray]:
    """Distance and flow of the pairs of one bin with a positive flow, in order of distance."""
    parts = []
    for w, d in blocks(allowed, flow, distance_km):
        inside = (_place(d, bin_km) == bin_) & (w > 0)
        parts.append((d[inside], w[inside]))
    distance, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(distance, kind="stable")
    return distance[order], weight[order]


def _place(distance_km: np.ndarray, bin_km: float) -> np.ndarray:
    return (distance_km / bin_km).astype(np.int64)


def _bins(longest_km: float, bin_km: float) -> int:
    if not 0 < bin_km < np.inf:
        raise FlowsError("E-FLOWS-BINS", f"bins are {bin_km} km wide", "give a positive width")
    if longest_km / bin_km >= _MOST_BINS:
        what = f"distances of up to {longest_km:g} km in bins of {bin_km:g} km are more than {_MOST_BINS:,} bins"
        raise FlowsError("E-FLOWS-BINS", what, "give distances in kilometres, or wider bins")
    return int(longest_km / bin_km) + 1
