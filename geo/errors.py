"""The one error family of the input half: problems are collected as `Issue`s and raised together as `DataError`."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

SHOWN = 20
_VALUES = 5
_VARYING = re.compile("[\\d.,'\"\u4e00-\u9fff]+")
"""What differs between two problems of one kind: numbers, quoted values and Chinese names."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Issue:
    """One problem of an input, with the place where it stands and the way to mend it.

    Attributes:
        code: Stable name of the problem, such as "E-CODE-DUP"; warnings begin with "W-".
        severity: "error" stops the run, "warning" is reported and the run goes on.
        file: Base name of the file.
        line: Line of a CSV file (the header is line 1), row of a worksheet, or record (from 1) of any other file.
        column: Column the value stands in.
        value: The offending text as it stands in the file.
        rule: What was expected.
        fix: What the user can do.
        people: Residents affected, persons.
    """

    code: str
    severity: Literal["error", "warning"]
    file: str
    line: int | None
    column: str | None
    value: str | None
    rule: str
    fix: str
    people: float | None


class DataError(Exception):
    """Everything that one reading of the inputs has found, at least one error among it."""

    exit_status = 3

    def __init__(self, issues: Sequence[Issue]) -> None:
        """Keep the issues, errors before warnings, in the order in which they were found, each once."""
        self.issues: tuple[Issue, ...] = tuple(dict.fromkeys(sorted(issues, key=lambda one: one.severity != "error")))
        super().__init__(self.issues)

    def __str__(self) -> str:
        """Say every kind of error in one line, up to 20 kinds; warnings and single problems stand in issues.csv."""
        kinds: dict[Hashable, list[Issue]] = {}
        for issue in self.issues:
            if issue.severity == "error":
                kind = (issue.code, issue.file, issue.column, _words(issue.rule), _words(issue.fix))
                kinds.setdefault(kind, []).append(issue)
        count = sum(map(len, kinds.values()))
        lines = [f"{count} error{'s' if count != 1 else ''} in the input"]
        lines += [describe(*kind) for kind in list(kinds.values())[:SHOWN]]
        if len(kinds) > SHOWN:
            lines.append(f"... and {len(kinds) - SHOWN} more kinds, all in issues.csv")
        return "\n".join(lines)


def error(
    code: str,
    file: str,
    *,
    rule: str,
    fix: str,
    line: int | None = None,
    column: str | None = None,
    value: str | None = None,
    people: float | None = None,
) -> Issue:
    """Make an issue that stops the run."""
    return Issue(code, "error", file, line, column, value, rule, fix, people)


def describe(*alike: Issue) -> str:
    """Say one issue, or several of one kind, in one line: code, place, value, rule, fix and the people concerned.

    Of several issues the line has their number, all their lines, some of their values and the sum of their people; rule
    and fix are those of the first.
    """
    first, several = alike[0], len(alike) > 1
    at = ranges([issue.line for issue in alike if issue.line is not None])
    parts = [first.code, first.file + (f":{at}" if at else "")]
    if first.column is not None:
        parts.append(f"column {first.column!r}")
    values = list(dict.fromkeys(repr(issue.value) for issue in alike if issue.value is not None))
    if values:
        more = ", ..." if len(values) > _VALUES else ""
        parts.append(f"value{'s' if len(values) > 1 else ''} {', '.join(values[:_VALUES])}{more}")
    if several:
        parts.append(f"({len(alike):,} alike)")
    counted = [issue.people for issue in alike if issue.people is not None]
    people = f" ({sum(counted):,.0f} people{' in all' if several else ''})" if counted else ""
    return f"{' '.join(parts)}: {first.rule}{people}; fix: {first.fix}"


def ranges(lines: Iterable[int]) -> str:
    """Write line numbers as ranges, "359-368, 371"; of more than five ranges the first five."""
    runs: list[list[int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][-1] + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    spans = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ", ".join(spans[:5]) + (f" and {sum(map(len, runs[5:]))} more" if len(spans) > 5 else "")


def _words(text: str) -> str:
    return _VARYING.sub("#", text)


def attempt(reading: Callable[[], Read]) -> tuple[Read | None, list[Issue]]:
    """Keep the issues of a file that cannot be read, so that the other files are still judged.

    Args:
        reading: Reads one file.

    Returns:
        What it gives and no issue, or None and the issues of its DataError.
    """
    try:
        return reading(), []
    except DataError as failure:
        return None, list(failure.issues)


def keep(problems: list[Issue], read_in: tuple[Read, list[Issue]]) -> Read:
    """Give what was read, and put what was found to the problems."""
    part, found = read_in
    problems += found
    return part


def failed(issues: Iterable[Issue]) -> bool:
    """Tell whether there is an error among the issues."""
    return any(issue.severity == "error" for issue in issues)
