"""Misprints of a year-book, corrected cell by cell by a table with evidence; nothing else is ever corrected."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from geo.checks.keys import read_table
from geo.errors import DataError, Issue, error
from geo.tables.table import Table

COLUMNS = ("file", "line", "column", "found", "use", "reason")


@dataclass(frozen=True)
class Correction:
    """One misprint.

    Attributes:
        at: Line of the table of corrections.
        line: Row of the sheet.
        column: Header, without spaces and line breaks.
        found: The cell as it stands.
        use: The correct cell; blank where it is unknown.
        reason: The evidence.
    """

    at: int
    line: int
    column: str
    found: str
    use: str
    reason: str


def read(path: Path, book: str) -> list[Correction]:
    """Read the corrections of one workbook.

    Lines about other workbooks than `book` are left alone.

    Raises:
        DataError: What `geo.tables.table.read` raises, E-COL-MISSING, E-CORRECTION.
    """
    table, issues = read_table(path, "corrections", COLUMNS), []
    cells = zip(table.lines, *(table.columns[name] for name in COLUMNS), strict=True)
    mine = [(at, *rest) for at, file, *rest in cells if file == book]
    times = Counter((line, column) for _, line, column, *_ in mine)
    for at, line, column, _, _, reason in mine:
        if not line.isdecimal():
            rule, fix = "the line is the number of a row of the sheet", "write the number alone"
            issues.append(_wrong(table.file, at, "line", line, rule, fix))
        if not reason:
            rule, fix = "a correction has a reason that proves it", "write the evidence"
            issues.append(_wrong(table.file, at, "reason", "", rule, fix))
        if times[line, column] > 1:
            issues.append(_wrong(table.file, at, "column", column, "a cell is corrected once", "keep one of the lines"))
    if issues:
        raise DataError(issues)
    return [Correction(at, int(line), column, found, use, why) for at, line, column, found, use, why in mine]


def apply(table: Table, corrections: list[Correction], file: str) -> tuple[Table, list[Issue]]:
    """Replace the cells that the corrections in `file` name.

    Returns:
        The table with the corrected cells; E-CORRECTION for each correction that does not fit the file.
    """
    rows = {line: row for row, line in enumerate(table.lines)}
    columns = {name: list(table.columns[name]) for name in {one.column for one in corrections} & set(table.columns)}
    issues = []
    for one in corrections:
        cells, row = columns.get(one.column), rows.get(one.line)
        if cells is None or row is None:
            rule = f"the year-book has no row {one.line} with a column {one.column!r}"
            fix = "correct line or column; headers are written without spaces and line breaks"
            issues.append(_wrong(file, one.at, "column", one.column, rule, fix))
        elif cells[row] != one.found:
            rule = f"row {one.line} of the year-book has {cells[row]!r} in {one.column!r}"
            fix = "this is another edition of the file: check the cell, then correct or remove the line"
            issues.append(_wrong(file, one.at, "found", one.found, rule, fix))
        else:
            cells[row] = one.use
    corrected = {name: tuple(columns.get(name, cells)) for name, cells in table.columns.items()}
    return dataclasses.replace(table, columns=corrected), issues


def _wrong(file: str, at: int, column: str, value: str, rule: str, fix: str) -> Issue:
    return error("E-CORRECTION", file, line=at, column=column, value=value, rule=rule, fix=fix)
