"""What is measured of polygons: a point inside, the area on the ellipsoid."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

_GEOD = pyproj.Geod(ellps="WGS84")


def point_inside(shapes: NDArray[np.object_]) -> dict[str, NDArray[np.float64]]:
    """Give a point inside each polygon (never a centroid, which may lie at sea): lon and lat, degrees, shape (N,)."""
    points = shapely.point_on_surface(shapes)
    return {"lon": shapely.get_x(points), "lat": shapely.get_y(points)}


def geodesic_area_km2(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Give the area of polygons in degrees on the WGS 84 ellipsoid (Karney 2013), km2, shape (N,)."""
    # The algorithm signs an area by the direction of its ring: shells one way, holes the other.
    turned = shapely.orient_polygons(shapes)
    return np.array([abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e6 for shape in turned])
