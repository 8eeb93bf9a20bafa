"""Zone codes and the one-to-one join on them: nothing is dropped, nothing doubled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from geo.errors import Issue, error

_CODE = re.compile(r"[0-9]{6}")
_SCIENTIFIC = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")


def check_columns(file: str, have: Iterable[str], wanted: Iterable[str]) -> list[Issue]:
    """Find columns that the config names and the file lacks (E-COL-MISSING), with the closest names it has."""
    names = [str(name) for name in have]
    issues = []
    for column in sorted(set(wanted) - set(names)):
        close = get_close_matches(column, names, n=3)
        fix = f"did you mean {', '.join(map(repr, close))}?" if close else f"the file has: {', '.join(names[:20])}"
        issues.append(error("E-COL-MISSING", file, column=column, rule="the config names this column", fix=fix))
    return issues


def check_codes(
    file: str, codes: Sequence[str], lines: Sequence[int], column: str, people: Mapping[str, float]
) -> list[Issue]:
    """Find codes that are not six digits, and codes that stand twice.

    Args:
        file: Base name, for the messages.
        codes: Code of each row.
        lines: Line of each row.
        column: Column with the code.
        people: Residents by code.

    Returns:
        E-CODE-SCI, E-CODE-FORMAT and E-CODE-DUP.
    """
    times = Counter(codes)
    issues = []
    for code, line in zip(codes, lines, strict=True):
        fault = _fault(code)
        if fault is None and times[code] > 1:
            others = ", ".join(str(at) for other, at in zip(codes, lines, strict=True) if other == code and at != line)
            fault = ("E-CODE-DUP", f"a code stands once; it is also at {others}", "keep one row, or merge the parts")
        if fault is not None:
            issues.append(
                error(
                    fault[0],
                    file,
                    rule=fault[1],
                    fix=fault[2],
                    people=people.get(code),
                    line=line,
                    column=column,
                    value=code,
                )
            )
    return issues


def check_join(
    table: tuple[str, Sequence[str], Sequence[int], str],
    polygons: tuple[str, Sequence[str], Sequence[int], str],
    people: Mapping[str, float],
) -> list[Issue]:
    """Find codes that stand in one of the two files alone (E-JOIN-UNMATCHED), with the people that would be lost.

    Args:
        table: File, codes, lines and code column of the table.
        polygons: The same of the polygons.
        people: Residents by code.
    """
    return [*_unmatched(table, polygons, people), *_unmatched(polygons, table, people)]


def _unmatched(
    here: tuple[str, Sequence[str], Sequence[int], str],
    there: tuple[str, Sequence[str], Sequence[int], str],
    people: Mapping[str, float],
) -> list[Issue]:
    file, codes, lines, column = here
    known = set(there[1])
    issues = []
    for code, line in zip(codes, lines, strict=True):
        if code in known or _fault(code) is not None:
            continue
        total = code.endswith("00")
        fix = (
            "a code that ends in 00 is the total of a province or prefecture: remove it"
            if total
            else f"add it to {there[0]}, correct the code, or remove it here with its people"
        )
        rule = f"the code is not in {there[0]}"
        issues.append(
            error(
                "E-JOIN-UNMATCHED",
                file,
                rule=rule,
                fix=fix,
                people=people.get(code),
                line=line,
                column=column,
                value=code,
            )
        )
    return issues


def _fault(code: str) -> tuple[str, str, str] | None:
    """Give code, rule and fix of what is wrong with one zone code, or None."""
    if _CODE.fullmatch(code):
        return None
    if _SCIENTIFIC.fullmatch(code):
        return "E-CODE-SCI", "the digits of the code are lost in scientific notation", "export the column as text"
    return "E-CODE-FORMAT", "a zone code is six digits, kept as text", "write all six digits (GB/T 2260)"
