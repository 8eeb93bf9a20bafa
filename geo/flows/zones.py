"""The zones of a flow table: their labels, positions and published totals, from a table or a layer of polygons."""

from collections import defaultdict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.checks import positions
from geo.checks.keys import check_columns, read_codes, repeated
from geo.checks.missing import Rows
from geo.config import FlowZonesConfig
from geo.errors import DataError, Issue, error
from geo.layers import polygons
from geo.tables import table as tables
from geo.tables.numbers import read_column
from geo.tables.table import Table

SECTION = "[zones]"
_BOUNDS = (
    (180.0, "a longitude lies between -180 and 180 degrees"),
    (90.0, "a latitude lies between -90 and 90 degrees"),
)


@dataclass(frozen=True)
class Zones:
    """Zones as their file has them; N of them.

    Attributes:
        table: The file, or the records of the layer.
        ids: Label of each.
        lon: Degrees east, shape (N,), NaN where wrong; None unless asked for.
        lat: Degrees north, likewise.
        excluded: Which are left out, shape (N,).
        issues: What was found.
    """

    table: Table
    ids: tuple[str, ...]
    lon: NDArray[np.float64] | None
    lat: NDArray[np.float64] | None
    excluded: NDArray[np.bool_]
    issues: tuple[Issue, ...]


def read(config: FlowZonesConfig, *, positions_needed: bool) -> Zones:
    """Read the zones, and where they stand if that is needed.

    Raises:
        DataError: As `geo.tables.table.read`; E-COL-MISSING where it has no column with the labels.
    """
    layer = config.polygons
    opened = polygons.read(layer, SECTION) if layer is not None else None
    table = tables.read(config, SECTION) if opened is None else _layer_as_table(config, opened[0])
    named = [config.id, config.lon, config.lat, config.outflow, config.inflow]
    issues = check_columns(table.file, table.columns, {name for name in named if name})
    if config.id not in table.columns:
        raise DataError(issues)
    ids = table.columns[config.id]
    issues += check_ids(table, config.id)
    excluded, found = _excluded(config, table, ids)
    issues += found
    if not positions_needed:
        return Zones(table, ids, None, None, excluded, tuple(issues))
    if config.lon is not None and config.lat is not None:
        lon, lat, found = _positions_from_columns(table, config.lon, config.lat)
    elif opened is not None and layer is not None:
        outlines = polygons.sound(*opened, ids, layer, table.file, {}, borders=False)
        lon, lat, found = _centroids(outlines, table.rows)
    else:  # the config has been checked: positions come from one of the two
        raise ValueError("zones without positions")
    rows = Rows(table.file, table.lines, ids, ids, np.full(table.rows, np.nan), 0)
    apart = positions.check_apart(lon, lat, config.lon or config.id, rows)
    return Zones(table, ids, lon, lat, excluded, (*issues, *found, *apart))


def _excluded(config: FlowZonesConfig, table: Table, ids: tuple[str, ...]) -> tuple[NDArray[np.bool_], list[Issue]]:
    """Find the zones to be left out; a label that no zone has leaves out nothing, and somebody would not notice."""
    known, fix = set(ids), "correct the label, or take it from the list"
    issues = [
        error(
            "E-OD-ZONE-UNKNOWN", table.file, column=config.id, value=label, rule="[zones] exclude names zones", fix=fix
        )
        for label in config.exclude
        if label not in known
    ]
    return np.isin(np.array(ids, dtype=object), np.array(config.exclude, dtype=object)), issues


def _layer_as_table(config: FlowZonesConfig, layer: gpd.GeoDataFrame) -> Table:
    """Give the records of a layer as a table of text."""
    names = [name for name in layer.columns if name != layer.geometry.name]
    cells = {str(name): read_codes(layer[name]) for name in names}
    return Table(
        config.file.name,
        {name: tuple(column) for name, (column, _) in cells.items()},
        tuple(range(1, len(layer) + 1)),
        {name: kind for name, (_, kind) in cells.items() if kind != "text"},
        config.thousands,
        frozenset(config.missing_values),
        SECTION,
    )


def check_ids(table: Table, column: str) -> list[Issue]:
    """Find zones without a label (E-OD-LABEL), and labels that stand twice (E-CODE-DUP)."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for line, label in zip(table.lines, table.columns[column], strict=True):
        places[label].append(line)
    blank = ("E-OD-LABEL", "every zone has a label", "write it, or remove the zone")
    issues = []
    for row, label in enumerate(table.columns[column]):
        fault = repeated(table.lines[row], places[label]) if label else blank
        if fault is not None:
            issues.append(table.wrong_cell(fault[0], row, column, fault[1], fault[2], None))
    return issues


def _positions_from_columns(
    table: Table, lon: str, lat: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Issue]]:
    """Read positions from columns; each zone must have one, in degrees."""
    values, issues = [], []
    for column, (bound, rule) in zip((lon, lat), _BOUNDS, strict=True):
        if column not in table.columns:
            values.append(np.full(table.rows, np.nan))
            continue
        numbers, found = read_column(table, column)
        issues += found
        for row in np.flatnonzero(table.blank(column)).tolist():
            fix = "write its position, or take the distances from a column or a matrix"
            issues.append(table.wrong_cell("E-OD-POSITION", row, column, "every zone has a position", fix, None))
        for row in np.flatnonzero(np.abs(numbers) > bound).tolist():
            issues.append(table.wrong_cell("E-POS-RANGE", row, column, rule, "correct the position", None))
        values.append(np.where(np.abs(numbers) > bound, np.nan, numbers))
    return values[0], values[1], issues


def _centroids(outlines: polygons.Outlines, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Issue]]:
    """Give the planar centroid in degrees of each polygon, as scikit-mobility takes it."""
    lon, lat = np.full(rows, np.nan), np.full(rows, np.nan)
    if outlines.shapes is not None:
        at = np.array(outlines.lines) - 1
        centres = shapely.centroid(outlines.shapes)
        lon[at], lat[at] = shapely.get_x(centres), shapely.get_y(centres)
    # A label that stands twice is reported with the labels: parts of one zone cannot be united here.
    return lon, lat, [issue for issue in outlines.issues if issue.code != "E-CODE-DUP"]
