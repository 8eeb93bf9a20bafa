"""Zone codes and the one-to-one join on them: no zone is dropped or doubled."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.opening import shown
from geo.tables import table
from geo.tables.cells import Kind, text
from geo.tables.table import Table

DIGITS = 6
"""Digits of a county's code (GB/T 2260); a village has twelve."""

_SCIENTIFIC = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")
_FLOAT = re.compile(r"([0-9]+)\.0+")
_LISTED = 20
_HINTS = 3

File = tuple[str, Sequence[str], Sequence[int | None], str]
"""The codes of one side of a join: file, codes, lines and code column."""


def check_columns(file: str, have: Iterable[str], wanted: Iterable[str]) -> list[Issue]:
    """Find columns that the config names and the file lacks (E-COL-MISSING), with the closest names it has."""
    names = [str(name) for name in have]
    issues = []
    for column in sorted(set(wanted) - set(names)):
        close = get_close_matches(column, names, n=3)
        # The message shows little of the file, which may be another one than the user meant.
        have_text = shown(", ".join(names[:_LISTED]))
        fix = f"did you mean {', '.join(map(repr, close))}?" if close else f"the file has: {have_text}"
        issues.append(error("E-COL-MISSING", file, column=column, rule="the config names this column", fix=fix))
    return issues


def read_table(path: Path, where: str, columns: Collection[str]) -> Table:
    """Read a CSV, Excel or Parquet file that must have some columns.

    Raises:
        DataError: What `geo.tables.table.read` raises; E-COL-MISSING.
    """
    rows = table.read(FileConfig.model_validate({"file": path}), where)
    if issues := check_columns(rows.file, rows.columns, columns):
        raise DataError(issues)
    return rows


def read_codes(column: pd.Series) -> tuple[list[str], Kind]:
    """Write the codes of a polygon layer as text, and give their type in the file; an absent one is ""."""
    codes = ["" if pd.isna(code) else text(code) for code in column.tolist()]
    if pd.api.types.is_integer_dtype(column.dtype):
        return codes, "integer"
    return codes, "float" if pd.api.types.is_float_dtype(column.dtype) else "text"


def normalise(codes: Sequence[str], kind: Kind) -> tuple[tuple[str, ...], int]:
    """Read "110101.0" as 110101, which a program that met a blank cell in a column of integers made of it.

    Returns:
        The codes, and how many were of that kind.
    """
    matches = [_FLOAT.fullmatch(code) for code in codes]
    whole = tuple(match[1] if match else code for match, code in zip(matches, codes, strict=True))
    return whole, sum(map(bool, codes)) if kind == "float" else sum(map(bool, matches))


def check_codes(
    file: str,
    codes: Sequence[str],
    lines: Sequence[int],
    column: str,
    people: Mapping[str, float],
    *,
    digits: int = DIGITS,
    kind: Kind = "text",
) -> list[Issue]:
    """Find codes that have the wrong number of digits, have lost some, or occur twice.

    Integers are codes if every one has all its digits; floating numbers never are.

    Returns:
        E-CODE-TYPE, E-CODE-SCI, E-CODE-FORMAT and E-CODE-DUP.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for code, line in zip(codes, lines, strict=True):
        places[code].append(line)
    issues = []
    if kind == "float" and codes:
        rule, fix = "the codes are floating numbers, which keep neither zeros nor all digits", "export them as text"
        issues.append(error("E-CODE-TYPE", file, line=lines[0], column=column, value=codes[0], rule=rule, fix=fix))
    for code, line in zip(codes, lines, strict=True):
        fault = _fault(code, digits, kind) or repeated(line, places[code])
        if fault is not None:
            issues.append(Issue(fault[0], "error", file, line, column, code, fault[1], fault[2], people.get(code)))
    return issues


def check_join(
    ours: File,
    theirs: File,
    people: Mapping[str, float],
    *,
    digits: int = DIGITS,
    names: tuple[Sequence[str], Sequence[str]] | None = None,
) -> list[Issue]:
    """Find codes that are in only one of the two files (E-JOIN-UNMATCHED), with the people that would be lost.

    Args:
        ours: The rows of the table.
        theirs: The records of the layer.
        people: Residents by code.
        digits: Digits that a code has; others are reported already.
        names: Name of each row of the two files, where both have names: they find codes that have changed.
    """
    names = names or ((), ())
    return [
        *_unmatched(ours, theirs, people, digits, names, "remove it here with its people"),
        *_unmatched(theirs, ours, people, digits, names[::-1], "leave it out: [zones.polygons] exclude"),
    ]


def _unmatched(
    here: File,
    there: File,
    people: Mapping[str, float],
    digits: int,
    names: tuple[Sequence[str], Sequence[str]],
    last_resort: str,
) -> list[Issue]:
    file, codes, lines, column = here
    known, mine = set(there[1]), set(codes)
    free = sorted(code for code in known - mine if _fault(code, digits, "text") is None)
    by_name = {name: code for name, code in zip(names[1], there[1], strict=False) if name and code not in mine}
    issues = []
    for row, (code, line) in enumerate(zip(codes, lines, strict=True)):
        if code in known or _fault(code, digits, "text") is not None:
            continue
        hint = _hint(code, names[0][row] if names[0] else "", free, by_name, there[0])
        rule, fix = f"the code is not in {there[0]}", f"{hint}add it to {there[0]}, correct the code, or {last_resort}"
        issues.append(Issue("E-JOIN-UNMATCHED", "error", file, line, column, code, rule, fix, people.get(code)))
    return issues


def _hint(code: str, name: str, free: Sequence[str], by_name: Mapping[str, str], file: str) -> str:
    """Name the codes that only the other file has and that may be the same zone: same name, else the nearest."""
    if name in by_name:
        return f"is it {by_name[name]}, which has the same name in {file}? else "
    for length in (4, 2):
        near = [other for other in free if other[:length] == code[:length]]
        if near:
            near.sort(key=lambda other: abs(int(other) - int(code)))
            return f"is it {' or '.join(near[:_HINTS])}, which only {file} has? else "
    return ""


def repeated(line: int, places: Sequence[int]) -> tuple[str, str, str] | None:
    """Give code, rule and fix of a zone code that occurs at several places, one of them `line`; else None."""
    if len(places) == 1:
        return None
    return "E-CODE-DUP", f"a code occurs once; {elsewhere(line, places)}", "keep one row, or merge the parts"


def elsewhere(line: int, places: Sequence[int]) -> str:
    """Say at which other lines a thing occurs as well."""
    others = [str(at) for at in places if at != line]
    return f"it is also at {', '.join(others[:_LISTED])}" + (" ..." if len(others) > _LISTED else "")


def _fault(code: str, digits: int, kind: Kind) -> tuple[str, str, str] | None:
    """Give code, rule and fix of what is wrong with one zone code, or None."""
    numeric = code.isascii() and code.isdecimal()
    if numeric and len(code) == digits:
        return None
    if _SCIENTIFIC.fullmatch(code):
        return "E-CODE-SCI", "the digits of the code are lost in scientific notation", "export the column as text"
    if numeric and kind == "integer":
        rule = f"the column holds numbers, and this one has {len(code)} digits where a code has {digits}"
        return "E-CODE-TYPE", rule, "export the column as text, with all zeros"
    rule = f"a zone code is {digits} digits, kept as text"
    if _FLOAT.fullmatch(code):
        return "E-CODE-FORMAT", rule, "export the column as text, or declare [zones.table] normalize_codes = true"
    return "E-CODE-FORMAT", rule, f"write all {digits} digits (GB/T 2260), or declare [zones.table] code_digits"
