"""Year-books bent at random: a coded error, or the places have the people that the book prints for its provinces."""

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from properties import Tally, cases, complete
from small_book import MEANS, ROWS_2020, SmallBook

from geo.sources import yearbooks
from geo.sources.yearbooks import ADAPTERS, CensusTable, reading
from geo.tables.table import Table

pytestmark = pytest.mark.fuzz

BOOK = ADAPTERS["china_2020"]
RESIDENTS = BOOK.columns["residents"][()]
SIMPLE = [BOOK.name, BOOK.code, RESIDENTS, *BOOK.columns["households"].values(), *BOOK.columns["urban"].values()]
SIMPLE += [*BOOK.columns["schooling"].values(), *BOOK.columns["in_migrants"].values()]
MEAN_COLUMNS = {header for name in MEANS for header in BOOK.columns.get(name, {}).values()}
# Rows that count others, each with the rows whose sizes it adds up.
TOTALS = {0: (3, 4, 5, 6, 7, 10, 11), 1: (3, 4, 5, 6, 7), 2: (3, 4, 5), 8: (10, 11), 9: (10, 11)}
TEXTS = [
    "",
    "NA",
    "0",
    "-1",
    "1",
    "38",
    "38.5",
    "1,000",
    "３８",
    "38*",
    "inf",
    "nan",
    "1e3",
    "全国",
    "110000",
    "110100",
]
TEXTS += ["110101", "120101", "13000", "省直辖县级行政区划", "999999", "x"]

_row = st.integers(0, 11)
_EDITS = st.one_of(
    st.tuples(st.just("cell"), _row, st.sampled_from(SIMPLE), st.sampled_from(TEXTS)),
    st.tuples(st.just("cell"), _row, st.sampled_from(SIMPLE[3:]), st.sampled_from(TEXTS)),
    st.tuples(st.just("more"), _row, st.sampled_from(SIMPLE[2:]), st.integers(-3, 3)),
    st.tuples(st.sampled_from(["drop", "copy", "blank"]), _row),
    st.tuples(st.just("swap"), _row, _row),
)


def sized(base: Table, sizes: tuple[int, ...]) -> Table:
    """Give every place another size, and every total their sum."""
    of = {row: sizes[at] for at, row in enumerate(TOTALS[0])}
    of |= {row: sum(of[part] for part in parts) for row, parts in TOTALS.items()}
    columns = dict(base.columns)
    for header in {header for cells in BOOK.columns.values() for header in cells.values()} - MEAN_COLUMNS:
        columns[header] = tuple(str(int(base.columns[header][3]) * of[row]) for row in range(base.rows))
    return dataclasses.replace(base, columns=columns)


def bend(table: Table, edits: list[Any]) -> Table:
    """Change cells and rows."""
    columns = {name: list(cells) for name, cells in table.columns.items()}
    lines = list(table.lines)
    for kind, first, *rest in edits:
        at = first % len(lines)
        if kind == "cell":
            columns[rest[0]][at] = rest[1]
        elif kind == "more" and columns[rest[0]][at].isdecimal():
            columns[rest[0]][at] = str(int(columns[rest[0]][at]) + rest[1])
        elif kind == "blank":
            columns[RESIDENTS][at] = "NA"
        elif kind in ("drop", "copy", "swap"):
            other = rest[0] % len(lines) if rest else at
            for cells in columns.values():
                if kind == "swap":
                    cells[at], cells[other] = cells[other], cells[at]
                elif kind == "copy":
                    cells.insert(at, cells[at])
                elif len(lines) > 2:
                    del cells[at]
            lines = list(range(2, len(columns[RESIDENTS]) + 2))
    return dataclasses.replace(table, columns={name: tuple(c) for name, c in columns.items()}, lines=tuple(lines))


def check(read: CensusTable, bent: Table) -> None:
    """Compare the places with the cells of the book."""
    names, codes, residents = (bent.columns[name] for name in (BOOK.name, BOOK.code, RESIDENTS))
    row_of = {line: row for row, line in enumerate(bent.lines)}
    kept = [row_of[line] for line in read.places["line"]]
    assert read.places["people"].tolist() == [int(Decimal(wide(residents[row]))) for row in kept]
    assert read.places["name"].tolist() == [names[row] for row in kept]
    assert read.places.index.is_unique
    assert read.quantities["residents"].values.tolist() == read.places["people"].tolist()
    provinces = [row for row in row_of.values() if codes[row].endswith("0000")]
    printed = sum(int(Decimal(wide(residents[row]))) for row in provinces)
    assert read.places["people"].sum() == printed
    for row in set(row_of.values()) - set(kept):
        total = codes[row].endswith("00") or names[row] in ("全国", "省直辖县级行政区划")
        assert total or residents[row] in ("", "NA")
    complete(read.issues)


def wide(text: str) -> str:
    return "".join(chr(ord(mark) - 0xFEE0) if "０" <= mark <= "９" else mark for mark in text)


def test_a_bent_year_book_is_refused_or_nobody_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SmallBook(tmp_path, 2020, list(ROWS_2020)).write()
    read: list[Table] = []
    read_file = reading.tables.read
    monkeypatch.setattr(reading.tables, "read", lambda *of: read.append(read_file(*of)) or read[-1])
    yearbooks.read(config, 2020)
    base, now, tally = read[0], {}, Tally()
    monkeypatch.setattr(reading.tables, "read", lambda *of: now["table"])

    @given(st.tuples(*[st.integers(1, 400)] * 7), st.lists(_EDITS, max_size=3))
    @example((1, 2, 3, 40, 10, 50, 7), [("blank", 5), ("blank", 2)])
    @cases(150)
    def case(sizes: tuple[int, ...], edits: list[Any]) -> None:
        now["table"] = bend(sized(base, sizes), edits)
        result = tally.run(lambda: yearbooks.read(config, 2020))
        if result is not None:
            check(result, now["table"])

    case()
    tally.check(150, 0.05)
