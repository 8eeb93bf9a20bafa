"""What no rule can decide: a short table on file, one row and one reason for each unit of a census."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo.checks.keys import check_columns
from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.tables import table

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
    """Read the table: columns year, from, to (polygons between semicolons, spaces around them allowed), reason.

    Raises:
        DataError: What the table reader finds; E-COL-MISSING; E-DECISION where a cell is blank or no year.
    """
    rows = table.read(FileConfig.model_validate({"file": path}), "[zones.harmonise] decisions")
    issues = check_columns(rows.file, rows.columns, COLUMNS)
    if issues:
        raise DataError(issues)
    for row in range(rows.rows):
        for column in COLUMNS:
            text = rows.columns[column][row]
            if not text or (column == "year" and not (text.isdecimal() and len(text) == 4)):
                rule = "a decision has a year, a unit, its polygons and a reason"
                issues.append(rows.wrong_cell("E-DECISION", row, column, rule, "write it", None))
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
    """Refuse decisions that would decide nothing in silence.

    They name units or polygons that do not exist, a polygon twice or with itself, or there are two about one unit.

    Args:
        decisions: What the table says.
        units: Units of each census, and of the map under the year of its borders.
        polygons: Codes of the map.
        vintage: Year of the map.
        file: Base name of the table.

    Raises:
        DataError: E-DECISION.
    """
    issues = []
    times = Counter((decision.year, decision.unit) for decision in decisions)
    for decision in decisions:
        if times[decision.year, decision.unit] > 1:
            rule = f"{decision.unit} has one row in {decision.year}; several polygons stand between semicolons"
            issues.append(_wrong(decision, "from", decision.unit, rule, file))
        if decision.unit not in units.get(decision.year, ()):
            rule = f"neither a census nor the map of {decision.year} has a unit {decision.unit}"
            issues.append(_wrong(decision, "from", decision.unit, rule, file))
        issues += [
            _wrong(decision, "to", code, rule, file) for code, rule in _useless_polygons(decision, polygons, vintage)
        ]
    if issues:
        raise DataError(issues)


def _useless_polygons(decision: Decision, polygons: Collection[str], vintage: int) -> list[tuple[str, str]]:
    """Give the polygons of a decision that mean nothing, with the rule each breaks."""
    found = []
    for code, times in Counter(decision.polygons).items():
        if code not in polygons:
            found.append((code, "the map has no such polygon"))
        elif decision.year == vintage and code == decision.unit:
            found.append((code, "a polygon is joined to others, not to itself"))
        if times > 1:
            found.append((code, "a polygon stands once in a row"))
    return found


def _wrong(decision: Decision, column: str, value: str, rule: str, file: str) -> Issue:
    fix = "correct the row, or remove it"
    return error("E-DECISION", file, line=decision.line, column=column, value=value, rule=rule, fix=fix)
