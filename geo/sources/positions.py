"""Where a zone stands and how large it is: from the table where it says so, else from the polygon."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.errors import Issue, error

from .missing import Rows

_GEOD = pyproj.Geod(ellps="WGS84")
# A simplified polygon may leave its own point outside by some tens of km; half a degree away is another county.
_MARGIN_DEGREES = 0.5


def point_inside(shapes: NDArray[np.object_]) -> dict[str, NDArray[np.float64]]:
    """Give a point inside each polygon (never a centroid, which may lie at sea): lon and lat, degrees, shape (N,)."""
    points = shapely.point_on_surface(shapes)
    return {"lon": shapely.get_x(points), "lat": shapely.get_y(points)}


def geodesic_area_km2(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Give the area of polygons in degrees on the WGS 84 ellipsoid (Karney 2013), km2, shape (N,)."""
    # The algorithm signs an area by the direction of its ring: shells one way, holes the other.
    turned = shapely.orient_polygons(shapes)
    return np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e6 for shape in turned])


def check_far(
    lon: NDArray[np.float64], lat: NDArray[np.float64], shapes: Mapping[str, shapely.Geometry], column: str, rows: Rows
) -> list[Issue]:
    """Find positions that are nowhere near the polygon of their zone (E-POS-FAR): swapped columns, another datum.

    Args:
        lon: Degrees east, shape (rows,).
        lat: Degrees north, shape (rows,).
        shapes: Polygons in degrees by code.
        column: Column with the longitude.
        rows: The zones.
    """
    issues = []
    for row, code in enumerate(rows.codes):
        if code not in shapes or np.isnan(lon[row]) or np.isnan(lat[row]):
            continue
        west, south, east, north = shapely.bounds(shapes[code])
        outside_x = max(west - lon[row], lon[row] - east)
        outside_y = max(south - lat[row], lat[row] - north)
        if max(outside_x, outside_y) > _MARGIN_DEGREES:
            value = f"{lon[row]:g}, {lat[row]:g}"
            rule = (
                f"the position of zone {code} is far from its polygon ({west:.2f}-{east:.2f}, {south:.2f}-{north:.2f})"
            )
            fix = "correct the position or the code; lon and lat are WGS 84 degrees"
            issues.append(
                error(
                    "E-POS-FAR",
                    rows.file,
                    rule=rule,
                    fix=fix,
                    people=rows.residents(row),
                    line=rows.lines[row],
                    column=column,
                    value=value,
                )
            )
    return issues


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
