"""The neighbour with which a polygon shares its longest border."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from geo import crs


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
    lengths = shapely.length(crs.project(np.asarray(lines), crs.WGS84, crs.china_albers()))
    return near[int(np.argmax(lengths))] if lengths.max() > 0 else None
