"""Cells of any kind of file as text, and their types in the file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from geo.errors import DataError, error
from geo.opening import limits

Kind = Literal["text", "integer", "float"]
"""Type of a column in its file: whole numbers keep their digits, floating ones may not."""

# Beyond 2 to the power of 53 a floating number no longer holds every integer.
_EXACT = 2.0**53


@dataclass(frozen=True)
class Grid:
    """A sheet of cells as read, before it is a table.

    Attributes:
        header: Names of the columns.
        rows: Line and cells of each row below the header, "" where blank.
        kinds: Kind of the columns that are not text.
    """

    header: list[str]
    rows: list[tuple[int, list[str]]]
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def filled(self) -> Self:
        """Leave out the rows without any text."""
        return replace(self, rows=[(line, row) for line, row in self.rows if any(row)])


def text(cell: object) -> str:
    """Write a typed cell as in a CSV file: an absent one is blank, a whole number has no fraction."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float):
        if math.isnan(cell):
            return ""
        return str(int(cell)) if abs(cell) < _EXACT and cell.is_integer() else repr(cell)
    return "" if cell is None else str(cell).strip()


def check_size(file: str, rows: int, columns: int) -> None:
    """Refuse a table before it is read.

    Raises:
        DataError: E-SIZE-LIMIT.
    """
    if rows > limits.ROWS or rows * columns > limits.CELLS:
        value = f"{rows:,} rows, {columns:,} columns"
        rule = f"a table has at most {limits.ROWS:,} rows and {limits.CELLS:,} cells"
        raise DataError([error("E-SIZE-LIMIT", file, value=value, rule=rule, fix="keep the rows and columns needed")])
