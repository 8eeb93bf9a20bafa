"""Rows that are totals of other rows: they are found and left out of the zones, so that no person counts twice."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import PanelConfig, PopulationConfig
from geo.errors import Issue
from geo.tables.numbers import SCALE, read_column
from geo.tables.table import Table

_TOTAL = re.compile(r"(合计|总计|小计|其中.*|全国|全省|全市|(grand |sub)?-?total)", re.IGNORECASE)
_DISTRICTS = "市辖区"
# Names of districts end in 区; so do these three kinds, which are not among a city's districts.
_NO_DISTRICT = ("特区", "林区", "矿区")
# Digits of the parts of a code (GB/T 2260 and the statistical codes below it): province, prefecture, county.
_LEVELS = (2, 4, 6)


@dataclass(frozen=True)
class Split:
    """A table without its totals.

    Attributes:
        table: The rows that stand for zones.
        rows: Which rows of the original these are.
        rules: A sentence where declared totals were left out.
        issues: E-HIER-TOTAL, or E-HIER-SUM, or a warning, for each total.
    """

    table: Table
    rows: tuple[int, ...]
    rules: tuple[str, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class _Rows:
    """What identifies a total: codes, names without spaces, digits of a code, residents by year (NaN where unknown)."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    digits: int
    people: Mapping[int, NDArray[np.float64]]

    def of(self, prefix: str, among: Collection[int]) -> list[int]:
        """Give the rows of `among` whose code begins with `prefix`."""
        return [row for row in among if self.codes[row].startswith(prefix)]

    def sums(self, rows: Sequence[int]) -> dict[int, float]:
        """Add up the residents of some rows, by year."""
        return {year: math.fsum(count[list(rows)].tolist()) for year, count in self.people.items()}

    def last(self, row: int) -> float | None:
        """Give the residents of a row at the last census, None where unknown."""
        count = float(self.people[max(self.people)][row]) if self.people else math.nan
        return None if math.isnan(count) else count


def split(table: Table, config: PanelConfig, codes: Sequence[str], known: Collection[str] | None) -> Split:
    """Part the totals from the zones.

    A row whose code has a polygon is a zone, whatever it looks like: four cities of prefecture level have no
    counties, and their codes end in 00. Of the other rows, a total is one whose code ends in 00, whose name says so,
    or whose residents are the sum of the other rows of its prefecture or province in every census.

    Args:
        table: The table as read.
        config: Columns, and whether totals are declared.
        codes: Code of each row.
        known: Codes that have a polygon; None where the polygons cannot be read, and only names are judged.
    """
    names = table.columns.get(config.table.name, ("",) * table.rows)
    people = {
        year: read_column(table, census.column)[0] * SCALE[census.unit]
        for year, census in sorted(config.population.items())
        if census.column in table.columns
    }
    rows = _Rows(tuple(codes), tuple("".join(name.split()) for name in names), config.table.code_digits, people)
    totals = _find(rows, known)
    if not totals:
        return Split(table, tuple(range(table.rows)), (), ())
    zones = tuple(row for row in range(table.rows) if row not in totals)
    if config.table.totals == "drop":
        issues = [_judge(row, reason, rows, zones, table, config) for row, reason in totals.items()]
        counted = sum(rows.last(row) or 0.0 for row in totals)
        sentence = (
            f"totals: {len(totals)} rows ({counted:,.0f} people at the last census) are totals of other rows and are "
            f'left out; each is the sum of its parts (totals = "drop").'
        )
        return Split(table.only(zones), zones, (sentence,), tuple(issues))
    issues = []
    fix = f'remove the row, or declare {table.where} totals = "drop", which checks each total and leaves it out'
    for row, reason in totals.items():
        place = (table.file, table.lines[row], config.table.code, rows.codes[row] or rows.names[row])
        rule = f"the row is a total ({reason}); with its parts, its people would count twice"
        issues.append(Issue("E-HIER-TOTAL", "error", *place, rule, fix, rows.last(row)))
    return Split(table.only(zones), zones, (), tuple(issues))


