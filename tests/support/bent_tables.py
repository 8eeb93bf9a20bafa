"""A census table bent in a list of small ways: what may be done to its cells, rows, columns, text and declarations."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

HEADER = ("code", "name", "prov", "prov_name", "pref", "lon", "lat", "km2", "p2010", "p2020")
HEADER += ("birth", "death", "school", "urban")
SEPARATORS = {"comma": ",", "space": " ", "apostrophe": "'"}
NAMES = ["东城", "西城", "朝阳", "丰台", "石景", "海淀", "和平", "河东", "南开"]

Edit = tuple[Any, ...]
"""What is done, and to which cells: ("cell", row, column, text), ("drop_row", row) ..."""


@dataclass(frozen=True)
class Bent:
    """How a table differs from the sound one.

    Attributes:
        edits: Changes of cells, rows and columns, in order.
        options: What is declared.
        encoding: Of the file, and the declared one.
        layout: Delimiter, line end, and whether every cell is quoted.
    """

    edits: tuple[Edit, ...] = ()
    options: frozenset[str] = frozenset()
    encoding: tuple[str, str] = ("utf-8", "utf-8-sig")
    layout: tuple[str, str, bool] = (",", "\n", False)

    @property
    def truthful(self) -> bool:
        """Whether the text is declared as what it is."""
        return self.encoding in ENCODINGS[:5]


ENCODINGS = [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-8-sig"), ("gb18030", "gb18030")]
ENCODINGS += [("utf-8", "utf-8"), ("gb18030", "utf-8-sig"), ("utf-8", "gb18030"), ("utf-8", "cp1252")]
ENCODINGS += [("gb18030", "latin-1"), ("utf-16-le", "utf-8-sig"), ("utf-8", "utf-16"), ("utf-8", "no-such")]

_grouped: dict[str, Callable[[str], str]] = {
    f"grouped {mark}": lambda text, mark=mark: f"{int(text):,}".replace(",", mark) for mark in (",", " ", "'")
}
REWRITES: dict[str, Callable[[str], str]] = {
    **_grouped,
    "wide": lambda text: "".join(chr(ord(mark) + 0xFEE0) if mark in "0123456789.+-," else mark for mark in text),
    "one wide": lambda text: text[:-1] + chr(ord(text[-1]) + 0xFEE0),
    "exponent": lambda text: f"{Decimal(text):e}",
    "in thousands": lambda text: f"{Decimal(text) / 1000}e3",
    "in ten thousands": lambda text: str(Decimal(text) / 10_000),
    "times ten thousand": lambda text: str(Decimal(text) * 10_000),
    "half": lambda text: str(Decimal(text) / 2),
    "a third": lambda text: str(Decimal(text) / 3),
    "comma for point": lambda text: text.replace(".", ","),
    "grouped wrongly": lambda text: f"{text[0]},{text[1:]}",
    "twice": lambda text: text + text,
    "Arabic digits": lambda text: "".join(chr(0x0660 + int(mark)) if mark.isdecimal() else mark for mark in text),
    "in hexadecimal": lambda text: hex(int(text)),
    **{
        f"before {mark!r}": lambda text, mark=mark: mark + text
        for mark in ("+", "-", "−", "0", "00", "约", "'", "=", " ")
    },
    **{
        f"after {mark!r}": lambda text, mark=mark: text + mark
        for mark in (
            ".",
            ".0",
            ".50",
            ".0000001",
            "*",
            "²",
            "万",
            "人",
            "%",
            "e3",
            "E0",
            "_0",
            "f",
            " ",
            "\u3000",
            "\xa0",
        )
    },
}
TEXTS = ["", " ", "0", "-0", "1", "-1", "-", "…", "NA", "nan", "NaN", "inf", "-Infinity", "1e400", "1e-400", "1e18"]
TEXTS += [
    "9007199254740993",
    "None",
    "null",
    "TRUE",
    "0.1",
    "1.5",
    "1,234",
    "#REF!",
    "=SUM(I2:I9)",
    "½",
    "Ⅷ",
    "١٢",
    "1 2",
]
TEXTS += [
    "110101",
    "11010",
    "110101.0",
    "1.10101E+05",
    "0110101",
    "120109",
    "110000",
    "110100",
    "合计",
    "市辖区",
    "全国",
]
TEXTS += [
    'a"b',
    "a,b",
    "two\nlines",
    "\ufeff110101",
    "110101\u200b",
    "\u202e123",
    "¼×Êé",
    "p2010",
    "\x85",
    "11",
    "12",
    "99",
]

_row, _column = st.integers(0, 11), st.integers(0, 15)
# Half of the edits go where they hurt: codes and people.
_at = _column | st.sampled_from([0, 8, 9])
_text = st.sampled_from(TEXTS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
_text |= st.integers(0, 10**7).map(str) | st.decimals(0, 10**5, places=2).map(str)
_EDITS = st.one_of(
    st.tuples(st.just("cell"), _row, _at, _text),
    st.tuples(st.just("rewrite"), _row, _at, st.sampled_from(list(REWRITES))),
    st.tuples(st.just("rewrite"), _row, st.sampled_from([8, 9]), st.sampled_from(list(REWRITES))),
    st.tuples(st.just("rewrite_column"), _at, st.sampled_from(list(REWRITES))),
    st.tuples(st.just("swap_rows"), _row, _row),
    st.tuples(st.just("swap_columns"), _column, _column),
    st.tuples(st.just("blank_row"), _row, st.sampled_from([0, 1, 14])),
    st.tuples(
        st.just("total"), _row, st.sampled_from(["", "11", "1101", "1102", "12"]), st.sampled_from([0, 0, 0, 1, -5])
    ),
    st.tuples(st.just("insert_column"), _column, st.sampled_from(["", "note", "p2010", "code", " p2010 "]), _text),
    st.tuples(st.sampled_from(["drop_row", "drop_column", "short_row", "long_row"]), _row),
    st.tuples(st.sampled_from(["copy_row", "copy_column", "swap_names"]), _row, _row),
    st.tuples(st.just("rename"), _column, st.sampled_from([*HEADER, "P2010", " p2010", "", "p 2010"])),
)
OPTIONS = [*SEPARATORS, "missing", "totals", "normalize", "fractional", "zero", "wan", "mean", "own_parents"]
OPTIONS += ["own_position", "own_area"]
BENT = st.builds(
    Bent,
    st.lists(_EDITS, max_size=3).map(tuple),
    st.frozensets(st.sampled_from(OPTIONS), max_size=4),
    st.sampled_from([*ENCODINGS[:5] * 4, *ENCODINGS]),
    st.just((",", "\n", False))
    | st.tuples(st.sampled_from([*",,,,,,,", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()),
)


def bend(grid: list[list[str]], edits: Sequence[Edit]) -> list[list[str]]:
    """Make the changes; a row or column that is not there is another one."""
    grid = [list(row) for row in grid]
    for kind, *rest in edits:
        if len(grid) > 1 and all(grid):
            _EDITORS[kind](grid, *rest)
    return grid


def _data(grid: list[list[str]], row: int) -> int:
    return 1 + row % (len(grid) - 1)


def _set(grid: list[list[str]], row: int, column: int, text: str) -> None:
    cells = grid[_data(grid, row)]
    cells[column % len(cells)] = text


def _rewrite(grid: list[list[str]], row: int, column: int, way: str) -> None:
    cells = grid[_data(grid, row)]
    with contextlib.suppress(ValueError, IndexError, ArithmeticError):  # the cell holds no number to rewrite
        cells[column % len(cells)] = REWRITES[way](cells[column % len(cells)])


def _rewrite_column(grid: list[list[str]], column: int, way: str) -> None:
    for row in range(len(grid) - 1):
        _rewrite(grid, row, column, way)


def _swap(grid: list[list[str]], first: int, second: int) -> None:
    a, b = _data(grid, first), _data(grid, second)
    grid[a], grid[b] = grid[b], grid[a]


def _swap_columns(grid: list[list[str]], first: int, second: int) -> None:
    for cells in grid:
        a, b = first % len(cells), second % len(cells)
        cells[a], cells[b] = cells[b], cells[a]


def _total(grid: list[list[str]], at: int, prefix: str, off: int) -> None:
    """A row that adds up others, or nearly."""
    parts = [row for row in grid[1:] if row[0].startswith(prefix)]
    cells = list(grid[1])
    try:
        for column in (8, 9):
            cells[column % len(cells)] = str(sum(int(row[column % len(row)]) for row in parts) + off)
    except ValueError:
        return
    cells[:2] = prefix.ljust(6, "0"), "合计"
    grid.insert(_data(grid, at), cells)


def _insert_column(grid: list[list[str]], at: int, name: str, text: str) -> None:
    for number, cells in enumerate(grid):
        cells.insert(at % len(cells), text if number else name)


def _copy_column(grid: list[list[str]], source: int, at: int) -> None:
    for cells in grid:
        cells.insert(at % len(cells), cells[source % len(cells)])


def _drop_column(grid: list[list[str]], column: int) -> None:
    for cells in grid:
        del cells[column % len(cells)]


def _swap_names(grid: list[list[str]], first: int, second: int) -> None:
    _swap_columns(grid[:1], first, second)


_EDITORS: dict[str, Callable[..., None]] = {
    "cell": _set,
    "rewrite": _rewrite,
    "rewrite_column": _rewrite_column,
    "swap_rows": _swap,
    "swap_columns": _swap_columns,
    "swap_names": _swap_names,
    "total": _total,
    "insert_column": _insert_column,
    "copy_column": _copy_column,
    "drop_column": _drop_column,
    "blank_row": lambda grid, at, width: grid.insert(_data(grid, at), [""] * width),
    "drop_row": lambda grid, row: grid.pop(_data(grid, row)),
    "short_row": lambda grid, row: grid[_data(grid, row)].pop(),
    "long_row": lambda grid, row: grid[_data(grid, row)].append("x"),
    "copy_row": lambda grid, row, at: grid.insert(_data(grid, at), list(grid[_data(grid, row)])),
    "rename": lambda grid, column, name: grid[0].__setitem__(column % len(grid[0]), name),
}
