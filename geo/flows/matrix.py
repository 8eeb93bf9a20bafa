"""Tables with labels on both axes: a row for each origin, a column for each destination."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.tables.cells import Grid
from geo.tables.numbers import parse, read_column
from geo.tables.table import Table, read_sheet

from .stated_totals import FlowSums, differences, half_digit

_SHOWN = 3


@dataclass(frozen=True)
class Matrix:
    """A labelled matrix of numbers.

    Attributes:
        origins: Labels of the rows, without that of the sums.
        destinations: Labels of the columns, likewise.
        values: Shape (origins, destinations), flows or kilometres; NaN where blank, declared unknown, or no number.
        absent: Where a cell is blank, bool, same shape.
        rounding: Half of the last digit a cell is written with, same shape.
        table: The cells as a table, with a column for each destination.
        issues: E-OD-LABEL, E-OD-ORDER, E-OD-SUM, E-NUM, E-NUM-INF, W-NUM-FULLWIDTH.
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    values: NDArray[np.float64]
    absent: NDArray[np.bool_]
    rounding: NDArray[np.float64]
    table: Table
    issues: tuple[Issue, ...]

    def cell_error(self, code: str, row: int, column: int, rule: str, fix: str) -> Issue:
        """The error that one cell breaks `rule`."""
        return self.table.wrong_cell(code, row, self.destinations[column], rule, fix, None)


def read(config: FileConfig, where: str, total: str | None = None, *, blank_is_zero: bool = True) -> Matrix:
    """Read a matrix, check its labels, and check its sums and leave them out.

    Args:
        config: The file and how it is written.
        where: Section of the config, for messages.
        total: Label of the row, the column, or both, that hold sums.
        blank_is_zero: Whether a blank cell counts as zero; else a total with blank cells may exceed its listed flows.

    Raises:
        DataError: As `geo.tables.table.read`; E-OD-LABEL where labels are missing or stand twice, when no cell has a
            place.
    """
    sheet = _without_blank_columns(read_sheet(config, where))
    file, line = config.file.name, config.header
    origins, destinations = [row[0] for _, row in sheet.rows], sheet.header[1:]
    issues = _check_labels(file, line, sheet, origins, destinations)
    issues += _check_total_label(file, total, origins, destinations)
    if issues:
        raise DataError(issues)
    lines = tuple(at for at, _ in sheet.rows)
    columns = {label: tuple(row[at] for _, row in sheet.rows) for at, label in enumerate(destinations, start=1)}
    missing = frozenset(config.missing_values)
    table = Table(file, columns, lines, {}, config.thousands, missing, where)
    full = _numbers(tuple(origins), table)
    issues += full.issues
    if total is not None:
        issues += _check_totals(full, total, blank_is_zero=blank_is_zero)
    parts = _without_totals(full, total)
    return dataclasses.replace(parts, issues=(*issues, *_check_order(parts)))


def _numbers(origins: tuple[str, ...], table: Table) -> Matrix:
    """Read every cell."""
    read_in = [read_column(table, label) for label in table.columns]
    return Matrix(
        origins,
        tuple(table.columns),
        np.column_stack([numbers for numbers, _ in read_in]),
        np.array([[not cell for cell in cells] for cells in table.columns.values()], dtype=np.bool_).T,
        np.column_stack([half_digit(cells) for cells in table.columns.values()]),
        table,
        tuple(issue for _, issues in read_in for issue in issues),
    )


def _without_blank_columns(sheet: Grid) -> Grid:
    """Leave out columns that have neither label nor cell, which spreadsheets add at the end."""
    kept = [at for at, label in enumerate(sheet.header) if label or at == 0 or any(row[at] for _, row in sheet.rows)]
    rows = [(line, [row[at] for at in kept]) for line, row in sheet.rows]
    return Grid([sheet.header[at] for at in kept], rows)


def _check_labels(
    file: str, line: int, sheet: Grid, origins: Sequence[str], destinations: Sequence[str]
) -> list[Issue]:
    corner = sheet.header[0]
    if all(parse(label) is not None for label in (corner, *origins, *destinations)) or not destinations:
        rule = "a matrix has the labels of origins in its first column and those of destinations above; this has none"
        return [error("E-OD-LABEL", file, line=line, value=corner, rule=rule, fix="write both, with the corner blank")]
    lines = [at for at, _ in sheet.rows]
    return [
        *_check_axis(file, [line] * len(destinations), None, destinations, "column"),
        *_check_axis(file, lines, corner or None, origins, "row"),
    ]


