"""From two files to a flow table that can be fitted: everything is read and checked, and every problem told at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from geo.config import FlowsConfig, FlowZonesConfig
from geo.config.flows import COMPUTED
from geo.errors import DataError, Issue, attempt
from geo.sources.keys import check_columns
from geo.tables.numbers import read_column

from . import columns, distances, listed, pairs, zones
from .data import FlowData
from .listed import Listed
from .pairs import Pairs
from .sums import Sums, differ, half_digit
from .zones import Zones


def read(
    flows_config: FlowsConfig,
    zones_config: FlowZonesConfig | None,
    origin_columns: Sequence[str],
    destination_columns: Sequence[str],
    pair_columns: Sequence[str],
) -> FlowData:
    """Read a flow table and its zones.

    Args:
        flows_config: `[flows]`.
        zones_config: `[zones]`, if any; then every zone is an origin and a destination.
        origin_columns: Columns of the zones, else of the flow table, that are wanted of origins.
        destination_columns: The same of destinations.
        pair_columns: Columns of the flow table that are wanted of pairs.

    Returns:
        Rectangles of origins by destinations, with warnings.

    Raises:
        DataError: Once, with every error of all files.
    """
    computed = flows_config.distance in COMPUTED
    table, problems = attempt(lambda: listed.read(flows_config))
    known, found = _zones(zones_config, positions_needed=computed)
    problems += found
    matrix, found = attempt(lambda: distances.read_matrix(flows_config))
    problems += found
    problems += [issue for part in (table, known, matrix) if part is not None for issue in part.issues]
    if table is None or (zones_config is not None and known is None):
        raise DataError(problems)
    places = columns.find(table, known, [*origin_columns, *destination_columns], pair_columns)
    placed, found = pairs.place(flows_config, table, known)
    problems += [*places.issues, *_named(flows_config, table), *found]
    distance, found = distances.of_pairs(flows_config, placed, known, matrix)
    problems += found
    gauge, found = columns.gauge(flows_config.below, placed)
    problems += found
    masses, found = columns.of_zones([*origin_columns, *destination_columns], places, known)
    problems += found
    origin, found = columns.of_flows(origin_columns, places, placed, "origin")
    problems += found
    destination, found = columns.of_flows(destination_columns, places, placed, "destination")
    problems += found
    of_pairs, found = columns.of_flows(pair_columns, places, placed, None)
    problems += found
    # A flow that is wrong or stands twice makes the sums wrong as well.
    if zones_config is not None and known is not None and placed.sound and not _failed(table.issues):
        problems += _published(zones_config, known, placed)
    problems = list(dict.fromkeys(problems))
    if _failed(problems):
        raise DataError(problems)
    return FlowData(
        origins=placed.origins,
        destinations=placed.destinations,
        flow=placed.spread(placed.flow(), 0.0),
        listed=placed.is_listed(),
        allowed=placed.allowed,
        distance_km=distance,
        gauge=gauge,
        origin_columns=_chosen(origin_columns, masses, origin),
        destination_columns=_chosen(destination_columns, masses, destination),
        pair_columns=of_pairs,
        lines=placed.lines(),
        issues=tuple(problems),
    )


def _zones(config: FlowZonesConfig | None, *, positions_needed: bool) -> tuple[Zones | None, list[Issue]]:
    if config is None:
        return None, []
    return attempt(lambda: zones.read(config, positions_needed=positions_needed))


def _named(config: FlowsConfig, table: Listed) -> list[Issue]:
    """Find columns of the flow table that distance and threshold name and it lacks."""
    column = config.distance if isinstance(config.distance, str) and config.distance not in COMPUTED else None
    names = {name for name in (column, config.below.column if config.below else None) if name is not None}
    return check_columns(table.table.file, table.table.columns, names)


def _failed(issues: Iterable[Issue]) -> bool:
    return any(issue.severity == "error" for issue in issues)


def _chosen(names: Sequence[str], masses: columns.Columns, of_flows: columns.Columns) -> columns.Columns:
    return {name: masses[name] if name in masses else of_flows[name] for name in names}


def _published(config: FlowZonesConfig, known: Zones, placed: Pairs) -> list[Issue]:
    """Compare the flows of each zone with the totals that are published for it (E-OD-SUM).

    Where pairs may be missing or below a threshold, a zone may have fewer people than are published, never more.
    """
    flows = placed.add(placed.flow())
    slack = placed.add(np.where(placed.used, placed.listed.half[placed.which], 0.0))
    unknown = placed.add(np.isnan(placed.listed.flow[placed.which]).astype(np.float64))
    issues = []
    for axis, column, said in ((0, config.outflow, "leave"), (1, config.inflow, "come to")):
        if column is None or column not in known.table.columns:
            continue
        stated, found = read_column(known.table, column)
        issues += found
        sums = Sums(flows[axis], slack[axis], (unknown[axis] == 0) & (placed.absent == "zero"))
        for at in np.flatnonzero(differ(sums, stated, half_digit(known.table.columns[column]))).tolist():
            excess = float(sums.values[at] - stated[at])
            rule = f"{sums.values[at]:,.10g} people {said} zone {known.ids[at]} in the flow table; "
            rule += f"that differs from the published total by {excess:+,.10g}"
            fix = "find the flows that are missing or twice, or correct the total"
            issues.append(known.table.wrong_cell("E-OD-SUM", at, column, rule, fix, abs(excess)))
    return issues
