"""Where on Earth shapes lie: the range of their CRS, their extent, longitude and latitude, and their area."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs, datum
from geo.errors import Issue

from .records import Checked, Place

_HALF_WAY_ROUND = 180.0
_GEOD = pyproj.Geod(ellps="WGS84")


def locate(shapes: NDArray[np.object_], system: pyproj.CRS, shifted: str | None, place: Place) -> Checked:
    """Bring polygons to degrees, and judge whether they can lie there.

    Args:
        shapes: Polygons, shape (zones,), x before y.
        system: CRS of their coordinates.
        shifted: `datum` of the config.
        place: Where they stand.

    Returns:
        The polygons in EPSG:4326 (lon, lat); E-AXIS-SWAP, E-CRS-RANGE, E-GEOM-EXTENT, E-CRS-MISMATCH and W-DATUM.
    """
    good, issues = _in_range(shapes, system, place)
    degrees, rules = shapes.copy(), []
    degrees[good] = crs.to_degrees(shapes[good], system)
    lost = good & ~np.isfinite(shapely.bounds(degrees)).all(axis=1)
    rule, fix = f"coordinates cannot be in {crs.name(system)}", "declare the CRS the coordinates are in"
    issues += [place.issue("E-CRS-RANGE", at, rule, fix) for at in np.flatnonzero(lost).tolist()]
    good &= ~lost
    wide = _wide(degrees, good)
    rule = "a zone is less than 180 degrees wide; this one runs round the Earth the wrong way"
    fix = "cut it at the antimeridian into two parts"
    issues += [place.issue("E-GEOM-EXTENT", at, rule, fix) for at in np.flatnonzero(wide).tolist()]
    good &= ~wide
    if good.any():
        bounds = shapely.total_bounds(degrees[good])
        issues += crs.check_use(bounds, system, place.file) or datum.check(system, shifted, bounds, place.file)
        if shifted in datum.SHIFTED:
            degrees[good] = datum.to_wgs84(degrees[good], shifted)
            rules.append(
                f'polygons: all are moved from {shifted} to WGS 84 by the published formula (datum = "{shifted}").'
            )
    return Checked(degrees, good, tuple(issues), tuple(rules))


def swap(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Exchange x and y."""
    return np.asarray(shapely.transform(shapes, lambda xy: xy[:, ::-1]))


def _in_range(shapes: NDArray[np.object_], system: pyproj.CRS, place: Place) -> tuple[NDArray[np.bool_], list[Issue]]:
    """Judge the coordinates as they stand: all of them wrong is one problem, some of them is one each."""
    west, south, east, north = shapely.bounds(shapes).T
    out = np.maximum(-west, east) > 180.0
    out |= np.maximum(-south, north) > 90.0
    out &= bool(system.is_geographic)
    if out.any() and not out.all():
        rule = f"coordinates are outside of longitude and latitude, but the CRS is {crs.name(system)}"
        fix = "declare the CRS the coordinates are in, or draw it again"
        return ~out, [place.issue("E-CRS-RANGE", at, rule, fix) for at in np.flatnonzero(out).tolist()]
    issues = crs.check_range(shapely.total_bounds(shapes), system, place.file) if len(shapes) else []
    return np.full(len(shapes), not issues), issues


def _wide(degrees: NDArray[np.object_], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find polygons with a part wider than half of the Earth; parts on both sides of the antimeridian are fine."""
    of = np.flatnonzero(good)  # the others may lie at infinity, which has no width
    parts, owner = shapely.get_parts(degrees[of], return_index=True)
    west, _, east, _ = shapely.bounds(parts).T
    wide = np.zeros_like(good)
    wide[of[owner[east - west > _HALF_WAY_ROUND]]] = True
    return wide


def point_inside(shapes: NDArray[np.object_]) -> dict[str, NDArray[np.float64]]:
    """Give a point inside each polygon (never a centroid, which may lie at sea): lon and lat, degrees, shape (N,)."""
    points = shapely.point_on_surface(shapes)
    return {"lon": shapely.get_x(points), "lat": shapely.get_y(points)}


def geodesic_area_km2(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Give the area of polygons in degrees on the WGS 84 ellipsoid (Karney 2013), km2, shape (N,)."""
    # The algorithm signs an area by the direction of its ring: shells one way, holes the other.
    turned = shapely.orient_polygons(shapes)
    return np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e6 for shape in turned])
