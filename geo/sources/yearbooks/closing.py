"""Missing counts found from a printed total and its other parts; those that it does not determine stay missing."""

import numpy as np
from numpy.typing import NDArray

from .hierarchy import Hierarchy
from .identities import Identity, Values, identities, stack
from .quantities import QUANTITIES
from .table import Level, YearBook


def close(book: YearBook, tree: Hierarchy, values: Values) -> tuple[Values, list[str]]:
    """Fill missing counts of places from printed totals: of prefecture, province and nation, then of the row itself.

    Where the known parts already make up the total, the missing ones are zero. Where only one part is missing, it has
    the rest. Otherwise the cells stay missing.

    Returns:
        Copies of `values` with filled cells, and a sentence for each rule that filled some or left some.
    """
    closed: Values = {name: dict(cells) for name, cells in values.items()}
    counts = [name for name in closed if QUANTITIES[name].kind == "count"]
    n_zero = n_rest = 0
    for name in counts:
        for category, numbers in values[name].items():
            closed[name][category], zeros, remainders = _fill_from_totals(tree, numbers)
            n_zero, n_rest = n_zero + zeros, n_rest + remainders
    for identity in identities(book):
        zeros, remainders = _fill_from_identity(tree, closed, identity)
        n_zero, n_rest = n_zero + zeros, n_rest + remainders
    left = sum(int(np.isnan(column[tree.leaves]).sum()) for name in counts for column in closed[name].values())
    sentences = (
        f"missing counts taken as zero, because the others reach the printed total: {n_zero} ({book.missing_means})",
        f"missing counts taken as the rest of the printed total: {n_rest}",
        f"missing counts that stay unknown: {left}",
    )
    return closed, [
        f"{book.year}: {text}." for text, number in zip(sentences, (n_zero, n_rest, left), strict=True) if number
    ]


def _fill_from_totals(tree: Hierarchy, numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], int, int]:
    """Fill one column from the totals of its places; give it with the numbers of zeros and of remainders filled in."""
    filled = numbers.copy()
    n_zero = n_rest = 0
    for level in (Level.PREFECTURE, Level.PROVINCE, Level.NATION):
        of = np.flatnonzero(tree.levels == level)
        parts = filled[tree.leaves]
        missing = np.isnan(parts)
        if not missing.any() or not len(of):
            continue
        members = tree.members[of]
        gaps = members @ missing.astype(np.float64)
        remainder = filled[tree.totals[of]] - members @ np.where(missing, 0.0, parts)
        for at in np.flatnonzero(_determined(gaps, remainder)):
            places = members[[int(at)]].nonzero()[1]
            rows = tree.leaves[places[missing[places]]]
            filled[rows] = remainder[at]
            n_zero += len(rows) * int(remainder[at] == 0)
            n_rest += len(rows) * int(remainder[at] > 0)
    return filled, n_zero, n_rest


def _fill_from_identity(tree: Hierarchy, values: Values, identity: Identity) -> tuple[int, int]:
    """Fill the parts of one identity in place; give the numbers of zeros and of remainders filled in."""
    name, category = identity.whole
    parts = stack(values, identity.parts)[tree.leaves]
    missing = np.isnan(parts)
    remainder = values[name][category][tree.leaves] - np.where(missing, 0.0, parts).sum(axis=1)
    determined = missing & _determined(missing.sum(axis=1), remainder)[:, None]
    for at in np.flatnonzero(determined.any(axis=0)):
        part, of = identity.parts[at]
        column = values[part][of].copy()
        column[tree.leaves[determined[:, at]]] = remainder[determined[:, at]]
        values[part][of] = column
    return int((determined & (remainder == 0)[:, None]).sum()), int((determined & (remainder > 0)[:, None]).sum())


def _determined(gaps: NDArray[np.float64] | NDArray[np.int64], remainder: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where the rest of a total determines what is missing from it."""
    return np.asarray((gaps > 0) & ((remainder == 0) | ((gaps == 1) & (remainder > 0))))
