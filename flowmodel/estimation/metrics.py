"""Scores of predicted against counted numbers of people, as defined in applied demography. NumPy on the host."""

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
    spread = np.sum((observed_growth - observed_growth.mean()) ** 2)
    return {
        "r2": float(1 - np.sum((observed_growth - predicted_growth) ** 2) / spread) if spread > 0 else float("nan"),
        "rmse": float(np.sqrt(np.mean((observed_growth - predicted_growth) ** 2))),
        "mape": float(np.mean(np.abs(error))),
        "medape": float(np.median(np.abs(error))),
        "malpe": float(np.mean(error)),
        "sign": float(np.mean((observed_growth >= 0) == (predicted_growth >= 0))),
    }


def of_logarithms(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of counts that may be zero.

    Args:
        observed: persons counted, any shape.
        predicted: persons predicted, in the same shape.

    Returns:
        `log_r2` (NaN where counts do not vary) and `log_rmse` of ln(1 + persons); `medape`, median absolute error in
        per cent where the count is positive.
    """
    log_observed, log_predicted = np.log1p(observed), np.log1p(predicted)
    spread = np.sum((log_observed - log_observed.mean()) ** 2)
    positive = observed > 0
    relative = np.abs(predicted[positive] / observed[positive] - 1)
    return {
        "log_r2": float(1 - np.sum((log_observed - log_predicted) ** 2) / spread) if spread > 0 else float("nan"),
        "log_rmse": float(np.sqrt(np.mean((log_observed - log_predicted) ** 2))),
        "medape": float(100 * np.median(relative)) if positive.any() else float("nan"),
    }
