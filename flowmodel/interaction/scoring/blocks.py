"""Tables of pairs, walked through a few rows at a time: what a score needs in between never grows with the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flowmodel.errors import FlowsError

_PAIRS = 1 << 16
"""Pairs in a block: half a megabyte a table, which a core's own cache holds."""


def blocks(allowed: np.ndarray, *tables: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """The allowed pairs of each table, a few rows at a time, float64 [pair].

    Args:
        allowed: which pairs exist, bool [origin, destination] (or of any other one shape).
        tables: arrays of the same shape.
    """
    rows = max(1, _PAIRS // max(1, allowed[:1].size))
    for start in range(0, len(allowed), rows):
        part = slice(start, start + rows)
        yield tuple(table[part][allowed[part]].astype(np.float64, copy=False) for table in tables)


def check(allowed: np.ndarray, **tables: np.ndarray) -> None:
    """Refuses tables that no sum over pairs could be taken of.

    Args:
        allowed: which pairs exist, bool [origin, destination].
        tables: the tables by the names that an error gives them.

    Raises:
        FlowsError: E-FLOWS-SHAPE, E-FLOWS-NO-PAIRS, or E-FLOWS-VALUE (negative, infinite or not a number at an allowed
            pair).
    """
    for name, table in tables.items():
        if table.shape != allowed.shape:
            what = f"the {name} table is {table.shape}, the table of allowed pairs {allowed.shape}"
            raise FlowsError("E-FLOWS-SHAPE", what, "give tables of the same origins and destinations")
    if not allowed.any():
        raise FlowsError("E-FLOWS-NO-PAIRS", "no pair is allowed", "allow at least one pair")
    for name, table in tables.items():
        if not all(_is_sound(part) for (part,) in blocks(allowed, table)):
            raise _unsound(name, table, allowed)


def _is_sound(values: np.ndarray) -> bool:
    """Whether all are finite and none negative; a minimum of values with a NaN is NaN, and no comparison holds."""
    return bool(values.min(initial=0.0) >= 0 and values.max(initial=0.0) < np.inf)


def _unsound(name: str, table: np.ndarray, allowed: np.ndarray) -> FlowsError:
    bad = np.argwhere(allowed & ~((table >= 0) & (table < np.inf)))
    first = tuple(bad[0].tolist())
    what = f"{len(bad)} allowed pairs of the {name} table are negative or not finite, the first {first}: {table[first]}"
    return FlowsError("E-FLOWS-VALUE", what, "correct these pairs, or do not allow them")
