"""What a regression of flows is given, read as arrays or refused: long tables and tables of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from flowmodel.errors import FlowsError


def flows(y: Any) -> np.ndarray:
    """Flows of a long table, float64 [rows].

    Raises:
        FlowsError: another shape, or a flow that is missing, infinite or negative.
    """
    found = _numbers(y, "flows")
    if found.ndim != 1:
        raise FlowsError("E-FLOWS-SHAPE", f"flows have the shape {found.shape}", "give one flow a row")
    _refuse_impossible(found)
    return found


def positive(flow: Any, allowed: np.ndarray) -> np.ndarray:
    """The allowed pairs of a table that have a flow, bool [o, d].

    Raises:
        FlowsError: shapes that differ, or an allowed flow that is missing, infinite or negative.
    """
    found = _numbers(flow, "flows")
    if found.ndim != 2 or allowed.shape != found.shape or allowed.dtype != bool:
        what = f"flows have the shape {found.shape}, allowed pairs {allowed.shape} of {allowed.dtype}"
        raise FlowsError("E-FLOWS-SHAPE", what, "give two tables [origin, destination], the second of true and false")
    _refuse_impossible(found, allowed)
    return allowed & (found > 0)


def covariates(X: Any, rows: int) -> np.ndarray:  # noqa: N803
    """Covariates of a long table, [rows, K].

    Raises:
        FlowsError: another shape, or a value that is missing, infinite or no number.
    """
    if X is None or np.size(X) == 0:
        return np.zeros((rows, 0))
    found = _numbers(X, "covariates")
    if found.ndim != 2 or len(found) != rows:
        what = f"covariates have the shape {found.shape} for {rows} flows"
        raise FlowsError("E-FLOWS-SHAPE", what, "give one row a flow and one column a covariate")
    for number, column in enumerate(found.T):
        _refuse_unknown(column, np.True_, number)
    return found


def sides(columns: Sequence[Any], allowed: np.ndarray) -> list[np.ndarray]:
    """Covariates of pairs as [o, d], without copies of those that vary on one side alone.

    Raises:
        FlowsError: another shape than [o, d], [o, 1] or [1, d], or a bad value at an allowed pair.
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


def effects(ids: Any, rows: int) -> list[tuple[np.ndarray, int]]:
    """Every column of effects as codes, int32 [rows], with how many levels it has.

    Raises:
        FlowsError: a column of another length, or a missing label.
    """
    return [_coded(column, rows, number) for number, column in enumerate(_columns(ids))]


def _columns(ids: Any) -> list[Any]:
    if ids is None:
        return []
    if isinstance(ids, pd.DataFrame):
        return [ids.iloc[:, number] for number in range(ids.shape[1])]
    return list(ids.T if isinstance(ids, np.ndarray) and ids.ndim == 2 else ids)


def _coded(column: Any, rows: int, number: int) -> tuple[np.ndarray, int]:
    labels = column if isinstance(column, pd.Series) else pd.Series(column)
    if len(labels) != rows:
        what = f"column {number} of effects has {len(labels)} labels for {rows} flows"
        raise FlowsError("E-FLOWS-SHAPE", what, "give one label a flow in every column")
    codes, levels = pd.factorize(labels)
    if (codes < 0).any():
        raise FlowsError("E-FLOWS-VALUE", f"column {number} of effects lacks a label", "name it or drop the row")
    return codes.astype(np.int32), len(levels)


def _numbers(values: Any, what: str) -> np.ndarray:
    """An array of floats, without a copy if it is one."""
    try:
        found = np.asarray(values)
        return found if found.dtype.kind == "f" else found.astype(np.float64)
    except (TypeError, ValueError):
        raise FlowsError("E-FLOWS-VALUE", f"{what}: not all are numbers", "code them as numbers") from None


def _refuse_impossible(found: np.ndarray, rows: np.ndarray | np.bool = np.True_) -> None:
    for bad, what in ((~np.isfinite(found), "missing or infinite"), (found < 0, "negative")):
        at = np.argwhere(bad & rows)
        if len(at):
            place = ", ".join(map(str, at[0]))
            raise FlowsError("E-FLOWS-VALUE", f"{len(at)} flows are {what}, the first at {place}", "mend or drop them")


def _refuse_unknown(values: np.ndarray, rows: np.ndarray | np.bool, number: int) -> None:
    if np.any(~np.isfinite(values) & rows):
        raise FlowsError("E-FLOWS-VALUE", f"covariate {number} is missing or infinite", "mend it or drop the rows")
