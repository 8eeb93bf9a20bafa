"""Census tables as text: every cell as it stands in the file, with the line it stands in."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from geo.config import TableConfig
from geo.errors import DataError, Issue, error


@dataclass(frozen=True)
class Table:
    """A table before anything is believed about it.

    Attributes:
        file: Base name, for messages.
        columns: The cells of each column as text, "" where blank.
        lines: Line of each row (see `Issue.line`).
    """

    file: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(self.lines)

    def wrong_cell(self, code: str, row: int, column: str, rule: str, fix: str, people: float | None) -> Issue:
        """The error that a cell breaks `rule`, with the cell's place and text."""
        value = self.columns[column][row]
        return error(
            code, self.file, rule=rule, fix=fix, people=people, line=self.lines[row], column=column, value=value
        )


def read(config: TableConfig) -> Table:
    """Read a CSV, Excel or Parquet file without interpreting a cell.

    Raises:
        DataError: E-IO-MISSING, E-IO-FORMAT, E-IO-CORRUPT, E-ENC, E-CSV-DELIM, E-CSV-RAGGED, E-COL-DUP,
            E-LAYER-AMBIGUOUS, E-LAYER-MISSING or E-EMPTY.
    """
    path = config.file
    if not path.is_file():
        rule = f"no such file: {path}"
        raise DataError([error("E-IO-MISSING", path.name, rule=rule, fix="correct [zones.table] file")])
    match path.suffix.lower():
        case ".csv":
            header, rows = _read_csv(path, config.encoding)
        case ".xlsx":
            header, rows = _read_excel(path, config.sheet)
        case ".parquet":
            header, rows = _read_parquet(path)
        case other:
            rule = "a census table is a .csv, .xlsx or .parquet file"
            raise DataError([error("E-IO-FORMAT", path.name, value=other, rule=rule, fix="export it as one of these")])
    return _assemble(path.name, header, rows)


def _assemble(file: str, header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]) -> Table:
    """Turn rows into columns; a row without any text is a blank line, not a zone."""
    used = [(line, row) for line, row in rows if any(cell for cell in row)]
    issues = [
        error("E-COL-DUP", file, line=1, column=name, rule=f"{times} columns have this name", fix="rename all but one")
        for name, times in Counter(header).items()
        if times > 1 and name
    ]
    issues += [
        error(
            "E-CSV-RAGGED",
            file,
            line=line,
            value=",".join(row)[:80],
            rule=f"the row has {len(row)} cells, the header {len(header)}",
            fix="quote the cells that hold a separator",
        )
        for line, row in used
        if len(row) != len(header)
    ]
    if not used:
        issues.append(error("E-EMPTY", file, rule="the table has no rows", fix="export it again"))
    if issues:
        raise DataError(issues)
    cells = zip(*(row for _, row in used), strict=True)
    return Table(file, dict(zip(header, cells, strict=True)), tuple(line for line, _ in used))


def _read_csv(path: Path, encoding: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    raw = path.read_bytes()
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as failure:
        offset = f" (byte {failure.start})" if isinstance(failure, UnicodeDecodeError) else ""
        rule = f"the text is not {encoding}{offset}"
        fix = 'declare the encoding: [zones.table] encoding = "gb18030"'
        raise DataError([error("E-ENC", path.name, rule=rule, fix=fix)]) from failure
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            rows.append((start, [cell.strip() for cell in row]))
            start = reader.line_num + 1
    except csv.Error as failure:
        issue = error("E-IO-CORRUPT", path.name, line=start, rule=f"not a CSV row: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    header = rows[0][1] if rows else []
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        rule = "cells must be separated by commas"
        raise DataError([error("E-CSV-DELIM", path.name, line=1, value=header[0][:80], rule=rule, fix="export it so")])
    return header, rows[1:]


def _read_excel(path: Path, sheet: str | None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not an Excel workbook: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    try:
        names = ", ".join(book.sheetnames)
        if sheet is None and len(book.sheetnames) > 1:
            rule, fix = f"the workbook has several sheets: {names}", "name one: [zones.table] sheet = ..."
            raise DataError([error("E-LAYER-AMBIGUOUS", path.name, rule=rule, fix=fix)])
        if sheet is not None and sheet not in book.sheetnames:
            rule, fix = f"the workbook has the sheets {names}", "correct [zones.table] sheet"
            raise DataError([error("E-LAYER-MISSING", path.name, value=sheet, rule=rule, fix=fix)])
        cells = book[sheet or book.sheetnames[0]].iter_rows(values_only=True)
        rows = [(line, [_text(cell) for cell in row]) for line, row in enumerate(cells, start=1)]
    finally:
        book.close()
    return (rows[0][1], rows[1:]) if rows else ([], [])


def _read_parquet(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not a Parquet file: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    columns = [[_text(cell) for cell in column.to_pylist()] for column in table.columns]
    return table.column_names, [(line, list(row)) for line, row in enumerate(zip(*columns, strict=True), start=1)]


def _text(cell: object) -> str:
    """Write a typed cell as it would stand in a CSV file; an absent one is blank."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell).strip()
