"""Random census counts drawn from the likelihoods of the targets. NumPy on the host."""

from collections.abc import Mapping

import numpy as np

from flowmodel.config import Fit
from flowmodel.estimation.registered_census import BANDS


def residents(
    rng: np.random.Generator, start: np.ndarray, end: np.ndarray, values: Mapping[str, float], fit: Fit
) -> np.ndarray:
    """Counted residents at the end, persons [zone], given modelled residents `end`.

    Errors of growth are Student's t. If the national total is a target, zones are scaled to a total drawn with its own
    standard deviation, since the sum of independent errors of zones has another one.
    """
    scale = np.sqrt(values["noise"] ** 2 + values["noise_size"] ** 2 / np.where(start > 0, start, 1.0))
    counted = end * np.exp(scale * rng.standard_t(fit.degrees_of_freedom, len(end)))
    return _closed(rng, counted, end, fit.national_sd) if "national_total" in fit.targets else counted


def bands(rng: np.random.Generator, predicted: np.ndarray, values: Mapping[str, float], fit: Fit) -> np.ndarray:
    """Counted residents registered elsewhere at the end, persons [band, zone], given the `predicted` ones.

    A band that is a target has negative binomial errors; other bands have none.
    """
    counted = np.array(predicted, float)
    for i, name in enumerate(BANDS):
        if name in fit.targets:
            counted[i] = negative_binomial(rng, predicted[i], values[f"dispersion_{name}"])
        if "national_bands" in fit.targets:
            counted[i] = _closed(rng, counted[i], predicted[i], fit.bands_sd)
    return counted


def negative_binomial(rng: np.random.Generator, mean: np.ndarray, dispersion: float) -> np.ndarray:
    """Counts with mean μ and variance μ + κ μ²."""
    size = 1 / dispersion
    return rng.negative_binomial(size, size / (size + mean)).astype(float)


def _closed(rng: np.random.Generator, counted: np.ndarray, expected: np.ndarray, sd: float) -> np.ndarray:
    """`counted`, scaled to the expected total times a log-normal error."""
    return np.asarray(counted * (expected.sum() * np.exp(sd * rng.normal()) / counted.sum()))
