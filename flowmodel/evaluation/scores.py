"""Scores of predictions by stratum, with intervals from provinces drawn with replacement. NumPy on the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from flowmodel.estimation import metrics
from flowmodel.interaction.scoring.common_part import common_part

COLUMNS = ("protocol", "stratum", "model", "metric", "value", "lower", "upper", "zones")
Scorer = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
"""scorer(start, observed, predicted), each over the same units."""


@dataclasses.dataclass(frozen=True)
class Resampling:
    """Blocks (a number for each unit), how often they are drawn, with which seed, and the share of an interval."""

    block: np.ndarray
    draws: int
    seed: int
    level: float


def scored(
    protocol: str,
    start: np.ndarray,
    observed: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    strata: Mapping[str, np.ndarray],
    how: Resampling,
    versus: Sequence[tuple[str, str]] = (),
    scorer: Scorer = metrics.growth,
) -> pd.DataFrame:
    """One row a stratum, model and metric; and of every pair in `versus` the difference, as model "A minus B".

    All models of a stratum are scored on the same units, those where every one of them says something.

    Args:
        protocol: what the rows are called.
        start: what is known [unit].
        observed: what was counted [unit].
        predictions: by model [unit].
        strata: masks by name [unit].
        how: blocks and draws of the intervals.
        versus: pairs of models.
        scorer: the metrics.
    """
    known = np.all([np.isfinite(values) for values in predictions.values()], axis=0)
    rows = []
    for stratum, mask in strata.items():
        at = np.flatnonzero(mask & known)
        if len(at) < 3:
            continue
        values = _all(at, start, observed, predictions, versus, scorer)
        drawn = [_all(units, start, observed, predictions, versus, scorer) for units in _draws(at, how) if len(units)]
        for (model, metric), value in values.items():
            lower, upper = _interval([one[model, metric] for one in drawn], how.level)
            rows.append((protocol, stratum, model, metric, value, lower, upper, len(at)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _all(
    at: np.ndarray,
    start: np.ndarray,
    observed: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    versus: Sequence[tuple[str, str]],
    scorer: Scorer,
) -> dict[tuple[str, str], float]:
    scores = {name: scorer(start[at], observed[at], values[at]) for name, values in predictions.items()}
    found = {(name, metric): value for name, of in scores.items() for metric, value in of.items()}
    for one, other in versus:
        for metric, value in scores[one].items():
            found[f"{one} minus {other}", metric] = value - scores[other][metric]
    return found


def _draws(at: np.ndarray, how: Resampling) -> list[np.ndarray]:
    """Units of as many blocks as there are, drawn with replacement, for every draw.

    Blocks are those of all units, not of the stratum: a stratum's share of the draw varies as it would.
    """
    rng = np.random.default_rng(how.seed)
    labels = np.unique(how.block)
    members = [at[how.block[at] == label] for label in labels]
    picks = rng.integers(len(labels), size=(how.draws, len(labels)))
    return [np.concatenate([members[k] for k in pick]) for pick in picks]


def _interval(values: list[float], level: float) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return float("nan"), float("nan")
    lower, upper = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def counts(start: np.ndarray, observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of counts that may be zero: bands, and stocks between provinces; `start` is not used.

    Returns:
        `log_r2` and `log_rmse` of ln(1 + count); `medape` per cent where somebody was counted; `cpc`, the common part
        2 Σ min / (Σ + Σ); `srmse`, the root mean square error over the mean count.
    """
    del start
    log_seen, log_predicted = np.log1p(observed), np.log1p(predicted)
    spread = np.sum((log_seen - log_seen.mean()) ** 2)
    some = observed > 0
    apart = np.abs(predicted[some] / observed[some] - 1)
    return {
        "log_r2": float(1 - np.sum((log_seen - log_predicted) ** 2) / spread) if spread > 0 else float("nan"),
        "log_rmse": float(np.sqrt(np.mean((log_seen - log_predicted) ** 2))),
        "medape": float(100 * np.median(apart)) if some.any() else float("nan"),
        "cpc": common_part(observed, predicted),
        "srmse": float(np.sqrt(np.mean((observed - predicted) ** 2)) / observed.mean()),
    }
