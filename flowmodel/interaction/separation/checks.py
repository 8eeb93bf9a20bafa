"""Checks of flows and covariates before the search for separated pairs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from flowmodel.errors import FlowsError


def positive(flow: Any, allowed: np.ndarray) -> np.ndarray:
    """The allowed pairs with a positive flow, bool [o, d].

    Raises:
        FlowsError: shapes differ, or an allowed flow is missing, infinite or negative.
    """
    found = _numbers(flow, "flows")
    if found.ndim != 2 or allowed.shape != found.shape or allowed.dtype != bool:
        what = f"flows have the shape {found.shape}, allowed pairs {allowed.shape} of {allowed.dtype}"
        raise FlowsError("E-FLOWS-SHAPE", what, "give two tables [origin, destination], the second Boolean")
    _refuse_impossible(found, allowed)
    return allowed & (found > 0)


def sides(columns: Sequence[Any], allowed: np.ndarray) -> list[np.ndarray]:
    """Covariates broadcast to [o, d], without copies.

    Raises:
        FlowsError: a shape is not [o, d], [o, 1] or [1, d], or a value is missing or infinite at an allowed pair.
    """
    found = []
    for number, column in enumerate(columns):
        values = _numbers(column, f"covariate {number}")
        fits = values.ndim == 2 and all(n in (1, m) for n, m in zip(values.shape, allowed.shape, strict=True))
        if not fits:
            what = f"covariate {number} has the shape {values.shape} for pairs {allowed.shape}"
            raise FlowsError("E-FLOWS-SHAPE", what, "give [o, d], [o, 1] or [1, d]")
        _refuse_unknown(values, allowed, number)
        found.append(np.broadcast_to(values, allowed.shape))
    return found


def _numbers(values: Any, what: str) -> np.ndarray:
    """`values` as an array of floats, without a copy if possible."""
    try:
        found = np.asarray(values)
        return found if found.dtype.kind == "f" else found.astype(np.float64)
    except (TypeError, ValueError):
        raise FlowsError("E-FLOWS-VALUE", f"{what}: not all are numbers", "code them as numbers") from None


def _refuse_impossible(found: np.ndarray, allowed: np.ndarray) -> None:
    for bad, what in ((~np.isfinite(found), "missing or infinite"), (found < 0, "negative")):
        at = np.argwhere(bad & allowed)
        if len(at):
            place = ", ".join(map(str, at[0]))
            raise FlowsError(
                "E-FLOWS-VALUE", f"{len(at)} flows are {what}, the first at {place}", "correct or drop them"
            )


def _refuse_unknown(values: np.ndarray, allowed: np.ndarray, number: int) -> None:
    if np.any(~np.isfinite(values) & allowed):
        raise FlowsError("E-FLOWS-VALUE", f"covariate {number} is missing or infinite", "correct it or drop the pairs")
