"""The neighbour with which a polygon shares its longest border."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

_GEOD = pyproj.Geod(ellps="WGS84")


def longest_border(at: int, shapes: NDArray[np.object_]) -> int | None:
    """Find the polygon that shares the longest border with another.

    Args:
        at: Position of the polygon.
        shapes: N polygons in degrees (lon, lat) whose shared borders have the same vertices.

    Returns:
        Position of the neighbour; None for an island.
    """
    near = [int(i) for i in shapely.STRtree(shapes).query(shapes[at], predicate="intersects") if i != at]
    if not near:
        return None
    lines = shapely.intersection(shapely.boundary(shapes[at]), shapely.boundary(shapes[near]))
    lengths = [_length(line) for line in lines]
    return near[int(np.argmax(lengths))] if max(lengths) > 0 else None


def _length(border: shapely.Geometry) -> float:
    """Measure a border on the WGS 84 ellipsoid, m: no projection is true to length everywhere; a corner has none."""
    parts = shapely.get_parts(shapely.get_parts(border))
    return float(sum(_GEOD.line_length(*shapely.get_coordinates(part).T) for part in parts))
