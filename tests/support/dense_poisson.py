"""A Poisson regression with a dense design matrix, by the plain iteration of weighted least squares. NumPy alone."""

from typing import NamedTuple

import numpy as np


class Iterate(NamedTuple):
    """Coefficients, the weights that they were solved with, and the means that they give."""

    coefficients: np.ndarray
    weight: np.ndarray
    mean: np.ndarray


def iterates(flow: np.ndarray, columns: np.ndarray, count: int) -> list[Iterate]:
    """The first `count` solutions, from means half-way between a flow and the mean flow (McCullagh & Nelder 1989)."""
    mean = (flow + flow.mean()) / 2
    eta, found = np.log(mean), []
    for _ in range(count):
        weight, root = mean, np.sqrt(mean)
        working = eta + (flow - mean) / mean
        coefficients = np.linalg.lstsq(columns * root[:, None], working * root, rcond=None)[0]
        eta = columns @ coefficients
        mean = np.exp(eta)
        found.append(Iterate(coefficients, weight, mean))
    return found


def covariance(columns: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The inverse of the Hessian."""
    return np.linalg.inv((columns * weight[:, None]).T @ columns)


def dummies(labels: np.ndarray) -> np.ndarray:
    """A column for every label but the first."""
    return np.asarray(labels[:, None] == np.unique(labels)[None, 1:], float)
