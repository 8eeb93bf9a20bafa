"""Text to numbers, strictly: what is not a number is reported, never coerced."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo.errors import Issue

from .table import Table

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_MARKED = re.compile(r"[^0-9+-]*([+-]?[0-9][0-9,.]*)[^0-9]*")
# The wide forms of East Asian keyboards, and the minus of typographers. Full NFKC would read the footnote mark of
# "5000²" as a digit and make fifty thousand of it.
_WIDE = str.maketrans("０１２３４５６７８９．，＋－−", "0123456789.,+--")
# Texts that year-books and programs write for an unknown, small or absent number.
_USUAL_MISSING = frozenset(
    ("-", "--", "—", "——", "–", "…", "……", "..", "...", "x", "X", "/", "*", "na", "n/a", "nan", "null", "none", "#n/a")
)

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
"""Factor from a unit of the config to persons, shares and rates without a prefix."""


def read_column(
    table: Table, column: str, people: Sequence[float | None] | None = None
) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read one column as numbers.

    Residents of each row are for the messages.

    Returns:
        Numbers, shape (rows,), NaN where the cell is blank, declared missing, or wrong; E-NUM and E-NUM-INF for the
        wrong ones; and W-NUM-FULLWIDTH, once, where digits of East Asian width were read.
    """
    numbers = np.full(table.rows, np.nan)
    issues, wide = [], []
    for row, cell in enumerate(table.columns[column]):
        if not cell or cell in table.missing:
            continue
        narrow = cell if cell.isascii() else cell.translate(_WIDE)
        value = parse(narrow, table.thousands)
        if value is None or math.isinf(value):
            code, rule, fix = _explain(narrow, value, table)
            issues.append(table.wrong_cell(code, row, column, rule, fix, people[row] if people is not None else None))
            continue
        numbers[row] = value
        if narrow is not cell:
            wide.append(row)
    return numbers, issues + _fullwidth(table, column, wide)


def parse(text: str, thousands: str | None = None) -> float | None:
    """Read a decimal number with separators of thousands; None where it is not one, infinite where it is too large."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if thousands and re.fullmatch(rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+(\.[0-9]*)?", text):
        return float(text.replace(thousands, ""))
    return float(text) if _INFINITE.fullmatch(text) else None


def _fullwidth(table: Table, column: str, rows: Sequence[int]) -> list[Issue]:
    if not rows:
        return []
    rule, fix = f"{len(rows)} cells of the column have digits of full width", "none needed: they were read as digits"
    return [table.wrong_cell("W-NUM-FULLWIDTH", rows[0], column, rule, fix)]


def _explain(text: str, value: float | None, table: Table) -> tuple[str, str, str]:
    """Give code, rule and fix for a cell that is not a finite number."""
    if value is not None:
        return "E-NUM-INF", "a number must be finite", "write the number, or leave the cell blank where it is unknown"
    rule = "a number in plain decimal notation"
    if text.startswith("=") or (text.startswith("#") and text.endswith(("!", "?", "A"))):
        rule = "a number, not an error or a formula without its result"
        return "E-NUM", rule, "calculate and save the workbook, or write the number"
    if text.lower() in _USUAL_MISSING:
        return "E-NUM", rule, f'if it means "unknown", declare it: {table.where} missing_values = ["{text}"]'
    if parse(text, ",") is not None:
        return "E-NUM", "a number without separators", f'declare them: {table.where} thousands = ","'
    if _DECIMAL_COMMA.fullmatch(text):
        return "E-NUM", "decimals begin with a point", "export it with decimal points"
    if marked := _MARKED.fullmatch(text):
        return "E-NUM", rule, f"write the number alone (is it {marked[1]}, and in the unit of the column?)"
    return "E-NUM", rule, "write the number alone, or leave the cell blank where it is unknown"
