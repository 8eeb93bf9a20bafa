"""What a model must beat: predictions that need no flows. NumPy on the host.

All are computed in sample, from the interval they are scored on, wherever they have a coefficient at all.
"""

from __future__ import annotations

import numpy as np


def predictions(
    start: np.ndarray, end: np.ndarray, natural_end: np.ndarray, covariates: np.ndarray
) -> dict[str, np.ndarray]:
    """Residents at the end of the interval, persons [zone], by baseline.

    Args:
        start: residents at the start, persons [zone].
        end: residents counted at the end, persons [zone].
        natural_end: residents if nobody moved and only the declared births and deaths happened, persons [zone].
        covariates: what the model knows of a zone [zone, covariate].

    Returns:
        no_change; uniform_national, everyone's growth the nation's; natural_increase; ols, ordinary least squares of
        log growth on an intercept, log population and the covariates.
    """
    design = np.column_stack([np.ones(len(start)), np.log(start), covariates])
    coefficients = np.linalg.lstsq(design, np.log(end / start), rcond=None)[0]
    return {
        "no_change": start,
        "uniform_national": start * (end.sum() / start.sum()),
        "natural_increase": natural_end,
        "ols": start * np.exp(design @ coefficients),
    }
