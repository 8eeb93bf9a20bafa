"""Which rows of a census lie in which polygons: by code, by the history of codes, by name, or by a decision on file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from .history import CodeHistory, stem


class Reason(StrEnum):
    """Why people of a census row stand in a zone; the words of the crosswalk and the audit."""

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
class _Row:
    key: str
    name: str
    province: str
    prefecture: str


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
            or _by_name(_Row(key, str(row.name), str(row.province), str(row.prefecture)), polygons, stems, history)
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

    A part that passed between two codes that both go on is left: nobody says how many people lived in it.
    """
    keys = {code: str(key) for key, code in rows["code"].items() if code}
    links: dict[str, list[Link]] = {}
    for polygon in map(str, polygons.index):
        if polygon not in keys:
            for code in sorted(history.after(polygon, years, keys)):
                links.setdefault(keys[code], []).append(Link(keys[code], polygon, Reason.CODE_HISTORY))
    return links


def _by_name(row: _Row, polygons: pd.DataFrame, stems: pd.Series, history: CodeHistory) -> list[Link]:
    """Link a row without a known code by its name: on the prefecture's map, in the codes, on the province's map."""
    if row.key in history.names:
        return []
    alike = polygons[stems == stem(row.name)]
    near = alike.index[alike["prefecture"] == row.prefecture]
    if len(near):
        return _named(row.key, near)
    known = set(polygons.index)
    codes = history.named(row.name, row.prefecture)
    found = {polygon for code in codes for polygon in ({code} if code in known else history.before(code, known))}
    if found:
        return _named(row.key, sorted(found))
    far = alike.index[alike["province"] == row.province]
    return _named(row.key, far) if len(far) == 1 else []


def _named(key: str, codes: Iterable[object]) -> list[Link]:
    return [Link(key, str(code), Reason.NAME) for code in codes]
