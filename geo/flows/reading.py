"""From two files to a flow table that can be fitted: everything is read and checked, and every problem told at once."""

from collections.abc import Sequence

import numpy as np

from geo.checks.keys import check_columns
from geo.config import FlowsConfig, FlowZonesConfig
from geo.config.flows import COMPUTED
from geo.errors import DataError, Issue, attempt, failed, keep
from geo.tables.numbers import read_column

from . import columns, distances, listed_pairs, pairs, zones
from .data import FlowData
from .listed_pairs import ListedPairs
from .matrix import Matrix
from .pairs import Pairs
from .stated_totals import FlowSums, differences, half_digit
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
    problems: list[Issue] = []
    table, known, matrix = _open(flows_config, zones_config, problems)
    if table is None or (zones_config is not None and known is None):
        raise DataError(problems)
    wanted = [*origin_columns, *destination_columns]
    in_zones, in_flows = keep(problems, columns.find(table, known, wanted, pair_columns))
    placed = keep(problems, pairs.place(flows_config, table, known))
    problems += _missing_columns(flows_config, table)
    # A flow that is wrong or stands twice makes the sums wrong as well.
    if zones_config is not None and known is not None and placed.labels_valid and not failed(table.issues):
        problems += _compare_published(zones_config, known, placed)
    of_zones = (name for name in wanted if name in in_zones)
    masses = keep(problems, columns.of_zones(of_zones, known)) if known is not None else {}

    def listed_columns(names: Sequence[str], axis: columns.Axis | None) -> columns.Columns:
        return keep(problems, columns.of_flows((name for name in names if name in in_flows), placed, axis))

    origin = masses | listed_columns(origin_columns, "origin")
    destination = masses | listed_columns(destination_columns, "destination")
    of_pairs = listed_columns(pair_columns, None)
    gauge = keep(problems, columns.gauge(flows_config.below, placed))
    if flows_config.distance in COMPUTED and failed(problems):
        raise DataError(list(dict.fromkeys(problems)))  # distances take seconds to make, and nothing can be wrong there
    distance = keep(problems, distances.of_pairs(flows_config, placed, known, matrix))
    problems = list(dict.fromkeys(problems))
    if failed(problems):
        raise DataError(problems)
    return FlowData(
        origins=placed.origins,
        destinations=placed.destinations,
        flow=placed.as_rectangle(placed.flow(), 0.0),
        listed=placed.listed_mask(),
        allowed=placed.allowed,
        distance_km=distance,
        gauge=gauge,
        threshold=None if flows_config.below is None else (flows_config.below.below, flows_config.below.likelihood),
        origin_columns={name: origin[name] for name in origin_columns},
        destination_columns={name: destination[name] for name in destination_columns},
        pair_columns=of_pairs,
        lines=placed.lines(),
        issues=tuple(problems),
    )


def _open(
    flows: FlowsConfig, of_zones: FlowZonesConfig | None, problems: list[Issue]
) -> tuple[ListedPairs | None, Zones | None, Matrix | None]:
    """Read every file, so that one that cannot be read hides nothing of the others."""
    table = keep(problems, attempt(lambda: listed_pairs.read(flows)))
    known = None
    if of_zones is not None:
        needed = flows.distance in COMPUTED
        known = keep(problems, attempt(lambda: zones.read(of_zones, positions_needed=needed)))
    matrix = keep(problems, attempt(lambda: distances.read_matrix(flows)))
    problems += [issue for part in (table, known, matrix) if part is not None for issue in part.issues]
    return table, known, matrix


def _missing_columns(config: FlowsConfig, table: ListedPairs) -> list[Issue]:
    """Find columns of the flow table that distance and threshold name and it lacks."""
    column = config.distance if isinstance(config.distance, str) and config.distance not in COMPUTED else None
    names = {name for name in (column, config.below.column if config.below else None) if name is not None}
    return check_columns(table.table.file, table.table.columns, names)


def _compare_published(config: FlowZonesConfig, known: Zones, placed: Pairs) -> list[Issue]:
    """Compare the flows of each zone with the totals that are published for it (E-OD-SUM).

    Where pairs may be missing or below a threshold, a zone may have fewer people than are published, never more.
    """
    flows = placed.sum_by_zone(placed.flow())
    rounding = placed.sum_by_zone(np.where(placed.fitted, placed.listed.rounding[placed.listed_index], 0.0))
    unknown = placed.sum_by_zone(np.isnan(placed.listed.flow[placed.listed_index]).astype(np.float64))
    issues = []
    for axis, column, text in ((0, config.outflow, "leave"), (1, config.inflow, "come to")):
        if column is None or column not in known.table.columns:
            continue
        stated, found = read_column(known.table, column)
        issues += found
        sums = FlowSums(flows[axis], rounding[axis], (unknown[axis] == 0) & (placed.absent == "zero"))
        for at, excess in differences(sums, stated, half_digit(known.table.columns[column])):
            rule = f"{sums.values[at]:,.10g} people {text} zone {known.ids[at]} in the flow table; "
            rule += f"that differs from the published total by {excess:+,.10g}"
            fix = "find the flows that are missing or twice, or correct the total"
            issues.append(known.table.wrong_cell("E-OD-SUM", at, column, rule, fix, abs(excess)))
    return issues
