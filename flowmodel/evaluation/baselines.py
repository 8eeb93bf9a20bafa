"""What a model must beat out of sample: predictions of held-out zones, from what was known without them. NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from flowmodel.evaluation.folds import Fold


def spatial(
    start: np.ndarray,
    end: np.ndarray,
    earlier: np.ndarray,
    natural_end: np.ndarray,
    designs: Mapping[str, np.ndarray],
    folds: Sequence[Fold],
) -> dict[str, np.ndarray]:
    """Residents at the end, persons [zone], by baseline; each zone by a fold that has not seen its end.

    Args:
        start: residents at the start, persons [zone].
        end: residents counted at the end, persons [zone].
        earlier: residents a census before the start, NaN where nobody was counted [zone].
        natural_end: residents if nobody moved, persons [zone].
        designs: what ordinary least squares may know of a zone besides residents, by name [zone, column].
        folds: what is held out together.

    Returns:
        no_change; uniform_national, the growth of the training zones; natural_increase; past_trend and half_trend,
        the interval before repeated, whole and by half; one of least squares for each design.
    """
    inhabited = (start > 0) & (end > 0)
    found = forward(start, earlier, natural_end)
    found["uniform_national"] = np.full(len(start), np.nan)
    found |= {name: np.full(len(start), np.nan) for name in designs}
    growth = np.log(np.where(inhabited, end, 1.0) / np.where(inhabited, start, 1.0))
    for fold in folds:
        seen, held = ~fold.held, fold.held
        found["uniform_national"][held] = start[held] * (end[seen].sum() / start[seen].sum())
        for name, known in designs.items():
            columns = design(start, known)
            found[name][held] = start[held] * np.exp(least_squares(columns, growth, seen & inhabited)[held])
    return found


def forward(start: np.ndarray, earlier: np.ndarray, natural_end: np.ndarray) -> dict[str, np.ndarray]:
    """Baselines that look at no end, persons [zone]; NaN where their own information is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        trend = np.where(earlier > 0, start / earlier, np.nan)
    return {
        "no_change": start.astype(float),
        "natural_increase": natural_end,
        "past_trend": start * trend,
        "half_trend": start * np.sqrt(trend),
    }


def design(start: np.ndarray, known: np.ndarray) -> np.ndarray:
    """An intercept, log residents and what is known, each column standardised [zone, column]."""
    columns = np.column_stack([np.log(np.maximum(start, 1.0)), known])
    spread = columns.std(axis=0)
    varying = spread > 0
    return np.column_stack([np.ones(len(start)), (columns - columns.mean(axis=0))[:, varying] / spread[varying]])


def least_squares(columns: np.ndarray, outcome: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What ordinary least squares on the rows `seen` says of every row [zone]."""
    coefficients = np.linalg.lstsq(columns[seen], outcome[seen], rcond=None)[0]
    return np.asarray(columns @ coefficients)


def bands(
    first: np.ndarray, last: np.ndarray, start: np.ndarray, known: np.ndarray, folds: Sequence[Fold]
) -> dict[str, np.ndarray]:
    """Residents registered elsewhere at the end, persons [band, zone]; each zone by a fold that has not seen them.

    Args:
        first: the bands at the start, persons [band, zone].
        last: the bands at the end.
        start: residents at the start, persons [zone].
        known: what least squares may know of a zone besides residents and its first bands [zone, column].
        folds: what is held out together.

    Returns:
        uniform_national, every band grown as in the training zones; ols, least squares of the log band (one added).
    """
    uniform, ols = np.full(first.shape, np.nan), np.full(first.shape, np.nan)
    columns = design(start, np.column_stack([np.log1p(first).T, known]))
    for fold in folds:
        seen, held = ~fold.held, fold.held
        growth = last[:, seen].sum(axis=1) / np.maximum(first[:, seen].sum(axis=1), 1.0)
        uniform[:, held] = first[:, held] * growth[:, None]
        for k in range(len(first)):
            ols[k, held] = np.expm1(least_squares(columns, np.log1p(last[k]), seen)[held]).clip(0)
    return {"uniform_national": uniform, "ols": ols}
