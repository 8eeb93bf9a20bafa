"""Scores of predicted numbers of people, as defined in applied demography, and baselines. NumPy on the host."""

import numpy as np


def growth(start: np.ndarray, observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of one interval, with equal weight for every zone.

    Args:
        start: residents at the start, persons [zone].
        observed: residents counted at the end, persons [zone].
        predicted: residents predicted at the end, persons [zone].

    Returns:
        `r2` (NaN where growth does not vary) and `rmse` of ln(end / start); `mape` and `medape` (mean and median
        absolute error) and `malpe` (mean error, the bias) of the population, per cent; `sign`, the share of zones in
        which growth or decline is predicted correctly.
    """
    observed_growth, predicted_growth = np.log(observed / start), np.log(predicted / start)
    error = 100 * (predicted - observed) / observed
    r2, rmse = _r2_and_rmse(observed_growth, predicted_growth)
    return {
        "r2": r2,
        "rmse": rmse,
        "mape": float(np.mean(np.abs(error))),
        "medape": float(np.median(np.abs(error))),
        "malpe": float(np.mean(error)),
        "sign": float(np.mean((observed_growth >= 0) == (predicted_growth >= 0))),
    }


def of_logarithms(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of counts that may be zero, persons of any shape.

    Returns:
        `log_r2` (NaN where counts do not vary) and `log_rmse` of ln(1 + persons); `medape`, median absolute error in
        per cent where the count is positive.
    """
    r2, rmse = _r2_and_rmse(np.log1p(observed), np.log1p(predicted))
    positive = observed > 0
    relative = np.abs(predicted[positive] / observed[positive] - 1)
    medape = float(100 * np.median(relative)) if positive.any() else float("nan")
    return {"log_r2": r2, "log_rmse": rmse, "medape": medape}


def _r2_and_rmse(observed: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    squares, spread = (observed - predicted) ** 2, np.sum((observed - observed.mean()) ** 2)
    return float(1 - np.sum(squares) / spread) if spread > 0 else float("nan"), float(np.sqrt(np.mean(squares)))


def baselines(
    start: np.ndarray, end: np.ndarray, natural_end: np.ndarray, covariates: np.ndarray
) -> dict[str, np.ndarray]:
    """Residents at the end of the interval, persons [zone], by simple predictions without flows.

    Those with coefficients are fitted to the same interval on which they are scored.

    Args:
        start: residents at the start, persons [zone].
        end: residents counted at the end, persons [zone].
        natural_end: residents if nobody moved, after births and deaths, persons [zone].
        covariates: covariates of the model [zone, covariate].

    Returns:
        `no_change`; `uniform_national`, every zone grows as the nation; `natural_increase`; `ols`, ordinary least
        squares of log growth on an intercept, log population and the covariates.
    """
    design = np.column_stack([np.ones(len(start)), np.log(start), covariates])
    coefficients = np.linalg.lstsq(design, np.log(end / start), rcond=None)[0]
    return {
        "no_change": start,
        "uniform_national": start * (end.sum() / start.sum()),
        "natural_increase": natural_end,
        "ols": start * np.exp(design @ coefficients),
    }
