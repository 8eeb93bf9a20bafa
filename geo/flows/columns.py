"""Further numbers: masses of origins and destinations, columns of pairs, and what a threshold is of."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.checks.keys import check_columns
from geo.config import CensoredConfig
from geo.errors import Issue, failed
from geo.tables.numbers import read_column

from .listed_pairs import ListedPairs
from .pairs import Pairs
from .zones import Zones

_CODE = "E-OD-COVARIATE"
_WRITE = "write the number"
_IN_ZONES = 'take it from a column of [zones], or absent_pairs = "missing"'
Axis = Literal["origin", "destination"]
Columns = dict[str, NDArray[np.float64]]


def find(
    listed: ListedPairs, zones: Zones | None, masses: Sequence[str], of_pairs: Sequence[str]
) -> tuple[tuple[frozenset[str], frozenset[str]], list[Issue]]:
    """Look for columns: masses in the zones first, else in the flow table; those of pairs there alone.

    Returns:
        Names of columns of the zones and of the flow table; E-COL-MISSING for those that neither has.
    """
    of_flows = list(listed.table.columns) if listed.names else []
    of_zones = list(zones.table.columns) if zones is not None else []
    file = zones.table.file if zones is not None else listed.table.file
    issues = check_columns(file, [*of_zones, *of_flows], masses)
    issues += check_columns(listed.table.file, of_flows, of_pairs)
    in_zones = frozenset(masses) & frozenset(of_zones)
    return (in_zones, (frozenset(masses) - in_zones | frozenset(of_pairs)) & frozenset(of_flows)), issues


def of_zones(names: Iterable[str], zones: Zones) -> tuple[Columns, list[Issue]]:
    """Read columns of zones, each with a number for every zone; shape (N,)."""
    columns: Columns = {}
    issues: list[Issue] = []
    for name in dict.fromkeys(names):
        columns[name], found = read_column(zones.table, name)
        rule = "every zone has a number in this column"
        blank = np.flatnonzero(zones.table.blank(name)).tolist()
        issues += found + [zones.table.wrong_cell(_CODE, row, name, rule, _WRITE) for row in blank]
    return columns, issues


def of_flows(names: Iterable[str], pairs: Pairs, axis: Axis | None) -> tuple[Columns, list[Issue]]:
    """Read columns of the flow table.

    Args:
        names: Those wanted.
        pairs: Listed pairs in their rectangle.
        axis: Of what a column is a mass: the same in all rows of an origin, it is one number an origin, which its
            absent pairs have too. None for a column of pairs.

    Returns:
        Shape (O,), (D,) or (O, D); E-NUM, E-OD-COVARIATE.
    """
    columns: Columns = {}
    issues: list[Issue] = []
    for name in dict.fromkeys(names):
        rule = "a pair that is fitted has a number in this column"
        values, found = pairs.read(_CODE, name, -np.inf, rule, _WRITE)
        columns[name], lacking = _lay_out(name, np.where(pairs.fitted, values, np.nan), pairs, axis)
        # An absent pair of a zone whose number is wrong lacks it for that reason.
        issues += found if failed(found) else found + lacking
    return columns, issues


def gauge(config: CensoredConfig | None, pairs: Pairs) -> tuple[NDArray[np.float64] | None, list[Issue]]:
    """Give what the threshold is of: shape (O, D), NaN where not listed; E-OD-THRESHOLD where it is below.

    None where there is no threshold, or its column is not there.
    """
    listed = pairs.listed
    if config is None or (config.column is not None and config.column not in listed.table.columns):
        return None, []
    rule = f"a listed pair has at least {config.below:g} in this column; fewer are not published"
    fix = "correct the number, or the threshold: [flows] absent_pairs below"
    if config.column is not None:
        values, issues = pairs.read("E-OD-THRESHOLD", config.column, config.below, rule, fix)
    else:
        values = listed.flow[pairs.listed_index]
        low = pairs.listed_index[pairs.fitted & ~(values >= config.below)].tolist()
        issues = [listed.wrong_flow("E-OD-THRESHOLD", pair, rule, fix) for pair in low]
    return pairs.as_rectangle(values), issues


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
