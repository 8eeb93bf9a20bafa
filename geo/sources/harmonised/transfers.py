"""Transfers of area whose people nobody counted: a part of one unit has passed to another, and both go on.

The map may give residents of an old census on the old borders. Who lived in the part is then not known. The two units
stay apart while they grow alike; where their growth differs much, it may be the border that moved and not the people,
and they become one zone.
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
    """List the transfers between polygons in the years, both included, that no numbers show.

    Args:
        polygons: Codes of the map.
        history: Changes of codes.
        years: First and last census.
        counted: Unit and polygon between which people have been moved with the border.
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
    """Whether loser and gainer have grown so differently that the border may be the reason.

    Args:
        transfer: The transfer.
        growth: Logarithm of the ratio of last to first residents, by polygon, of the zone it belongs to.
        contrast: Greatest difference of two logarithms that is taken for people's own doing.
    """
    return bool(np.abs(growth[transfer.gainer] - growth[transfer.loser]) > contrast)
