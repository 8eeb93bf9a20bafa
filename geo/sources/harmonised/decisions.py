"""Decisions that no rule can make: a short table with one row and one reason for each unit of a census."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo.checks.keys import read_table
from geo.errors import DataError, error

COLUMNS = ("year", "from", "to", "reason")


@dataclass(frozen=True)
class Decision:
    """The polygons in which a unit of a census lies.

    Attributes:
        year: Census.
        unit: Key of the census unit.
        polygons: Codes of the map.
        reason: Why, for the audit.
        line: Line of the table.
    """

    year: int
    unit: str
    polygons: tuple[str, ...]
    reason: str
    line: int


def read(path: Path) -> tuple[Decision, ...]:
    """Read the table: columns year, from, to (polygons separated by semicolons and spaces), reason.

    Raises:
        DataError: What the table reader finds; E-COL-MISSING; E-DECISION where a cell is blank or no year.
    """
    rows, issues = read_table(path, "[zones.harmonise] decisions", COLUMNS), []
    for row in range(rows.rows):
        for column in COLUMNS:
            text = rows.columns[column][row]
            if not text or (column == "year" and not (text.isdecimal() and len(text) == 4)):
                rule = "a decision has a year, a unit, its polygons and a reason"
                issues.append(rows.wrong_cell("E-DECISION", row, column, rule, "write it"))
    if issues:
        raise DataError(issues)
    year, unit, polygons, reason = (rows.columns[name] for name in COLUMNS)
    into = [tuple(code.strip() for code in cell.split(";")) for cell in polygons]
    return tuple(
        Decision(int(year[row]), unit[row], into[row], reason[row], rows.lines[row]) for row in range(rows.rows)
    )


def check(
    decisions: Sequence[Decision],
    units: Mapping[int, Collection[str]],
    polygons: Collection[str],
    vintage: int,
    file: str,
) -> None:
    """Refuse decisions that would have no effect.

    They name units or polygons that do not exist, a polygon twice or with itself, or there are two about one unit.

    Units are those of each census, and of the map (whose polygons they must name) under the year of its borders.

    Raises:
        DataError: E-DECISION.
    """
    issues = []
    times = Counter((decision.year, decision.unit) for decision in decisions)
    for decision in decisions:
        unit, year = decision.unit, decision.year
        rules = []
        if times[year, unit] > 1:
            rules.append(("from", unit, f"{unit} has one row in {year}; several polygons are separated by semicolons"))
        if unit not in units.get(year, ()):
            rules.append(("from", unit, f"neither a census nor the map of {year} has a unit {unit}"))
        for code, named in Counter(decision.polygons).items():
            if code not in polygons:
                rules.append(("to", code, "the map has no such polygon"))
            elif year == vintage and code == unit:
                rules.append(("to", code, "a polygon is joined to others, not to itself"))
            if named > 1:
                rules.append(("to", code, "a row names a polygon once"))
        fix = "correct the row, or remove it"
        issues += [
            error("E-DECISION", file, line=decision.line, column=column, value=value, rule=rule, fix=fix)
            for column, value, rule in rules
        ]
    if issues:
        raise DataError(issues)
