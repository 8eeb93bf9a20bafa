"""Baselines of out-of-sample tests: simple predictions of zones that are held out. NumPy on the host."""

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
    """Residents at the end, persons [zone], by baseline; each zone is predicted without the ends of its own fold.

    Args:
        start: residents at the start, persons [zone].
        end: residents counted at the end, persons [zone].
        earlier: residents at the census before the start, NaN where not counted [zone].
        natural_end: residents if nobody moved, persons [zone].
        designs: explanatory variables of ordinary least squares besides log residents, by name [zone, column].
        folds: zones held out together.

    Returns:
        `no_change`; `uniform_national`, growth of the training zones; `natural_increase`; `past_trend` and
        `half_trend`, growth of the previous interval, and its square root; one least-squares prediction per design.
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
    """Baselines that do not use the end, persons [zone]; NaN where a number they need is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        trend = np.where(earlier > 0, start / earlier, np.nan)
    return {
        "no_change": start.astype(float),
        "natural_increase": natural_end,
        "past_trend": start * trend,
        "half_trend": start * np.sqrt(trend),
    }


def design(start: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Design matrix: an intercept, log residents and the columns `known`, standardised [zone, column]."""
    columns = np.column_stack([np.log(np.maximum(start, 1.0)), known])
    spread = columns.std(axis=0)
    varying = spread > 0
    return np.column_stack([np.ones(len(start)), (columns - columns.mean(axis=0))[:, varying] / spread[varying]])


def least_squares(columns: np.ndarray, outcome: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Predictions for every row by ordinary least squares on the rows `seen` [zone]."""
    coefficients = np.linalg.lstsq(columns[seen], outcome[seen], rcond=None)[0]
    return np.asarray(columns @ coefficients)


def bands(
    first: np.ndarray, last: np.ndarray, start: np.ndarray, known: np.ndarray, folds: Sequence[Fold]
) -> dict[str, np.ndarray]:
    """Residents registered elsewhere at the end, persons [band, zone]; each zone is predicted without its own fold.

    Args:
        first: the bands at the start, persons [band, zone].
        last: the bands at the end.
        start: residents at the start, persons [zone].
        known: explanatory variables of least squares besides log residents and the first bands [zone, column].
        folds: zones held out together.

    Returns:
        `uniform_national`, every band grows as in the training zones; `ols`, least squares of ln(1 + band).
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
