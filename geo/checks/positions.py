"""Positions of zones, compared with their polygons and with one another."""

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import Issue

from .missing import Rows

# A simplified polygon may leave its own point outside by some tens of km; half a degree away is another county.
_MARGIN_DEGREES = 0.5


def check_inside(
    lon: NDArray[np.float64], lat: NDArray[np.float64], shapes: Mapping[str, shapely.Geometry], column: str, rows: Rows
) -> list[Issue]:
    """Find positions outside of the polygon of their zone.

    Args:
        lon: Degrees east, shape (rows,).
        lat: Degrees north, shape (rows,).
        shapes: Polygons in degrees by code.
        column: Column with the longitude.
        rows: The zones.

    Returns:
        E-POS-FAR more than half a degree away (swapped columns, another CRS); W-POS-OUTSIDE for less: the centroid of
        a bent zone or of islands, or a polygon simplified since.
    """
    known = [at for at, code in enumerate(rows.codes) if code in shapes and np.isfinite(lon[at] + lat[at])]
    outlines = np.array([shapes[rows.codes[at]] for at in known], dtype=object)
    x, y = lon[known], lat[known]
    outside = ~shapely.intersects_xy(outlines, x, y)
    west, south, east, north = shapely.bounds(outlines).reshape(-1, 4).T
    far = np.maximum.reduce([west - x, x - east, south - y, y - north]) > _MARGIN_DEGREES
    issues = []
    for at in np.flatnonzero(far):
        extent = f"{west[at]:.2f}-{east[at]:.2f}, {south[at]:.2f}-{north[at]:.2f}"
        rule = f"the position of zone {rows.codes[known[at]]} is far from its polygon ({extent})"
        fix = "correct the position or the code; lon and lat are WGS 84 degrees"
        issues.append(rows.issue("E-POS-FAR", known[at], column, f"{x[at]:g}, {y[at]:g}", rule, fix))
    for at in np.flatnonzero(outside & ~far):
        rule = f"the position of zone {rows.codes[known[at]]} lies outside of its polygon"
        fix = "give a point on land, or leave lon and lat out: then a point inside the polygon is taken"
        issues.append(rows.issue("W-POS-OUTSIDE", known[at], column, f"{x[at]:g}, {y[at]:g}", rule, fix))
    return issues


def check_apart(lon: NDArray[np.float64], lat: NDArray[np.float64], column: str | None, rows: Rows) -> list[Issue]:
    """Find zones at the position (degrees, shape (rows,)) of an earlier one, at distance zero (E-DIST-ZERO)."""
    first: dict[tuple[float, float], int] = {}
    issues = []
    for row, position in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        other = row if any(np.isnan(position)) else first.setdefault(position, row)
        if rows.codes[other] != rows.codes[row]:
            rule = f"zones {rows.codes[other]} and {rows.codes[row]} have the same position"
            fix = "give each its own position, or merge the two zones"
            issues.append(rows.issue("E-DIST-ZERO", row, column, f"{position[0]:g}, {position[1]:g}", rule, fix))
    return issues
