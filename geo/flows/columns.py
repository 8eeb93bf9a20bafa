"""Further numbers: masses of origins and destinations, columns of pairs, and what a threshold is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.checks.keys import check_columns
from geo.config import CensoredConfig
from geo.errors import Issue
from geo.tables.numbers import read_column
from geo.tables.table import Table

from .listed_pairs import ListedPairs
from .pairs import Pairs
from .zones import Zones

_CODE = "E-OD-COVARIATE"
_WRITE = "write the number"
_IN_ZONES = 'take it from a column of [zones], or absent_pairs = "missing"'
Axis = Literal["origin", "destination"]
Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ColumnSources:
    """Which wanted columns come from the zones and which from the flow table.

    Attributes:
        zones: Names of columns of the zones.
        flows: Names of columns of the flow table.
        issues: E-COL-MISSING for those that neither has.
    """

    zones: frozenset[str]
    flows: frozenset[str]
    issues: tuple[Issue, ...]


def find(listed: ListedPairs, zones: Zones | None, masses: Sequence[str], of_pairs: Sequence[str]) -> ColumnSources:
    """Look for columns: masses in the zones first, else in the flow table; those of pairs there alone."""
    of_flows = list(listed.table.columns) if listed.names else []
    of_zones = list(zones.table.columns) if zones is not None else []
    file = zones.table.file if zones is not None else listed.table.file
    issues = check_columns(file, [*of_zones, *of_flows], masses)
    issues += check_columns(listed.table.file, of_flows, of_pairs)
    in_zones = frozenset(masses) & frozenset(of_zones)
    in_flows = (frozenset(masses) - in_zones | frozenset(of_pairs)) & frozenset(of_flows)
    return ColumnSources(in_zones, in_flows, tuple(issues))


def of_zones(names: Sequence[str], places: ColumnSources, zones: Zones | None) -> tuple[Columns, list[Issue]]:
    """Read columns of zones, each with a number for every zone; shape (N,)."""
    columns: Columns = {}
    issues: list[Issue] = []
    for name in dict.fromkeys(names):
        if zones is not None and name in places.zones:
            columns[name], found = read_column(zones.table, name)
            issues += found + _blank(zones.table, name, range(zones.table.rows), "every zone has a number")
    return columns, issues


def of_flows(
    names: Sequence[str], places: ColumnSources, pairs: Pairs, axis: Axis | None
) -> tuple[Columns, list[Issue]]:
    """Read columns of the flow table.

    Args:
        names: Those wanted; others than `places` has are left out.
        places: Where columns are.
        pairs: Listed pairs in their rectangle.
        axis: Of what a column is a mass: the same in all rows of an origin, it is one number an origin, which its
            absent pairs have too. None for a column of pairs.

    Returns:
        Shape (O,), (D,) or (O, D); E-NUM, E-OD-COVARIATE.
    """
    columns: Columns = {}
    issues: list[Issue] = []
    for name in dict.fromkeys(names):
        if name not in places.flows:
            continue
        values, found = _listed_values(name, pairs)
        columns[name], lacking = _lay_out(name, values, pairs, axis)
        # An absent pair of a zone whose number is wrong lacks it for that reason.
        issues += found if any(issue.severity == "error" for issue in found) else found + lacking
    return columns, issues


def gauge(config: CensoredConfig | None, pairs: Pairs) -> tuple[NDArray[np.float64] | None, list[Issue]]:
    """Give what the threshold is of: shape (O, D), NaN where not listed; E-OD-THRESHOLD where it is below.

    None where there is no threshold, or its column is not there.
    """
    listed = pairs.listed
    if config is None or (config.column is not None and config.column not in listed.table.columns):
        return None, []
    issues: list[Issue] = []
    if config.column is None:
        values = listed.flow[pairs.listed_index]
    else:
        numbers, issues = read_column(listed.table, config.column)
        values = pairs.column(numbers)
    reported = {issue.line for issue in issues}
    rule = f"a listed pair has at least {config.below:g} in this column; fewer are not published"
    fix = "correct the number, or the threshold: [flows] absent_pairs below"
    for at in np.flatnonzero(pairs.fitted & ~(values >= config.below)).tolist():
        pair = int(pairs.listed_index[at])
        column, row = config.column or listed.flow_column(pair), int(listed.row[pair])
        if listed.table.lines[row] not in reported or config.column is None:
            issues.append(listed.table.wrong_cell("E-OD-THRESHOLD", row, column, rule, fix, listed.people(pair)))
    return pairs.as_rectangle(values), issues


def _listed_values(name: str, pairs: Pairs) -> tuple[NDArray[np.float64], list[Issue]]:
    """Read a column for the listed pairs, shape (P,), NaN where not used; those that are used must have a number."""
    table = pairs.listed.table
    numbers, issues = read_column(table, name)
    rows = pairs.listed.row[pairs.listed_index[pairs.fitted]].tolist()
    issues += _blank(table, name, rows, "a pair that is fitted has a number")
    return np.where(pairs.fitted, pairs.column(numbers), np.nan), issues


def _blank(table: Table, name: str, rows: Sequence[int], rule: str) -> list[Issue]:
    blank = table.blank(name)
    return [table.wrong_cell(_CODE, row, name, f"{rule} in this column", _WRITE, None) for row in rows if blank[row]]


def _lay_out(
    name: str, values: NDArray[np.float64], pairs: Pairs, axis: Axis | None
) -> tuple[NDArray[np.float64], list[Issue]]:
    """Give one number a zone where a mass is the same in all its rows, else one a pair."""
    if axis is not None:
        index, size = (pairs.origin, pairs.shape[0]) if axis == "origin" else (pairs.destination, pairs.shape[1])
        known = ~np.isnan(values)
        mass = np.full(size, np.nan)
        mass[index[known]] = values[known]
        if (mass[index[known]] == values[known]).all():
            missing = np.isnan(mass)[:, None] if axis == "origin" else np.isnan(mass)[None, :]
            what = f"a number in this column, which no row of the {axis} has"
            return mass, pairs.missing_for_absent(_CODE, name, what, _IN_ZONES, np.broadcast_to(missing, pairs.shape))
    grid = pairs.as_rectangle(values)
    return grid, pairs.missing_for_absent(_CODE, name, "a number in this column", _IN_ZONES, np.isnan(grid))
