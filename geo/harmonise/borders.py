"""People on borders that have moved: how many of a census row's residents live in each polygon of a newer map.

The map may know the residents of the same census on its own borders. Where rows and polygons that overlap have the
same sum, the people of each row are divided so that as few as possible leave the polygon of their own code; where they
do not, the census is believed and the polygons cannot be told apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog

from .groups import connected
from .links import Link, Reason

_Node = tuple[str, str]
_Reasons = Mapping[tuple[str, str], Reason]

# To stay under one's own code costs nothing, to follow the history of codes little, to go where nothing leads most.
_COSTS: dict[Reason | None, float] = {
    **dict.fromkeys(Reason, 1.0),
    Reason.SAME_CODE: 0.0,
    Reason.POPULATION: 0.0,
    Reason.NAME: 0.0,
    None: 3.0,
}


@dataclass(frozen=True)
class Placed:
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
        """Give the map's residents less the census's; NaN where the map does not know."""
        return sum(self.mapped[code] for code in part.polygons) - sum(self.people[row] for row in part.rows)

    def prefecture(self, part: _Part) -> str:
        """Give the prefecture of a part: that of its first polygon, or else of its first row."""
        return self.home[("polygon", part.polygons[0]) if part.polygons else ("row", part.rows[0])]


def place(links: Sequence[Link], rows: pd.DataFrame, polygons: pd.DataFrame, mapped: pd.Series) -> list[Placed]:
    """Divide the residents of a census over the polygons of a newer map that knows residents of the same census.

    Args:
        links: Overlaps of rows and polygons.
        rows: Index key; columns people (whole persons), prefecture.
        polygons: Index code; column prefecture.
        mapped: Residents by polygon, NaN where the map has none.

    Returns:
        One entry for each row and polygon that share people. Rows without a link, and polygons without one, take part
        where the map's own numbers say to whom they belong.
    """
    home = {("row", str(key)): str(value) for key, value in rows["prefecture"].items()}
    home |= {("polygon", str(code)): str(value) for code, value in polygons["prefecture"].items()}
    counts = _Counts(
        {str(key): int(count) for key, count in rows["people"].items()},
        {str(code): float(count) for code, count in mapped.items()},
        home,
    )
    links = _recognised(links, counts)
    reasons = {(link.row, link.polygon): link.reason for link in links}
    return [placed for part in _pooled(_parts(links, counts), counts) for placed in _divided(part, reasons, counts)]


def undivided(links: Sequence[Link], rows: pd.DataFrame) -> list[Placed]:
    """Place the residents of a census of which the map knows nothing: a row in one polygon is there as a whole.

    Args:
        links: Overlaps of rows and polygons.
        rows: Index key; column people.
    """
    polygons = Counter(link.row for link in links)
    people = {str(key): int(count) for key, count in rows["people"].items()}
    return [
        Placed(link.row, link.polygon, people[link.row] if polygons[link.row] == 1 else None, link.reason)
        for link in links
    ]


def _parts(links: Sequence[Link], counts: _Counts) -> list[_Part]:
    groups = connected(list(counts.home), [(("row", link.row), ("polygon", link.polygon)) for link in links])
    return [
        _Part(*(tuple(name for kind, name in group if kind == wanted) for wanted in ("row", "polygon")))
        for group in groups
    ]


def _recognised(links: Sequence[Link], counts: _Counts) -> list[Link]:
    """Link a row anew whose number is, to the person, that of one other polygon near by: its code was mixed up."""
    wrong = [part for part in _parts(links, counts) if counts.residual(part) != 0 and not _merely_unknown(part, counts)]
    numbers: dict[tuple[str, int], list[str]] = defaultdict(list)
    for polygon in (polygon for part in wrong for polygon in part.polygons):
        numbers[counts.home["polygon", polygon], int(counts.mapped[polygon])].append(polygon)
    linked = {(link.row, link.polygon) for link in links}
    found: dict[str, str] = {}
    for part in wrong:
        for row in part.rows:
            same = numbers[counts.home["row", row], counts.people[row]]
            if len(same) == 1 and counts.people[row] > 0 and (row, same[0]) not in linked:
                found[row] = same[0]
    kept = [link for link in links if link.row not in found]
    return kept + [Link(row, polygon, Reason.POPULATION) for row, polygon in found.items()]


def _merely_unknown(part: _Part, counts: _Counts) -> bool:
    return bool(np.isnan(counts.residual(part)))


def _pooled(parts: Sequence[_Part], counts: _Counts) -> list[_Part]:
    """Join the unbalanced parts of a prefecture: what one lacks another has, or else they cannot be told apart."""
    result, unbalanced = [], defaultdict(list)
    for part in parts:
        if counts.residual(part) == 0 or _merely_unknown(part, counts):
            result.append(part)
        else:
            unbalanced[counts.prefecture(part)].append(part)
    for group in unbalanced.values():
        rows = tuple(row for part in group for row in part.rows)
        result.append(_Part(rows, tuple(polygon for part in group for polygon in part.polygons)))
    return result


def _divided(part: _Part, reasons: _Reasons, counts: _Counts) -> list[Placed]:
    """Divide the rows of one part over its polygons."""
    if not part.rows or not part.polygons:
        return []
    if len(part.polygons) == 1:
        only = part.polygons[0]
        return [Placed(row, only, counts.people[row], reasons.get((row, only), Reason.BORDERS)) for row in part.rows]
    if counts.residual(part) != 0:
        pairs = [(row, polygon) for row in part.rows for polygon in part.polygons]
        return [Placed(row, polygon, None, reasons.get((row, polygon), Reason.BORDERS)) for row, polygon in pairs]
    moved = _least_moves(part, reasons, counts)
    return [
        Placed(row, polygon, int(count), reasons.get((row, polygon), Reason.BORDERS))
        for row, shared in zip(part.rows, moved, strict=True)
        for polygon, count in zip(part.polygons, shared, strict=True)
        if count > 0
    ]


def _least_moves(part: _Part, reasons: _Reasons, counts: _Counts) -> NDArray[np.int64]:
    """Solve the transportation problem whose margins are the two counts; shape (rows, polygons), whole persons.

    The corners of its polytope are whole numbers, and the simplex method ends in one (Dantzig 1951).
    """
    people = np.array([counts.people[row] for row in part.rows])
    mapped = np.array([counts.mapped[code] for code in part.polygons])
    costs = np.array([[_COSTS[reasons.get((row, polygon))] for polygon in part.polygons] for row in part.rows])
    n, m = costs.shape
    margins = np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
    solved = linprog(costs.ravel(), A_eq=margins, b_eq=np.concatenate([people, mapped]), method="highs-ds")
    moved: NDArray[np.int64] = np.rint(solved.x).astype(np.int64).reshape(n, m)
    if (moved < 0).any() or (moved.sum(axis=1) != people).any() or (moved.sum(axis=0) != mapped).any():
        raise ArithmeticError(f"the people of {', '.join(part.rows)} could not be divided into whole persons")
    return moved
