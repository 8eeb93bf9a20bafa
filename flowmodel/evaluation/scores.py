"""Scores of predictions by stratum, with intervals from a block bootstrap over provinces. NumPy on the host."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from flowmodel.estimation import metrics
from flowmodel.interaction.scoring.blocks import common_part

COLUMNS = ("protocol", "stratum", "model", "metric", "value", "lower", "upper", "zones")
Scorer = Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
"""scorer(start, observed, predicted), each over the same units."""


@dataclasses.dataclass(frozen=True)
class Resampling:
    """Settings of a block bootstrap: the block of each unit [unit], draws, seed, and the level of the intervals."""

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
    """Scores by stratum, model and metric, and differences between models, named "A minus B".

    Within a stratum all models are scored on the same units: those for which every model has a prediction.

    Args:
        protocol: name of the test in the table.
        start: numbers at the start [unit].
        observed: numbers counted at the end [unit].
        predictions: by model [unit].
        strata: masks by name [unit].
        how: the bootstrap of the intervals.
        versus: pairs of models whose scores are compared.
        scorer: computes the metrics.

    Returns:
        One row for each stratum, model and metric, with the columns `COLUMNS`.
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
    """For every draw, the units of as many blocks as there are, drawn with replacement.

    Blocks of all units are drawn, not those of the stratum only, so the size of the stratum varies between draws.
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
    """Scores of counts that may be zero, such as bands or migrants between provinces; `start` is not used.

    Returns:
        `metrics.of_logarithms`; `cpc`, see `common_part`; `srmse`, root mean square error divided by the mean count.
    """
    del start
    return metrics.of_logarithms(observed, predicted) | {
        "cpc": common_part(observed, predicted),
        "srmse": float(np.sqrt(np.mean((observed - predicted) ** 2)) / observed.mean()),
    }
