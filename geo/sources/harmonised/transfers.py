"""Transfers of area with uncounted people: a part of one unit has passed to another, and both remain.

The map may give residents of an old census on the old borders. The residents of the part are then unknown. The two
units stay apart while they grow alike; where their growth differs much, the border may be the reason, and they become
one zone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from .history import CodeHistory


@dataclass(frozen=True)
class Transfer:
    """A part of `loser` passed to `gainer` in `year`; both are polygons of the map."""

    year: int
    loser: str
    gainer: str


def uncounted(
    polygons: Collection[str], history: CodeHistory, years: tuple[int, int], counted: Collection[tuple[str, str]]
) -> list[Transfer]:
    """List the transfers between polygons of the map from the first to the last census, both included.

    Those in `counted` are left out: units and polygons between which people have been moved with the border.
    """
    first, last = years
    known = set(polygons)
    return [
        Transfer(year, code, successor)
        for code in sorted(known)
        for year, successor in history.successors.get(code, ())
        if first <= year <= last and successor in known and successor != code and (code, successor) not in counted
    ]


def grew_differently(transfer: Transfer, growth: Mapping[str, float], contrast: float) -> bool:
    """Whether the log growth of loser and gainer, by polygon, differs by more than `contrast`."""
    return bool(np.abs(growth[transfer.gainer] - growth[transfer.loser]) > contrast)
