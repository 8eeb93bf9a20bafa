"""People on borders that have moved: how many of a census row's residents live in each polygon of a newer map.

The map may know the residents of the same census on its own borders. Where rows and polygons that overlap have the
same sum, the people of each row are divided so that as few as possible leave the polygon of their own code; where they
do not, the census is believed and the polygons cannot be told apart.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import transport
from .links import Link, Reason, connected

_Node = tuple[str, str]
_Reasons = Mapping[tuple[str, str], Reason]

# A person costs nothing under the row's own code, little along the history of codes, most where no link leads.
_COSTS: dict[Reason | None, float] = {
    **dict.fromkeys(Reason, 1.0),
    Reason.SAME_CODE: 0.0,
    Reason.POPULATION: 0.0,
    Reason.NAME: 0.0,
    Reason.DECISION: 0.0,
    None: 3.0,
}
# Relative difference of two counts of one unit that a moved border does not explain.
_NEARLY = 0.005


@dataclass(frozen=True)
class PlacedPeople:
    """Residents of a row in a polygon, persons; None where only the sum over several polygons is known."""

    row: str
    polygon: str
    people: int | None
    reason: Reason


@dataclass(frozen=True)
class _Part:
    """Rows and polygons that overlap one another and nothing else."""

    rows: tuple[str, ...]
    polygons: tuple[str, ...]


@dataclass(frozen=True)
class _Counts:
    """Residents of one census by row, and by polygon as the map has them; with the prefecture of each."""

    people: Mapping[str, int]
    mapped: Mapping[str, float]
    home: Mapping[_Node, str]

    def residual(self, part: _Part) -> float:
        """Give the map's residents less the census's; NaN where these are unknown."""
        return sum(self.mapped[code] for code in part.polygons) - sum(self.people[row] for row in part.rows)

    def prefecture(self, part: _Part) -> str:
        """Give the prefecture of a part: that of its first polygon, or else of its first row."""
        return self.home[("polygon", part.polygons[0]) if part.polygons else ("row", part.rows[0])]


@dataclass(frozen=True)
class Division:
    """Residents of a census over the polygons of a map.

    Attributes:
        placed: One entry for each row and polygon that share people.
        parts: Number of groups of rows and polygons that overlap one another and nothing else.
        different: Number of these with different sums in the census and on the map.
    """

    placed: list[PlacedPeople]
    parts: int
    different: int


def place(links: Sequence[Link], rows: pd.DataFrame, polygons: pd.DataFrame, mapped: pd.Series) -> Division:
    """Divide the residents of a census over the polygons of a newer map that knows residents of the same census.

    The order of rows and polygons makes no difference. Rows and polygons without a link take part where the map's own
    numbers determine where they belong.

    Args:
        links: Overlaps of rows and polygons.
        rows: Index key; columns people (whole persons), prefecture.
        polygons: Index code; column prefecture.
        mapped: Residents by polygon, NaN where the map has none.
    """
    home = {("row", str(key)): str(value) for key, value in sorted(rows["prefecture"].items())}
    home |= {("polygon", str(code)): str(value) for code, value in sorted(polygons["prefecture"].items())}
    counts = _Counts(
        {str(key): int(count) for key, count in rows["people"].items()},
        {str(code): float(count) for code, count in mapped.items()},
        home,
    )
    parts = _parts(links, counts)
    known = [part for part in parts if part.rows and part.polygons and not np.isnan(counts.residual(part))]
    links = _relinked(links, counts)
    reasons = {(link.row, link.polygon): link.reason for link in links}
    placed = [one for part in _pooled(_parts(links, counts), counts) for one in _divided(part, reasons, counts)]
    return Division(placed, len(known), sum(counts.residual(part) != 0 for part in known))


def undivided(links: Sequence[Link], rows: pd.DataFrame) -> list[PlacedPeople]:
    """Place the residents (column people) of a census that the map does not have: in one polygon, or undivided."""
    polygons = Counter(link.row for link in links)
    people = {str(key): int(count) for key, count in rows["people"].items()}
    return [
        PlacedPeople(link.row, link.polygon, people[link.row] if polygons[link.row] == 1 else None, link.reason)
        for link in links
    ]


def _parts(links: Sequence[Link], counts: _Counts) -> list[_Part]:
    groups = connected(list(counts.home), [(("row", link.row), ("polygon", link.polygon)) for link in links])
    return [
        _Part(*(tuple(name for kind, name in group if kind == wanted) for wanted in ("row", "polygon")))
        for group in groups
    ]


def _relinked(links: Sequence[Link], counts: _Counts) -> list[Link]:
    """Correct the link of a row whose residents are exactly those of one other polygon near by: its code was wrong."""
    wrong = [part for part in _parts(links, counts) if _unbalanced(part, counts)]
    numbers: dict[tuple[str, int], list[str]] = defaultdict(list)
    for polygon in (polygon for part in wrong for polygon in part.polygons):
        numbers[counts.home["polygon", polygon], int(counts.mapped[polygon])].append(polygon)
    linked = {(link.row, link.polygon) for link in links}
    decided = {link.row for link in links if link.reason is Reason.DECISION}
    found: dict[str, str] = {}
    for part in wrong:
        for row in part.rows:
            same = numbers[counts.home["row", row], counts.people[row]]
            if len(same) == 1 and counts.people[row] > 0 and row not in decided and (row, same[0]) not in linked:
                found[row] = same[0]
    kept = [link for link in links if link.row not in found]
    return kept + [Link(row, polygon, Reason.POPULATION) for row, polygon in found.items()]


def _unbalanced(part: _Part, counts: _Counts) -> bool:
    """Whether the map's sum is known, and another than the census's."""
    residual = counts.residual(part)
    return residual != 0 and not np.isnan(residual)


def _pooled(parts: Sequence[_Part], counts: _Counts) -> list[_Part]:
    """Join the unbalanced parts of a prefecture, in which one may have the people that another lacks.

    One row in one polygon with nearly equal numbers is not a border that moved, but another edition of the count.
    """
    result, unbalanced = [], defaultdict(list)
    for part in parts:
        if _unbalanced(part, counts) and not _nearly_alike(part, counts):
            unbalanced[counts.prefecture(part)].append(part)
        else:
            result.append(part)
    for group in unbalanced.values():
        rows = tuple(row for part in group for row in part.rows)
        result.append(_Part(rows, tuple(polygon for part in group for polygon in part.polygons)))
    return result


def _nearly_alike(part: _Part, counts: _Counts) -> bool:
    if len(part.rows) != 1 or len(part.polygons) != 1:
        return False
    return abs(counts.residual(part)) <= _NEARLY * counts.people[part.rows[0]]


def _divided(part: _Part, reasons: _Reasons, counts: _Counts) -> list[PlacedPeople]:
    """Divide the rows of one part over its polygons."""
    if not part.rows or not part.polygons:
        return []
    if len(part.polygons) == 1:
        only = part.polygons[0]
        differs = _unbalanced(part, counts) and _nearly_alike(part, counts)
        plain = Reason.MAP_DIFFERS if differs else Reason.BORDERS
        reason_of = {row: plain if differs else reasons.get((row, only), plain) for row in part.rows}
        return [PlacedPeople(row, only, counts.people[row], reason_of[row]) for row in part.rows]
    if counts.residual(part) != 0:
        return _undivided(part, reasons)
    costs = np.array([[_COSTS[reasons.get((row, polygon))] for polygon in part.polygons] for row in part.rows])
    people = np.array([counts.people[row] for row in part.rows])
    moved = transport.least_moves(people, np.array([counts.mapped[code] for code in part.polygons]), costs)
    placed = []
    for r, row in enumerate(part.rows):
        for p, polygon in enumerate(part.polygons):
            if moved.people[r, p] > 0 or (counts.people[row] == 0 and p == int(np.argmin(costs[r]))):
                linked = reasons.get((row, polygon), Reason.BORDERS)
                reason = linked if moved.determined[r, p] else Reason.PROPORTIONAL
                placed.append(PlacedPeople(row, polygon, int(moved.people[r, p]), reason))
    return placed if _decisions_hold(placed, reasons) else _undivided(part, reasons)


def _undivided(part: _Part, reasons: _Reasons) -> list[PlacedPeople]:
    """Place every row in all polygons of a part whose people cannot be divided, or in those that a decision names."""
    decided = {row for (row, _), reason in reasons.items() if reason is Reason.DECISION}
    return [
        PlacedPeople(row, polygon, None, reasons.get((row, polygon), Reason.BORDERS))
        for row in part.rows
        for polygon in part.polygons
        if row not in decided or reasons.get((row, polygon)) is Reason.DECISION
    ]


def _decisions_hold(placed: Sequence[PlacedPeople], reasons: _Reasons) -> bool:
    """Whether every decided row is where the decision places it; the map's numbers may differ."""
    decided = {row for (row, _), reason in reasons.items() if reason is Reason.DECISION}
    return all(
        reasons.get((one.row, one.polygon)) is Reason.DECISION for one in placed if one.row in decided and one.people
    )
