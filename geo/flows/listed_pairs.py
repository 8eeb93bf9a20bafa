"""The pairs that a flow table lists, whatever its layout, before they are put to zones."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.checks.keys import check_columns, elsewhere
from geo.config import FileConfig, FlowsConfig
from geo.errors import DataError, Issue, error
from geo.tables import table as tables
from geo.tables.numbers import read_column
from geo.tables.table import Table

from . import matrix as matrices
from .stated_totals import half_digit

SECTION = "[flows]"
_NOT_NEGATIVE = "a flow is zero or more"
_CORRECT = "correct the number"


@dataclass(frozen=True)
class ListedPairs:
    """Listed pairs; P of them.

    Attributes:
        table: The cells; of a matrix with a column for each destination.
        origins: Labels of origins in order of first appearance; of a matrix those of all rows.
        destinations: The same of destinations.
        origin: Index into `origins`, shape (P,).
        destination: Index into `destinations`, shape (P,).
        flow: People, shape (P,); NaN where the table says that nobody knows.
        rounding: Half of the last digit a flow is written with, shape (P,).
        row: Row of `table`, shape (P,).
        names: Columns with origin, destination and flow; None of a matrix.
        issues: What was found.
    """

    table: Table
    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    flow: NDArray[np.float64]
    rounding: NDArray[np.float64]
    row: NDArray[np.int64]
    names: tuple[str, str, str] | None
    issues: tuple[Issue, ...]

    def flow_column(self, pair: int) -> str:
        """Give the name of the column that a flow stands in."""
        return self.names[2] if self.names else self.destinations[self.destination[pair]]

    def line(self, pair: int) -> int:
        """Give the line of a pair."""
        return self.table.lines[int(self.row[pair])]

    def name(self, pair: int) -> str:
        """Name a pair for a message."""
        return f"{self.origins[self.origin[pair]]} to {self.destinations[self.destination[pair]]}"

    def wrong_flow(self, code: str, pair: int, rule: str, fix: str) -> Issue:
        """The error that a flow breaks `rule`."""
        column = self.flow_column(pair)
        return self.table.wrong_cell(code, int(self.row[pair]), column, rule, fix, self.people(pair))

    def people(self, pair: int) -> float | None:
        """Give the flow of a pair for a message, None where nobody knows it."""
        flow = float(self.flow[pair])
        return None if np.isnan(flow) else flow


def read(config: FlowsConfig) -> ListedPairs:
    """Read the flow table.

    Raises:
        DataError: As `geo.tables.table.read`; E-COL-MISSING, or E-OD-LABEL of a matrix.
    """
    if config.layout == "matrix":
        return _from_matrix(config)
    return read_rows(config, (config.origin or "", config.destination or "", config.flow or ""), SECTION)


def read_rows(config: FileConfig, names: tuple[str, str, str], where: str) -> ListedPairs:
    """Read a table with one row a pair, of zones or of groups of them.

    Raises:
        DataError: As `geo.tables.table.read`; E-COL-MISSING.
    """
    table = tables.read(config, where)
    if missing := check_columns(table.file, table.columns, names):
        raise DataError(missing)
    flow, issues = read_column(table, names[2])
    issues += _wrong_flows(table, names[2], flow, {issue.line for issue in issues})
    issues += [issue for name in names[:2] for issue in _blank_labels(table, name, flow)]
    froms, tos, cells = (table.columns[name] for name in names)
    row = np.array([at for at in range(table.rows) if froms[at] and tos[at]], dtype=np.int64)
    origins, origin = index([froms[at] for at in row])
    destinations, destination = index([tos[at] for at in row])
    rounding = half_digit([cells[at] for at in row])
    listed = ListedPairs(table, origins, destinations, origin, destination, flow[row], rounding, row, names, ())
    return dataclasses.replace(listed, issues=(*issues, *_repeated(listed)))


def _from_matrix(config: FlowsConfig) -> ListedPairs:
    matrix = matrices.read(config, SECTION, config.total, blank_is_zero=config.absent_pairs == "zero")
    issues = list(matrix.issues)
    for row, column in np.argwhere(matrix.values < 0).tolist():
        issues.append(matrix.cell_error("E-OD-FLOW", row, column, _NOT_NEGATIVE, _CORRECT))
    origin, destination = np.nonzero(~matrix.absent)
    return ListedPairs(
        matrix.table,
        matrix.origins,
        matrix.destinations,
        origin,
        destination,
        matrix.values[origin, destination],
        matrix.rounding[origin, destination],
        origin,
        None,
        tuple(issues),
    )


def index(labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Give the different labels in order of first appearance, and the place of each there."""
    at, different = pd.factorize(np.array(labels, dtype=object))
    return tuple(different), at


def _wrong_flows(table: Table, column: str, flow: NDArray[np.float64], reported: Collection[int | None]) -> list[Issue]:
    """Find flows that are blank, not declared unknown, or negative; the lines of `told` are reported already."""
    cells, issues = table.columns[column], []
    for row in np.flatnonzero(~(flow >= 0)).tolist():
        if cells[row] in table.missing or table.lines[row] in reported:
            continue
        rule, fix = _NOT_NEGATIVE, _CORRECT
        if not cells[row]:
            rule = "a listed pair has a flow"
            fix = f"write it, or a text that {table.where} missing_values declares to mean unknown"
        issues.append(table.wrong_cell("E-OD-FLOW", row, column, rule, fix))
    return issues


def _blank_labels(table: Table, column: str, flow: NDArray[np.float64]) -> list[Issue]:
    rule, fix = "a pair names both of its zones", "write the label, or remove the row with its people"
    return [
        table.wrong_cell("E-OD-LABEL", row, column, rule, fix, None if np.isnan(flow[row]) else float(flow[row]))
        for row, label in enumerate(table.columns[column])
        if not label
    ]


def _repeated(listed: ListedPairs) -> list[Issue]:
    """Find pairs that stand in several rows, each row with the lines of the others."""
    pair = listed.origin * len(listed.destinations) + listed.destination
    lines: defaultdict[int, list[int]] = defaultdict(list)
    for at, which in enumerate(pair.tolist()):
        lines[which].append(listed.line(at))
    fix = "keep one row, or add the flows up before"
    return [
        error(
            "E-OD-PAIR-DUP",
            listed.table.file,
            line=listed.line(at),
            column=listed.flow_column(at),
            value=listed.name(at),
            rule=f"a pair stands once; {elsewhere(listed.line(at), lines[which])}",
            fix=fix,
            people=listed.people(at),
        )
        for at, which in enumerate(pair.tolist())
        if len(lines[which]) > 1
    ]