def _check_axis(file: str, lines: Sequence[int], column: str | None, labels: Sequence[str], axis: str) -> list[Issue]:
    times, fix = Counter(labels), "give each zone one label, and each label once"
    issues = []
    for place, (line, label) in enumerate(zip(lines, labels, strict=True), start=1):
        if label and times[label] == 1:
            continue
        others = ", ".join(str(at) for at, other in enumerate(labels, start=1) if other == label and at != place)
        rule = f"a label stands once; {axis} {place} has that of {axis} {others}"
        rule = rule if label else f"every {axis} has a label; {axis} {place} has none"
        issues.append(error("E-OD-LABEL", file, line=line, column=column, value=label, rule=rule, fix=fix))
    return issues


def _check_total_label(
    file: str, total: str | None, origins: Sequence[str], destinations: Sequence[str]
) -> list[Issue]:
    if total is None or total in origins or total in destinations:
        return []
    rule = "the config names the label of the sums; no row and no column has it"
    return [error("E-OD-LABEL", file, value=total, rule=rule, fix="correct [flows] total, or remove it")]


def _check_order(matrix: Matrix) -> list[Issue]:
    """Find axes with the same labels in different orders: numbers alone would be put to the wrong pairs."""
    rows, columns = matrix.origins, matrix.destinations
    if not (places := differing_order(rows, columns)):
        return []
    first = places[0]
    text = "; ".join(
        f"place {at + 1} is {rows[at]} in the rows, {columns[at]} in the columns" for at in places[:_SHOWN]
    )
    rule = f"rows and columns hold the same labels in the same order; {len(places)} places differ: {text}"
    fix = "sort one axis as the other, its numbers with it"
    line, file = matrix.table.lines[first], matrix.table.file
    return [error("E-OD-ORDER", file, line=line, column=columns[first], value=rows[first], rule=rule, fix=fix)]


def differing_order(one: Sequence[str], other: Sequence[str]) -> list[int]:
    """Give the places at which the same labels stand in another order; none of different labels."""
    if set(one) != set(other):
        return []
    return [at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]


def _but(labels: Sequence[str], total: str | None) -> list[int]:
    return [at for at, label in enumerate(labels) if label != total]


def _without_totals(full: Matrix, total: str | None) -> Matrix:
    """Leave out the row and the column of sums."""
    rows, columns = _but(full.origins, total), _but(full.destinations, total)
    part = np.ix_(rows, columns)
    return Matrix(
        tuple(full.origins[at] for at in rows),
        tuple(full.destinations[at] for at in columns),
        full.values[part],
        full.absent[part],
        full.rounding[part],
        full.table.only(rows),
        (),
    )


def _check_totals(full: Matrix, total: str, *, blank_is_zero: bool) -> list[Issue]:
    """Compare the row and the column of sums, and the cell where they meet, with what they are sums of."""
    rows, columns = _but(full.origins, total), _but(full.destinations, total)
    below = [at for at, label in enumerate(full.origins) if label == total]
    right = [at for at, label in enumerate(full.destinations) if label == total]
    part = np.ix_(rows, columns)
    values, rounding = full.values[part], full.rounding[part]
    unknown = np.isnan(values) & (~full.absent[part] | (not blank_is_zero))
    issues = []
    for axis, places in (
        (1, list(itertools.product(rows, right))),
        (0, list(itertools.product(below, columns))),
        (None, list(itertools.product(below, right))),
    ):
        if places:
            sums, tolerance = np.atleast_1d(np.nansum(values, axis=axis)), np.atleast_1d(rounding.sum(axis=axis))
            issues += _compare_totals(full, places, FlowSums(sums, tolerance, np.atleast_1d(~unknown.any(axis=axis))))
    return issues


def _compare_totals(full: Matrix, places: list[tuple[int, int]], sums: FlowSums) -> list[Issue]:
    stated, rounding = (np.array([of[place] for place in places]) for of in (full.values, full.rounding))
    fix = "find the cell that is wrong, or correct the sum"
    issues = []
    for at, excess in differences(sums, stated, rounding):
        rule = f"a sum is that of its flows, {sums.values[at]:,.10g}; they differ by {excess:+,.10g}"
        row, column = places[at]
        issues.append(full.table.wrong_cell("E-OD-SUM", row, full.destinations[column], rule, fix, abs(excess)))
    return issues
