"""Which rows of a year-book are places and which are totals of places above them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .table import Level, YearBook

_CODE = re.compile(r"[0-9]{6}")


def gbt2260(subtotals: frozenset[str], nation: str = "") -> Callable[[str, str], Level]:
    """Give the levels of China's codes: 0000 ends a province's, 00 a prefecture's; some totals have only a name.

    Args:
        subtotals: Names of totals without a code, such as counties under a province itself.
        nation: Name of the row of the whole country, if there is one.
    """

    def level(name: str, code: str) -> Level:
        if nation and name == nation:
            return Level.NATION
        if code.endswith("0000"):
            return Level.PROVINCE
        if code.endswith("00") or name in subtotals:
            return Level.PREFECTURE
        return Level.PLACE

    return level


@dataclass(frozen=True)
class Hierarchy:
    """Places and totals of a table.

    Attributes:
        leaves: Rows that are places, in order, shape (leaves,).
        totals: Rows that are totals of places, shape (totals,).
        members: 1 where a place belongs to a total, sparse, shape (totals, leaves).
        levels: Level of each total, shape (totals,).
        keys: Key of each place.
        codes: Code of each place, "" where it has none.
        provinces: Two digits, of each place.
        prefectures: Four digits, of each place.
        empty: Rows that would be places, but have no residents.
    """

    leaves: NDArray[np.int64]
    totals: NDArray[np.int64]
    members: sparse.csr_array
    levels: NDArray[np.int64]
    keys: tuple[str, ...]
    codes: tuple[str, ...]
    provinces: tuple[str, ...]
    prefectures: tuple[str, ...]
    empty: NDArray[np.int64]


@dataclass(frozen=True)
class _Parents:
    """Level of each row, and the rows of its province and prefecture, -1 where there is none; shape (rows,) each."""

    level: NDArray[np.int64]
    province: NDArray[np.int64]
    prefecture: NDArray[np.int64]


def build(book: YearBook, names: Sequence[str], codes: Sequence[str], residents: NDArray[np.float64]) -> Hierarchy:
    """Tell places from totals by the order of the rows.

    A prefecture without places beneath it is a place itself. A place without residents is left out.

    A code is "" where a row has none; residents are NaN where the book has none, shape (rows,).
    """
    above = _parents(book, names, codes)
    places = above.level == Level.PLACE
    parents = set(above.prefecture[places].tolist())
    childless = np.array([level == Level.PREFECTURE and row not in parents for row, level in enumerate(above.level)])
    repeating = childless & np.array([name in book.repeats for name in names])
    candidates = places | (childless & ~repeating)
    leaf = candidates & ~np.isnan(residents)
    leaves, totals = np.flatnonzero(leaf), np.flatnonzero(~candidates)
    rows = leaves.tolist()
    prefectures = tuple(_prefecture(above, codes, row) for row in rows)
    provinces = tuple(codes[int(above.province[row])][:2] for row in rows)
    own_codes = tuple(codes[row] if _CODE.fullmatch(codes[row]) else "" for row in rows)
    keys = tuple(
        code or f"{prefecture}:{names[row]}" for code, prefecture, row in zip(own_codes, prefectures, rows, strict=True)
    )
    members = _members(above, leaves, totals, repeating)
    empty = np.flatnonzero(candidates & ~leaf)
    return Hierarchy(leaves, totals, members, above.level[totals], keys, own_codes, provinces, prefectures, empty)


def _parents(book: YearBook, names: Sequence[str], codes: Sequence[str]) -> _Parents:
    level = np.array([book.level(name, code) for name, code in zip(names, codes, strict=True)], dtype=np.int64)
    rows = np.arange(len(level))
    province = np.maximum.accumulate(np.where(level == Level.PROVINCE, rows, -1))
    prefecture = np.maximum.accumulate(np.where(level == Level.PREFECTURE, rows, -1))
    prefecture = np.where(prefecture < province, province, prefecture)
    # A county directly under the province may follow the last prefecture; its code shows it.
    other_prefecture = [
        bool(code and codes[at]) and code[:4] != codes[at][:4] for code, at in zip(codes, prefecture, strict=True)
    ]
    outside = (level == Level.PLACE) & np.array(other_prefecture)
    return _Parents(level, province, np.where(outside, province, prefecture))


def _prefecture(above: _Parents, codes: Sequence[str], row: int) -> str:
    """Four digits: of the place's own code, else of the prefecture's, else of the first place beneath it with one."""
    group = int(above.prefecture[row])
    if codes[row]:
        return codes[row][:4]
    if codes[group] and above.level[group] == Level.PREFECTURE:
        return codes[group][:4]
    siblings = np.flatnonzero((above.prefecture == group) & (above.level == Level.PLACE)).tolist()
    return next((codes[at][:4] for at in siblings if codes[at]), codes[int(above.province[row])][:4])


def _members(
    above: _Parents, leaves: NDArray[np.int64], totals: NDArray[np.int64], repeating: NDArray[np.bool_]
) -> sparse.csr_array:
    """Mark the places that each total counts."""
    counted = np.zeros((len(totals), len(leaves)))
    for at, total in enumerate(totals):
        match above.level[total]:
            case Level.NATION:
                counted[at] = 1.0
            case Level.PROVINCE:
                counted[at] = above.province[leaves] == total
            case _ if repeating[total]:
                counted[at] = leaves == total - 1
            case _:
                counted[at] = above.prefecture[leaves] == total
    return sparse.csr_array(counted)
