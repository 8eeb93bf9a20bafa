"""The history of area codes: the code of an area before and after every change of borders or name."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from geo.checks.keys import read_table
from geo.errors import DataError, Issue, error
from geo.tables.table import Table

# Columns of the table of codes: code, name, first year, last year, successors.
_CODE, _NAME, _END, _SUCCESSORS = "代码", "名称", "变更/弃用时间", "新代码"
# "130102" takes the whole area in the year in which the code ends; "130102[2001]" a part of it, in 2001.
_SUCCESSOR = re.compile(r"([0-9]{6})(?:\[([0-9]{4})\])?")
_CODE_OF_SIX = re.compile(r"[0-9]{6}")
_STEM = re.compile(r"(管理|行政)?(委员会|区|县|市|旗|行委)$")

Years = tuple[int, int]


@dataclass(frozen=True)
class CodeHistory:
    """Every code with its changes.

    Attributes:
        successors: For a code, the years of its changes with the codes that took its area or a part of it.
        predecessors: The same, backwards.
        names: Every name a code has had.
        file: Base name of the table.
    """

    successors: Mapping[str, tuple[tuple[int, str], ...]]
    predecessors: Mapping[str, tuple[tuple[int, str], ...]]
    names: Mapping[str, tuple[str, ...]]
    file: str

    def after(self, code: str, years: Years, among: Container[str]) -> set[str]:
        """Find the codes in `among` with some of the area of `code` after the changes of the years, both included."""
        return _follow(self.successors, code, years, among)

    def before(self, code: str, among: Container[str]) -> set[str]:
        """Find the latest codes in `among` from which `code` took its area, whenever that was."""
        found: set[str] = set()
        waiting, seen = [code], {code}
        while waiting:
            for _, older in self.predecessors.get(waiting.pop(), ()):
                if older in among:
                    found.add(older)
                elif older not in seen:
                    waiting.append(older)
                seen.add(older)
        return found

    def named(self, name: str, prefecture: str) -> set[str]:
        """Find the codes of a prefecture (four digits) whose name has the same stem."""
        wanted = stem(name)
        return {code for code, names in self.names.items() if code[:4] == prefecture and wanted in map(stem, names)}


def stem(name: str) -> str:
    """Strip the kind of unit from a name, so that it is known when its rank changes: 平桂管理区, 平桂区 → 平桂."""
    return _STEM.sub("", name) or name


def read(path: Path) -> CodeHistory:
    """Read the table of codes.

    Raises:
        DataError: What the table reader finds; E-COL-MISSING; E-CODE-FORMAT; E-HISTORY where a successor cannot be
            read.
    """
    rows = read_table(path, "[zones.harmonise] codes", (_CODE, _NAME, _END, _SUCCESSORS))
    issues = []
    after: dict[str, list[tuple[int, str]]] = defaultdict(list)
    before: dict[str, list[tuple[int, str]]] = defaultdict(list)
    names: dict[str, tuple[str, ...]] = {}
    for row, (code, name) in enumerate(zip(rows.columns[_CODE], rows.columns[_NAME], strict=True)):
        names[code] = (*names.get(code, ()), name)
        if not _CODE_OF_SIX.fullmatch(code):
            rule, fix = "an area code is six digits, kept as text", "write all six digits (GB/T 2260)"
            issues.append(rows.wrong_cell("E-CODE-FORMAT", row, _CODE, rule, fix))
        changes, found = _changes(rows, row)
        issues += found
        for year, successor in changes:
            after[code].append((year, successor))
            before[successor].append((year, code))
    if issues:
        raise DataError(issues)
    return CodeHistory(_frozen(after), _frozen(before), names, rows.file)


def check(history: CodeHistory, codes: Iterable[str]) -> list[Issue]:
    """Find a history of other areas than the map's codes (E-HISTORY): it would link nothing."""
    mapped = set(codes)
    if not mapped or mapped & (history.names.keys() | history.predecessors.keys()):
        return []
    rule = f"the table is about the areas of the map, and has none of its {len(mapped)} codes"
    fix = "give the history of this country's codes: [zones.harmonise] codes"
    return [error("E-HISTORY", history.file, column=_CODE, value=min(mapped), rule=rule, fix=fix)]


def _changes(rows: Table, row: int) -> tuple[list[tuple[int, str]], list[Issue]]:
    """Read the successors of one row with the years in which they took over."""
    end, text = rows.columns[_END][row], rows.columns[_SUCCESSORS][row]
    changes = []
    for part in filter(None, text.split(";")):
        parsed = _SUCCESSOR.fullmatch(part)
        year = (parsed[2] or end) if parsed else ""
        if parsed is None or not year.isdecimal():
            rule = "successors are six digits each, with a year where a part of the area went: 130102;130103[2014]"
            return [], [rows.wrong_cell("E-HISTORY", row, _SUCCESSORS, rule, "correct the table of codes")]
        changes.append((int(year), parsed[1]))
    return changes, []


def _frozen(changes: Mapping[str, list[tuple[int, str]]]) -> dict[str, tuple[tuple[int, str], ...]]:
    return {code: tuple(sorted(entries)) for code, entries in changes.items()}


def _follow(
    changes: Mapping[str, tuple[tuple[int, str], ...]], code: str, years: Years, among: Container[str]
) -> set[str]:
    """Walk the changes in the order of their years; one before the code was reached does not concern it."""
    first, last = years
    found: set[str] = set()
    waiting, seen = [(code, first)], {(code, first)}
    while waiting:
        at, since = waiting.pop()
        for year, successor in changes.get(at, ()):
            if not since <= year <= last or successor == at:
                continue
            if successor in among:
                found.add(successor)
            if (successor, year) not in seen:
                seen.add((successor, year))
                waiting.append((successor, year))
    return found
