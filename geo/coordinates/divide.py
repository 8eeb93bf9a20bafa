"""The Heihe-Tengchong (Hu) line as a great circle: side and distance of a point, share of a polygon on each side."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from . import crs

HEIHE = (127.53, 50.24)
TENGCHONG = (98.49, 25.02)
EARTH_RADIUS_KM = 6371.0088
"""Mean radius R1 of the Earth (IUGG; Moritz 2000, Geodetic Reference System 1980)."""

DESCRIPTION = (
    f"Great circle from Heihe ({HEIHE[0]} E, {HEIHE[1]} N) to Tengchong ({TENGCHONG[0]} E, {TENGCHONG[1]} N) "
    f"on a sphere of radius {EARTH_RADIUS_KM} km; positive distances are south-east of it."
)

# The circle runs on past both ends, so that every county of the country falls on one side of it.
_EXTENSION_KM = 2500.0
_FAR_EAST_M = 9e6
_EDGE_DEGREES = 0.02


def signed_distance_km(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """Give the distance from the great circle, positive to the south-east.

    The cross-track distance R asin(x . n), with x the unit vector of the point and n the unit normal of the plane
    through Heihe, Tengchong and the centre of the sphere.

    Args:
        lon: Longitude, degrees east, any shape.
        lat: Latitude, degrees north, broadcast against `lon`.

    Returns:
        Distance in km, of the broadcast shape; a scalar gives a 0-d array.
    """
    normal = np.cross(_unit_vector(*HEIHE), _unit_vector(*TENGCHONG))
    normal /= np.linalg.norm(normal)
    sine = np.clip(_unit_vector(lon, lat) @ normal, -1.0, 1.0)
    return np.asarray(EARTH_RADIUS_KM * np.arcsin(sine))


def line(*, spacing_km: float = 10.0, extension_km: float = 0.0) -> shapely.LineString:
    """Draw the great circle from Tengchong to Heihe in longitude and latitude.

    Args:
        spacing_km: Greatest distance between two points of the line.
        extension_km: How far it runs on past both ends.

    Returns:
        Line in degrees (lon, lat), from south-west to north-east.
    """
    start, end = _unit_vector(*TENGCHONG), _unit_vector(*HEIHE)
    length_km = EARTH_RADIUS_KM * np.arccos(start @ end)
    # Unit vector along the circle at its start: a point is cos(s) start + sin(s) along, s the angle travelled.
    along = end - (start @ end) * start
    along /= np.linalg.norm(along)
    steps = int(np.ceil((length_km + 2 * extension_km) / spacing_km)) + 1
    angle = np.linspace(-extension_km, length_km + extension_km, steps)[:, None] / EARTH_RADIUS_KM
    x, y, z = (np.cos(angle) * start + np.sin(angle) * along).T
    return shapely.LineString(np.column_stack([np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z))]))


def area_share_east(polygons: gpd.GeoSeries) -> NDArray[np.float64]:
    """Give the share of each polygon's area that lies south-east of the great circle.

    A polygon that the line does not touch has a share of exactly 0 or 1; the others are cut in China Albers, where
    areas are true.

    Returns:
        Shares in [0, 1], shape (N,).
    """
    shapes = np.asarray(polygons.array)
    circle = line(spacing_km=5.0, extension_km=_EXTENSION_KM)
    points = shapely.point_on_surface(shapes)
    shares = (signed_distance_km(shapely.get_x(points), shapely.get_y(points)) > 0).astype(np.float64)
    shapely.prepare(circle)
    cut = shapely.intersects(circle, shapes)
    if cut.any():
        # Edges are straight in degrees: points between the vertices keep them so in the projection.
        pieces = crs.project(shapely.segmentize(shapes[cut], _EDGE_DEGREES), crs.WGS84, crs.china_albers())
        east = _south_east_of(crs.project(np.array([circle]), crs.WGS84, crs.china_albers())[0])
        shares[cut] = shapely.area(shapely.intersection(pieces, east)) / shapely.area(pieces)
    return np.clip(shares, 0.0, 1.0)


def _south_east_of(circle_m: shapely.LineString) -> shapely.Polygon:
    """Close the projected line (metres) around everything east of it."""
    (_, south), *_, (_, north) = circle_m.coords
    return shapely.Polygon([*circle_m.coords, (_FAR_EAST_M, north), (_FAR_EAST_M, south)])


def _unit_vector(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """Give points of the unit sphere, shape (..., 3), of degrees."""
    lon_rad, lat_rad = np.broadcast_arrays(np.radians(lon), np.radians(lat))
    return np.stack([np.cos(lat_rad) * np.cos(lon_rad), np.cos(lat_rad) * np.sin(lon_rad), np.sin(lat_rad)], axis=-1)
