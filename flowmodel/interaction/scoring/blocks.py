"""Iteration over tables of pairs in blocks of rows, so that scores need little memory besides the tables."""

from collections.abc import Iterator

import numpy as np

from flowmodel.errors import FlowsError

_PAIRS = 1 << 16
"""Pairs in a block: half a megabyte per table, which fits in a processor's cache."""


def blocks(allowed: np.ndarray, *tables: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields the allowed pairs of each table, for a few rows at a time, float64 [pair]; all have the same shape."""
    rows = max(1, _PAIRS // max(1, allowed[:1].size))
    for start in range(0, len(allowed), rows):
        part = slice(start, start + rows)
        yield tuple(table[part][allowed[part]].astype(np.float64, copy=False) for table in tables)


def check(allowed: np.ndarray, **tables: np.ndarray) -> None:
    """Checks tables, given by their names in messages, before sums over the pairs `allowed` [origin, destination].

    Raises:
        FlowsError: E-FLOWS-SHAPE, E-FLOWS-NO-PAIRS, or E-FLOWS-VALUE (an allowed pair is negative, infinite or NaN).
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
    """Whether all values are finite and not negative; false for NaN, since comparisons with NaN are false."""
    return bool(values.min(initial=0.0) >= 0 and values.max(initial=0.0) < np.inf)


def _unsound(name: str, table: np.ndarray, allowed: np.ndarray) -> FlowsError:
    bad = np.argwhere(allowed & ~((table >= 0) & (table < np.inf)))
    first = tuple(bad[0].tolist())
    what = f"{len(bad)} allowed pairs of the {name} table are negative or not finite, the first {first}: {table[first]}"
    return FlowsError("E-FLOWS-VALUE", what, "correct these pairs, or do not allow them")


def common_part(one: np.ndarray, other: np.ndarray) -> float:
    """Common part of commuters, the share of people common to two tables: 2 Σ min(T, T̂) / (Σ T + Σ T̂).

    See Lenormand et al. 2016, Journal of Transport Geography 51, 158–169. From 0, nothing in common, to 1, equal; NaN
    if both tables of persons, of the same shape, are empty.
    """
    return common_part_of_sums(np.minimum(one, other).sum(), one.sum(), other.sum())


def common_part_of_sums(common: float, one: float, other: float) -> float:
    """`common_part` from the sum of minima and the sums of both tables."""
    return float(2 * common / (one + other)) if one + other > 0 else float("nan")