def _find(rows: _Rows, known: Collection[str] | None) -> dict[int, str]:
    """Give the reason why a row is a total, by row."""
    found = {}
    doubtful = []
    for row, (code, name) in enumerate(zip(rows.codes, rows.names, strict=True)):
        if known is not None and code in known:
            continue
        if _TOTAL.fullmatch(name) or name == _DISTRICTS:
            found[row] = f"its name is {name}"
        elif known is not None and _has_parts(row, rows):
            found[row] = "its code ends in zeros and has no polygon"
        elif known is not None:
            doubtful.append(row)
    zones = [row for row in range(len(rows.codes)) if row not in found]
    for row in doubtful:
        prefix = _prefix_by_sum(row, rows, zones)
        if prefix is not None:
            found[row] = f"its people are the sum of the other rows of {prefix}"
    return dict(sorted(found.items()))


def _has_parts(row: int, rows: _Rows) -> bool:
    prefix = _prefix(rows.codes[row], rows.digits)
    return prefix is not None and any(code.startswith(prefix) and code != rows.codes[row] for code in rows.codes)


def _prefix(code: str, digits: int) -> str | None:
    """Give the part of a code before the zeros that fill its lower levels; None for a zone, and the nation's 000000."""
    if not code.isdecimal() or len(code) != digits or not code.strip("0"):
        return None
    return next((code[:level] for level in _LEVELS if level < digits and not code[level:].strip("0")), None)


def _prefix_by_sum(row: int, rows: _Rows, zones: Sequence[int]) -> str | None:
    for level in _LEVELS[1::-1]:
        prefix = rows.codes[row][:level]
        parts = [part for part in rows.of(prefix, zones) if part != row]
        if len(prefix) == level and len(parts) > 1 and _equal(row, parts, rows):
            return prefix
    return None


def _equal(row: int, parts: Sequence[int], rows: _Rows) -> bool:
    """Tell whether the residents of a row are those of its parts, in every census, to the person."""
    sums = rows.sums(parts)
    return bool(sums) and all(
        rows.people[year][row] > 0 and abs(rows.people[year][row] - sums[year]) < 0.5 for year in sums
    )


def _parts(row: int, rows: _Rows, zones: Sequence[int]) -> list[int] | None:
    """Give the zones that a total adds up; None where neither its code nor its people determine them."""
    code, name = rows.codes[row], rows.names[row]
    prefix = _prefix(code, rows.digits)
    if prefix is not None:
        return rows.of(prefix, zones)
    if name == _DISTRICTS and code.isdecimal():
        within = rows.of(code[: _LEVELS[1]], zones)
        return [
            part for part in within if rows.names[part].endswith("区") and not rows.names[part].endswith(_NO_DISTRICT)
        ]
    groups = [list(zones)]
    for level in _LEVELS[:2]:
        groups += [rows.of(start, zones) for start in sorted({rows.codes[zone][:level] for zone in zones})]
    return next((parts for parts in groups if _equal(row, parts, rows)), None)


def _judge(row: int, reason: str, rows: _Rows, zones: Sequence[int], table: Table, config: PanelConfig) -> Issue:
    """Compare a declared total with its parts: a warning that it was left out, or E-HIER-SUM."""
    parts = _parts(row, rows, zones)
    place = (table.file, table.lines[row], config.table.code, rows.codes[row])
    people = rows.last(row)
    if parts is None:
        rule, fix = f"{reason}, but it is the sum of no province, prefecture or the whole", "remove the row by hand"
        return Issue("E-HIER-SUM", "error", *place, rule, fix, people)
    sums = rows.sums(parts)
    for year, census in sorted(config.population.items()):
        if year not in sums or math.isnan(sums[year]):
            continue  # a column or a number is wrong, and reported with its own place
        difference = float(rows.people[year][row]) - sums[year]
        if not abs(difference) <= _tolerance(table.columns[census.column][row], census, len(parts)):
            text = f"{rows.people[year][row]:,.0f} people in {year}, its {len(parts)} parts {sums[year]:,.0f}"
            lost = None if math.isnan(difference) else abs(difference)
            fix = "find the part that is missing or counted twice, or correct the total"
            return Issue("E-HIER-SUM", "error", *place, f"{reason}; it has {text}", fix, lost)
    rule = f"{reason}; it was left out, and is the sum of its {len(parts)} parts"
    return Issue("W-HIER-TOTAL", "warning", *place, rule, "none needed: the rule is declared", people)


def _tolerance(text: str, census: PopulationConfig, parts: int) -> float:
    """Persons by which a sum may be off: half of the last digit for each number, where the unit is a rounded one."""
    if census.unit == "persons":
        return 0.5 + (parts if "." in text else 0)
    decimals = len(text.partition(".")[2])
    return 0.5 * (parts + 1) * SCALE[census.unit] * float(10**-decimals)
