"""Polygons of the counties: power cells around their seats, cut by the outline, a valid coverage by construction."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from .territory import least_power

# All vertices lie on a grid of one metre, so that two neighbours have the same vertices on their common edge.
_GRID_M = 1.0
_FAR = 10.0


def tessellate(
    seats: NDArray[np.float64], weights: NDArray[np.float64], outline: shapely.Polygon
) -> NDArray[np.object_]:
    """Divide an outline among the seats inside it: a place goes to the seat with the least distance^2 - weight.

    Cells are made from one noded set of lines (all cell edges and the outline), never one by one, so there is no gap
    and no overlap. A piece that a bay cuts off from its seat goes to the neighbour with the longest common border.

    Args:
        seats: Points inside the outline, metres, shape (N, 2).
        weights: Weight of each seat, square metres, shape (N,).
        outline: Land to divide, metres.

    Returns:
        One polygon for each seat in the same order, shape (N,).

    Raises:
        ValueError: where a seat has no cell of its own (outside of the outline, or hidden by the weight of another).
    """
    lines = shapely.union_all([*_edges(seats, weights), outline.boundary], grid_size=_GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inner = shapely.point_on_surface(faces)
    faces, inner = faces[shapely.contains(outline, inner)], inner[shapely.contains(outline, inner)]
    owner = least_power(seats, weights, shapely.get_coordinates(inner))
    holds_seat = shapely.contains(faces, np.asarray(shapely.points(seats[owner])))
    if sorted(owner[holds_seat]) != list(range(len(seats))):
        raise ValueError(f"{len(seats) - holds_seat.sum()} seats have no cell of their own inside the outline")
    _assign_cut_off_pieces(faces, owner, holds_seat)
    return np.array([shapely.union_all(faces[owner == seat]) for seat in range(len(seats))], dtype=object)


def _edges(seats: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.object_]:
    """Draw the edges of the power diagram, the dual of the lower hull of points lifted to distance^2 - weight.

    Aurenhammer 1987, SIAM J. Comput. 16(1). Seats far outside close the cells at the rim.
    """
    middle = seats.mean(axis=0)
    scale = np.abs(seats - middle).max()
    angle = np.linspace(0.0, 2.0 * np.pi, 9)[:-1]
    rim = _FAR * np.column_stack((np.cos(angle), np.sin(angle)))
    sites = np.vstack(((seats - middle) / scale, rim))
    height = (sites**2).sum(axis=1) - np.concatenate((weights / scale**2, np.zeros(len(rim))))
    hull = ConvexHull(np.column_stack((sites, height)))
    lower = hull.equations[:, 2] < 0.0
    # The plane z = 2 c . x + k through a lower facet has the power centre c: n_x x + n_y y + n_z z + d = 0.
    centre = middle - scale * hull.equations[:, :2] / (2.0 * hull.equations[:, 2:3])
    here, side = np.nonzero(lower[:, None] & lower[hull.neighbors])
    there = hull.neighbors[here, side]
    once = here < there
    return np.asarray(shapely.linestrings(np.stack((centre[here[once]], centre[there[once]]), axis=1)))


def _assign_cut_off_pieces(faces: NDArray[np.object_], owner: NDArray[np.intp], settled: NDArray[np.bool_]) -> None:
    """Give each face without its seat to the settled neighbour with the longest common border (in place)."""
    tree = shapely.STRtree(faces)
    while not settled.all():
        before = settled.sum()
        for face in np.flatnonzero(~settled):
            near = tree.query(faces[face], predicate="touches")
            near = near[settled[near]]
            shared = shapely.length(shapely.intersection(faces[face].boundary, shapely.boundary(faces[near])))
            if near.size and shared.max() > 0:
                owner[face] = owner[near[shared.argmax()]]
                settled[face] = True
        if settled.sum() == before:
            raise ValueError(f"{np.sum(~settled)} pieces of the outline touch no county")
