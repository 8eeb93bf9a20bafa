"""A prior flow table, and the totals its flows are to have: of zones, one row each, and of blocks between groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.checks.keys import check_columns
from geo.config import BalanceTables, TotalsConfig
from geo.errors import DataError, Issue, attempt, error, failed, keep
from geo.tables import table as tables
from geo.tables.numbers import read_column
from geo.tables.table import Table

from . import listed_pairs, pairs
from .listed_pairs import ListedPairs
from .pairs import hint
from .zones import Zones, check_ids

SECTION = "[totals]"
_OF_BLOCKS = "[totals.block]"


@dataclass(frozen=True)
class Blocks:
    """Groups of zones, and flows between them.

    Attributes:
        groups: Labels of the G groups in order of first appearance.
        group: Index of the group of each zone, shape (N,).
        flow: Shape (G, G), from a group to a group; NaN where not given.
    """

    groups: tuple[str, ...]
    group: NDArray[np.int64]
    flow: NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """A prior and totals of the same N zones.

    Attributes:
        zones: Labels, in the order of the file of totals.
        flow: The prior, shape (N, N), origins by destinations; 0 where a pair cannot be.
        totals: By kind ("outflow", "inflow", "net"), shape (N,), NaN where not given.
        blocks: Flows between groups of zones, None where the config names none.
        issues: Warnings.
    """

    zones: tuple[str, ...]
    flow: NDArray[np.float64]
    totals: dict[str, NDArray[np.float64]]
    blocks: Blocks | None
    issues: tuple[Issue, ...]


def read_prior(config: BalanceTables) -> Prior:
    """Read the prior, and the totals of its zones.

    Raises:
        DataError: Once, with every error of all files.
    """
    problems: list[Issue] = []
    table = keep(problems, attempt(lambda: listed_pairs.read(config.flows)))
    problems += table.issues if table is not None else ()
    known = keep(problems, attempt(lambda: _read(config.totals, problems)))
    if table is None or known is None:
        raise DataError(problems)
    zones, totals, blocks = known
    placed = keep(problems, pairs.place(config.flows, table, zones))
    problems = list(dict.fromkeys(problems))
    if failed(problems):
        raise DataError(problems)
    return Prior(zones.ids, placed.as_rectangle(placed.flow(), 0.0), totals, blocks, tuple(problems))


def _read(config: TotalsConfig, problems: list[Issue]) -> tuple[Zones, dict[str, NDArray[np.float64]], Blocks | None]:
    """Read the zones, their totals and the blocks, and put what is wrong to the problems.

    Raises:
        DataError: What the files deserve; E-COL-MISSING where the zones have no labels.
    """
    issues: list[Issue] = []
    lines = None
    if (block := config.block) is not None:
        names = (block.origin, block.destination, block.flow)
        lines = keep(issues, attempt(lambda: listed_pairs.read_rows(block, names, _OF_BLOCKS)))
    table = keep(issues, attempt(lambda: tables.read(config, SECTION)))
    if table is None:
        raise DataError(issues)
    columns = {config.id, *config.of_zones.values(), *([config.group] if config.group else [])}
    issues += check_columns(table.file, table.columns, columns)
    if config.id not in table.columns:
        raise DataError(issues)
    issues += check_ids(table, config.id)
    ids = table.columns[config.id]
    totals = {kind: keep(issues, _read_totals(table, kind, column)) for kind, column in config.of_zones.items()}
    blocks = None
    if lines is not None and config.group in table.columns:
        blocks = keep(issues, _read_blocks(table, str(config.group), lines))
    if not issues and all(np.isnan(x).all() for x in (*totals.values(), *([blocks.flow] if blocks else []))):
        fix = "write one, or correct the names of the columns"
        issues.append(error("E-OD-TOTAL", table.file, rule="flows need a total; every cell is blank", fix=fix))
    problems += issues
    return Zones(table, ids, None, None, np.zeros(table.rows, dtype=np.bool_), ()), totals, blocks


def _read_totals(table: Table, kind: str, column: str) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read one kind of total; only net migration may be negative (E-OD-TOTAL)."""
    if column not in table.columns:
        return np.full(table.rows, np.nan), []
    values, issues = read_column(table, column)
    rule, fix = f"an {kind} is zero or more", "correct the number, or leave the cell blank where it is not known"
    below = [] if kind == "net" else np.flatnonzero(values < 0).tolist()
    return values, issues + [table.wrong_cell("E-OD-TOTAL", row, column, rule, fix, None) for row in below]


def _read_blocks(table: Table, column: str, lines: ListedPairs) -> tuple[Blocks, list[Issue]]:
    """Put the blocks to the groups of the zones."""
    groups, group = listed_pairs.index(table.columns[column])
    rule, fix = "every zone is in a group", "write its group"
    blank = np.flatnonzero(np.array(table.columns[column]) == "").tolist()
    issues = [*lines.issues, *(table.wrong_cell("E-OD-GROUP", row, column, rule, fix, None) for row in blank)]
    flow = np.full((len(groups), len(groups)), np.nan)
    issues += [issue for axis in (0, 1) for issue in _unknown_groups(lines, axis, set(groups) - {""})]
    places = {label: at for at, label in enumerate(groups)}
    for pair in range(len(lines.flow)):
        ends = lines.origins[lines.origin[pair]], lines.destinations[lines.destination[pair]]
        if places.keys() >= set(ends):
            flow[places[ends[0]], places[ends[1]]] = lines.flow[pair]
    return Blocks(groups, group, flow), issues


def _unknown_groups(lines: ListedPairs, axis: int, groups: set[str]) -> list[Issue]:
    """Find labels of blocks that no zone has as its group, each at its first line."""
    labels, at = ((lines.origins, lines.origin), (lines.destinations, lines.destination))[axis]
    names, issues = lines.names or ("", "", ""), []
    for count, label in enumerate(label for label in labels if label not in groups):
        row = int(lines.row[np.flatnonzero(at == labels.index(label))[0]])
        fix = f"{hint(label, groups, count)}correct the label, or give its zones this group"
        issues.append(
            lines.table.wrong_cell("E-OD-GROUP", row, names[axis], "a block is between groups of zones", fix, None)
        )
    return issues
