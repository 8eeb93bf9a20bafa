"""Text to numbers, strictly: what is not a number is reported, never coerced."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo.errors import Issue

from .table import Table

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)

SCALE = {
    "persons": 1.0,
    "ten_thousand_persons": 1e4,
    "km2": 1.0,
    "years": 1.0,
    "per_mille": 1e-3,
    "per_cent": 1e-2,
    "1": 1.0,
    "m2_per_person": 1.0,
    "degrees": 1.0,
}
"""What a number in a unit of the config is multiplied by: persons, shares and rates lose their prefix."""


def read_column(
    table: Table, column: str, people: Sequence[float | None], thousands: str | None = None
) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read one column as numbers.

    Args:
        table: The table, which has the column.
        column: Name of the column.
        people: Residents of each row, for the messages.
        thousands: Separator between groups of three digits, if any is declared.

    Returns:
        Numbers, shape (rows,), NaN where the cell is blank or wrong; and E-NUM and E-NUM-INF for the wrong ones.
    """
    numbers = np.full(table.rows, np.nan)
    issues = []
    for row, text in enumerate(table.columns[column]):
        if not text:
            continue
        value = parse(text, thousands)
        if value is not None and np.isfinite(value):
            numbers[row] = value
            continue
        code, rule, fix = _explain(text, value, thousands)
        issues.append(table.wrong_cell(code, row, column, rule, fix, people[row]))
    return numbers, issues


def parse(text: str, thousands: str | None = None) -> float | None:
    """Read one number in decimal notation; None where it is not one, infinite where it is too large.

    Args:
        text: The cell, without spaces around it.
        thousands: Separator accepted between groups of three digits.
    """
    if thousands and re.fullmatch(rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+(\.[0-9]*)?", text):
        text = text.replace(thousands, "")
    if _INFINITE.fullmatch(text):
        return float(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def _explain(text: str, value: float | None, thousands: str | None) -> tuple[str, str, str]:
    if value is not None:
        return "E-NUM-INF", "a number must be finite", "write the number, or leave the cell blank where it is unknown"
    if thousands is None and parse(text, ",") is not None:
        return "E-NUM", "a number without separators", 'declare them: [zones.table] thousands = ","'
    rule = "a number in plain decimal notation"
    return "E-NUM", rule, "write the number alone, or leave the cell blank where it is unknown"
