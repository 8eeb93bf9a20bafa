"""The one error family of the input half: problems are collected as `Issue`s and raised together as `DataError`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

SHOWN = 20

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
        """Keep the issues, errors before warnings, in the order in which they were found."""
        self.issues: tuple[Issue, ...] = tuple(sorted(issues, key=lambda issue: issue.severity != "error"))
        super().__init__(self.issues)

    def __str__(self) -> str:
        """Say up to 20 errors, one line each; warnings are left to issues.csv."""
        errors = [issue for issue in self.issues if issue.severity == "error"]
        lines = [f"{len(errors)} error{'s' if len(errors) != 1 else ''} in the input"]
        lines += [describe(issue) for issue in errors[:SHOWN]]
        if len(errors) > SHOWN:
            lines.append(f"... and {len(errors) - SHOWN} more, all in issues.csv")
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


def describe(issue: Issue) -> str:
    """Say one issue in one line: code, place, value, rule, fix and the people affected."""
    place = issue.file if issue.line is None else f"{issue.file}:{issue.line}"
    parts = [issue.code, place]
    if issue.column is not None:
        parts.append(f"column {issue.column!r}")
    if issue.value is not None:
        parts.append(f"value {issue.value!r}")
    people = "" if issue.people is None else f" ({issue.people:,.0f} people)"
    return f"{' '.join(parts)}: {issue.rule}{people}; fix: {issue.fix}"


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
