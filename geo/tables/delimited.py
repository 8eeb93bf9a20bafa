"""CSV files: records of cells between commas, each with the line it begins in."""

import csv
import io
from pathlib import Path

from geo.errors import DataError, error

from . import text
from .cells import Grid, check_size

_OTHER_MARKS = (";", "\t", "|")


def read(path: Path, encoding: str, header: int, where: str) -> Grid:
    """Read a CSV file without interpreting a cell; the record `header`, from 1, names the columns.

    Raises:
        DataError: E-ENC, E-CSV-DELIM, E-SIZE-LIMIT or E-IO-CORRUPT.
    """
    content = text.decode(path.read_bytes(), encoding, path.name, where)
    check_size(path.name, content.count("\n"), 1)
    records = _records(content, path.name)
    if len(records) < header:
        return Grid([], [])
    line, names = records[header - 1]
    _check_delimiter(path.name, line, names)
    return Grid(names, records[header:])


def _records(content: str, file: str) -> list[tuple[int, list[str]]]:
    """Split text into records; the line is the one a record begins in, for a quoted cell may hold several."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for record in reader:
            records.append((start, [cell.strip() for cell in record]))
            start = reader.line_num + 1
    except csv.Error as failure:
        # Quoted cells between other marks are an error of the separator, not damage.
        _check_delimiter(file, start, content.splitlines()[start - 1].split(","))
        issue = error("E-IO-CORRUPT", file, line=start, rule=f"not a CSV row: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    return records


def _check_delimiter(file: str, line: int, names: list[str]) -> None:
    """A header that holds more of another mark than of commas was not written with commas."""
    whole = ",".join(names)
    for mark in _OTHER_MARKS:
        if whole.count(mark) >= len(names):
            rule = f"commas separate cells and decimals begin with a point; this file has {mark!r} between cells"
            fix = "export it as a CSV file with commas and decimal points"
            raise DataError([error("E-CSV-DELIM", file, line=line, value=whole[:80], rule=rule, fix=fix)])
