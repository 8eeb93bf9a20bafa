"""Where a zone stands: positions of the table against the polygons, and against one another."""

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import Issue, error

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
        E-POS-FAR where the position is nowhere near (swapped columns, another CRS), W-POS-OUTSIDE where it is beside:
        the centroid of a bent zone or of islands, or a polygon simplified since.
    """
    known = [at for at, code in enumerate(rows.codes) if code in shapes and np.isfinite(lon[at] + lat[at])]
    outlines = np.array([shapes[rows.codes[at]] for at in known], dtype=object)
    x, y = lon[known], lat[known]
    outside = ~shapely.intersects_xy(outlines, x, y)
    bounds = shapely.bounds(outlines).reshape(-1, 4)
    west, south, east, north = bounds.T
    far = np.maximum.reduce([west - x, x - east, south - y, y - north]) > _MARGIN_DEGREES
    issues = [_far(rows, known[at], x[at], y[at], bounds[at], column) for at in np.flatnonzero(far)]
    return issues + [_outside(rows, known[at], x[at], y[at], column) for at in np.flatnonzero(outside & ~far)]


def _far(rows: Rows, row: int, lon: float, lat: float, bounds: NDArray[np.float64], column: str) -> Issue:
    west, south, east, north = bounds
    extent = f"{west:.2f}-{east:.2f}, {south:.2f}-{north:.2f}"
    return error(
        "E-POS-FAR",
        rows.file,
        rule=f"the position of zone {rows.codes[row]} is far from its polygon ({extent})",
        fix="correct the position or the code; lon and lat are WGS 84 degrees",
        people=rows.residents(row),
        line=rows.lines[row],
        column=column,
        value=f"{lon:g}, {lat:g}",
    )


def _outside(rows: Rows, row: int, lon: float, lat: float, column: str) -> Issue:
    rule = f"the position of zone {rows.codes[row]} lies outside of its polygon"
    fix = "give a point on land, or leave lon and lat out: then a point inside the polygon is taken"
    value, people = f"{lon:g}, {lat:g}", rows.residents(row)
    return Issue("W-POS-OUTSIDE", "warning", rows.file, rows.lines[row], column, value, rule, fix, people)


def check_apart(lon: NDArray[np.float64], lat: NDArray[np.float64], column: str | None, rows: Rows) -> list[Issue]:
    """Find zones at the same position as an earlier one (E-DIST-ZERO): their distance would be zero.

    Args:
        lon: Degrees east, shape (rows,).
        lat: Degrees north, shape (rows,).
        column: Column with the longitude, if the positions come from the table.
        rows: The zones.
    """
    first: dict[tuple[float, float], int] = {}
    issues = []
    for row, position in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        if any(np.isnan(position)):
            continue
        other = first.setdefault(position, row)
        if other != row and rows.codes[other] != rows.codes[row]:
            rule = f"zones {rows.codes[other]} and {rows.codes[row]} stand at the same position"
            fix = "give each its own position, or merge the two zones"
            issues.append(
                error(
                    "E-DIST-ZERO",
                    rows.file,
                    rule=rule,
                    fix=fix,
                    people=rows.residents(row),
                    line=rows.lines[row],
                    column=column,
                    value=f"{position[0]:g}, {position[1]:g}",
                )
            )
    return issues
