"""Totals that flows are to have: of zones, one row each, and of blocks between groups of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.checks.keys import check_columns
from geo.config import BlocksConfig, TotalsConfig
from geo.errors import DataError, Issue, attempt, error, keep
from geo.tables import table as tables
from geo.tables.numbers import read_column
from geo.tables.table import Table

from . import listed_pairs
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
class TargetTotals:
    """What is given of N zones.

    Attributes:
        zones: The zones, in the order of their file.
        totals: By kind ("outflow", "inflow", "net"), shape (N,), NaN where not given.
        blocks: None unless the config names them.
        issues: What was found.
    """

    zones: Zones
    totals: dict[str, NDArray[np.float64]]
    blocks: Blocks | None
    issues: tuple[Issue, ...]


def read(config: TotalsConfig) -> TargetTotals:
    """Read the totals of zones and of blocks.

    Raises:
        DataError: What the files deserve; E-COL-MISSING where the zones have no labels.
    """
    issues: list[Issue] = []
    lines = _read_block_rows(config.block, issues) if config.block is not None else None
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
    zones = Zones(table, ids, None, None, np.zeros(table.rows, dtype=np.bool_), ())
    return TargetTotals(zones, totals, blocks, tuple(issues))


def _read_totals(table: Table, kind: str, column: str) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read one kind of total; only net migration may be negative (E-OD-TOTAL)."""
    if column not in table.columns:
        return np.full(table.rows, np.nan), []
    values, issues = read_column(table, column)
    rule, fix = f"an {kind} is zero or more", "correct the number, or leave the cell blank where it is not known"
    below = [] if kind == "net" else np.flatnonzero(values < 0).tolist()
    return values, issues + [table.wrong_cell("E-OD-TOTAL", row, column, rule, fix, None) for row in below]


def _read_block_rows(config: BlocksConfig, issues: list[Issue]) -> ListedPairs | None:
    names = (config.origin, config.destination, config.flow)
    return keep(issues, attempt(lambda: listed_pairs.read_rows(config, names, _OF_BLOCKS)))


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
