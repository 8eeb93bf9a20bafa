"""Which rows of a census lie in which polygons: by code, by the history of codes, by name, or by a decision on file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .history import CodeHistory, stem

Label = TypeVar("Label")


class Reason(StrEnum):
    """Why people of a census row belong to a zone; the words of the crosswalk and the audit."""

    SAME_CODE = "same_code"
    CODE_HISTORY = "code_history"
    NAME = "name"
    PREDECESSOR = "predecessor"
    POPULATION = "population"
    BORDERS = "borders"
    PROPORTIONAL = "proportional"
    MAP_DIFFERS = "map_differs"
    ONLY_POLYGON = "only_polygon"
    ZONE_MERGED = "development_zone_merged"
    ZONE_SHARED = "development_zone_shared"
    NO_CENSUS = "no_census"
    TRANSFER = "uncounted_transfer"
    DECISION = "decision"
    MAP = "map"


@dataclass(frozen=True)
class Link:
    """Some or all people of a census row live in a polygon."""

    row: str
    polygon: str
    reason: Reason


@dataclass(frozen=True)
class Census:
    """The units of one census.

    Attributes:
        year: Its year.
        file: Base name of its table, for messages.
        rows: Index key; columns code ("" if none), name, province, prefecture, line, people (whole residents).
    """

    year: int
    file: str
    rows: pd.DataFrame

    @cached_property
    def people(self) -> dict[str, int]:
        """Residents by unit."""
        return {str(key): int(count) for key, count in self.rows["people"].items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by unit."""
        return {str(key): str(name) for key, name in self.rows["name"].items()}


def find(
    rows: pd.DataFrame,
    polygons: pd.DataFrame,
    history: CodeHistory,
    *,
    year: int,
    vintage: int,
    decided: Mapping[str, tuple[str, ...]],
) -> list[Link]:
    """Link the rows of one census to the polygons they overlap.

    Args:
        rows: Index key; columns code ("" where the row has none), name, province, prefecture.
        polygons: Index code; columns name, province, prefecture.
        history: Changes of codes.
        year: Year of the census.
        vintage: Year of the polygons' borders.
        decided: For rows that no rule can place, the polygons they lie in.

    Returns:
        Links in the order of the rows; a row that nothing places has none.
    """
    known = set(polygons.index)
    stems = polygons["name"].map(stem)
    newer = _newer(rows, polygons, history, (vintage, year)) if year > vintage else {}
    links: list[Link] = []
    for row in rows.itertuples():
        key, code = str(row.Index), str(row.code)
        if key in decided:
            links += [Link(key, polygon, Reason.DECISION) for polygon in decided[key]]
            continue
        links += (
            _by_code(key, code, known, history, (year, vintage)) + newer.get(key, [])
            or [Link(key, polygon, Reason.NAME) for polygon in _by_name(row, polygons, stems, history)]
            or [Link(key, polygon, Reason.PREDECESSOR) for polygon in sorted(history.before(code, known))]
        )
    return links


def _by_code(key: str, code: str, known: set[str], history: CodeHistory, years: tuple[int, int]) -> list[Link]:
    """Link a row to the polygon of its code, and where the map is newer, to those that took some of its area since."""
    same = [Link(key, code, Reason.SAME_CODE)] if code in known else []
    later = history.after(code, years, known) - {code} if code else set()
    return same + [Link(key, polygon, Reason.CODE_HISTORY) for polygon in sorted(later)]


def _newer(
    rows: pd.DataFrame, polygons: pd.DataFrame, history: CodeHistory, years: tuple[int, int]
) -> dict[str, list[Link]]:
    """Link the rows of a census that is newer than the map to the polygons whose codes have ended since.

    A part that passed between two codes that both remain is left out: its residents are unknown.
    """
    keys = {code: str(key) for key, code in rows["code"].items() if code}
    links: dict[str, list[Link]] = {}
    for polygon in map(str, polygons.index):
        if polygon not in keys:
            for code in sorted(history.after(polygon, years, keys)):
                links.setdefault(keys[code], []).append(Link(keys[code], polygon, Reason.CODE_HISTORY))
    return links


def _by_name(row: Any, polygons: pd.DataFrame, stems: pd.Series, history: CodeHistory) -> list[str]:
    """Find the polygons of a row without a known code: on the prefecture's map, in the codes, on the province's map."""
    if row.Index in history.names:
        return []
    alike = polygons[stems == stem(str(row.name))]
    near = list(map(str, alike.index[alike["prefecture"] == row.prefecture]))
    if near:
        return near
    known = set(polygons.index)
    codes = history.named(str(row.name), str(row.prefecture))
    found = {polygon for code in codes for polygon in ({code} if code in known else history.before(code, known))}
    if found:
        return sorted(found)
    far = list(map(str, alike.index[alike["province"] == row.province]))
    return far if len(far) == 1 else []


def connected(labels: Sequence[Label], together: Iterable[Sequence[Label]]) -> list[list[Label]]:
    """Group labels that occur in one set of `together`, directly or through others.

    Args:
        labels: All labels, each once.
        together: Sets of labels that belong together.

    Returns:
        The groups, and the labels of each, in the order of `labels`.
    """
    at = {label: position for position, label in enumerate(labels)}
    edges = [(at[members[0]], at[other]) for members in together for other in members[1:]]
    first, second = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (first, second)), shape=(len(labels), len(labels)))
    groups: dict[int, list[Label]] = {}
    for label, number in zip(labels, connected_components(graph, directed=False)[1].tolist(), strict=True):
        groups.setdefault(number, []).append(label)
    return list(groups.values())
