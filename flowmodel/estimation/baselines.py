"""Baselines of a fit: simple predictions without flows. NumPy on the host.

Those with coefficients are fitted to the same interval on which they are scored.
"""

import numpy as np


def predictions(
    start: np.ndarray, end: np.ndarray, natural_end: np.ndarray, covariates: np.ndarray
) -> dict[str, np.ndarray]:
    """Residents at the end of the interval, persons [zone], by baseline.

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
