"""Misprints of a year-book, mended cell by cell as a table with evidence says; nothing else is ever mended."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from geo.checks.keys import check_columns
from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.tables import table as tables
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
        use: The cell as it must be; blank means that nobody knows.
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

    Args:
        path: CSV file with the columns `COLUMNS`.
        book: Base name of the workbook; lines about other files are left alone.

    Raises:
        DataError: What `geo.tables.table.read` raises, E-COL-MISSING, E-CORRECTION.
    """
    table = tables.read(FileConfig.model_validate({"file": path}), "corrections")
    issues = check_columns(table.file, table.columns, COLUMNS)
    if issues:
        raise DataError(issues)
    cells = zip(table.lines, *(table.columns[name] for name in COLUMNS), strict=True)
    mine = [(at, *rest) for at, file, *rest in cells if file == book]
    issues = [_not_a_line(table.file, at, line) for at, line, *_ in mine if not line.isdecimal()]
    issues += [_unexplained(table.file, at) for at, *_, reason in mine if not reason]
    times = Counter((line, column) for _, line, column, *_ in mine)
    issues += [_twice(table.file, at, column) for at, line, column, *_ in mine if times[line, column] > 1]
    if issues:
        raise DataError(issues)
    return [Correction(at, int(line), column, found, use, why) for at, line, column, found, use, why in mine]


def apply(table: Table, corrections: list[Correction], file: str) -> tuple[Table, list[Issue]]:
    """Replace the cells that corrections name.

    Args:
        table: The year-book as it stands.
        corrections: Its misprints.
        file: Base name of the table of corrections, for messages.

    Returns:
        The table with the corrected cells; E-CORRECTION for each correction that does not fit the file.
    """
    rows = {line: row for row, line in enumerate(table.lines)}
    columns = {name: list(table.columns[name]) for name in {one.column for one in corrections} & set(table.columns)}
    issues = []
    for correction in corrections:
        cells, row = columns.get(correction.column), rows.get(correction.line)
        if cells is None or row is None:
            issues.append(_misplaced(file, correction))
        elif cells[row] != correction.found:
            issues.append(_text_differs(file, correction, cells[row]))
        else:
            cells[row] = correction.use
    corrected = {name: tuple(columns.get(name, cells)) for name, cells in table.columns.items()}
    return dataclasses.replace(table, columns=corrected), issues


def _not_a_line(file: str, at: int, line: str) -> Issue:
    rule, fix = "the line is the number of a row of the sheet", "write the number alone"
    return error("E-CORRECTION", file, line=at, column="line", value=line, rule=rule, fix=fix)


def _unexplained(file: str, at: int) -> Issue:
    rule, fix = "a correction says what proves it", "write the evidence"
    return error("E-CORRECTION", file, line=at, column="reason", value="", rule=rule, fix=fix)


def _twice(file: str, at: int, column: str) -> Issue:
    rule, fix = "a cell is corrected once", "keep one of the lines"
    return error("E-CORRECTION", file, line=at, column="column", value=column, rule=rule, fix=fix)


def _misplaced(file: str, correction: Correction) -> Issue:
    rule = f"the year-book has no row {correction.line} with a column {correction.column!r}"
    fix = "correct line or column; headers are written without spaces and line breaks"
    return error("E-CORRECTION", file, line=correction.at, column="column", value=correction.column, rule=rule, fix=fix)


def _text_differs(file: str, correction: Correction, text_found: str) -> Issue:
    rule = f"row {correction.line} of the year-book has {text_found!r} in {correction.column!r}"
    fix = "this is another edition of the file: check the cell, then correct or remove the line"
    return error("E-CORRECTION", file, line=correction.at, column="found", value=correction.found, rule=rule, fix=fix)
