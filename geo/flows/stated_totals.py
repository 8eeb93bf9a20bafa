"""Sums that a table or an office states, against the flows they are of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What adding in another order may change, relative to the sum; float64 keeps 16 digits.
_ADDING = 1e-9


@dataclass(frozen=True)
class FlowSums:
    """Flows added up.

    Attributes:
        values: The sums, any shape.
        rounding: Largest rounding error of each sum, from the last digits of its flows, same shape.
        complete: Whether every flow of a sum is listed and known, bool, same shape; else the total may be larger.
    """

    values: NDArray[np.float64]
    rounding: NDArray[np.float64]
    complete: NDArray[np.bool_]


def differences(sums: FlowSums, stated: NDArray[np.float64], rounding: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Give the index of stated sums that are not the sums, and what the flows have more; not stated (NaN) is none."""
    excess = sums.values - stated
    tolerance = sums.rounding + rounding + _ADDING * np.abs(stated)
    wrong = (excess > tolerance) | (sums.complete & (excess < -tolerance))
    return [(int(at), float(excess[at])) for at in np.flatnonzero(wrong)]


def half_digit(cells: Sequence[str]) -> NDArray[np.float64]:
    """Give half of the last digit that each number is written with, shape (cells,); whole numbers are exact: 0."""
    return np.array([_half_of_last_digit(cell) if "." in cell else 0.0 for cell in cells])


def _half_of_last_digit(cell: str) -> float:
    mantissa, _, exponent = cell.lower().partition("e")
    try:
        decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    except ValueError:  # no number, and reported as that
        return 0.0
    return 0.5 * 10.0**-decimals if decimals > 0 else 0.0
