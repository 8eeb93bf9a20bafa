"""Weights of the county seats in the power diagram of the counties, so that every province keeps its land."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from .seats import Seats
from .territory import Territories, even_grid, land_shares, least_power

_GRID_KM = 15.0
_STEPS = 10
_GAIN = 1.5
_NEIGHBOURS = 40
# A seat stays in its own cell while no neighbour's weight is greater by the squared distance; this leaves room.
_MARGIN = 0.8
# A sparse graph has no edges of length zero.
_SHIFT_KM2 = 1.0


def fit_seat_weights(seats: Seats, territories: Territories) -> NDArray[np.float64]:
    """Find the weight of each seat: the square of its radius, and an offset of its province that corrects its area.

    With equal weights (Voronoi cells) every border between a dense and a sparse province would move into the sparse
    one by a quarter of the difference of their spacings.

    Returns:
        Weights, km2, shape (N,).
    """
    grid = even_grid(territories.mainland, _GRID_KM)
    wanted = land_shares(territories.island_row)
    mainland = np.flatnonzero(wanted > 0.0)
    numbers = np.bincount(seats.province, minlength=len(wanted))
    area_km2 = np.bincount(seats.province, seats.radius_km**2, len(wanted)) / numbers
    offset = np.zeros_like(wanted)
    on_mainland = seats.province != territories.island_row
    points, province = seats.points_km[on_mainland], seats.province[on_mainland]
    weights = _bounded(seats.points_km, seats.radius_km**2)
    for _ in range(_STEPS):
        owner = province[least_power(points, weights[on_mainland], grid)]
        reached = np.bincount(owner, minlength=len(wanted)) / len(grid)
        offset[mainland] += _GAIN * area_km2[mainland] * np.log(wanted[mainland] / reached[mainland])
        weights = _bounded(seats.points_km, seats.radius_km**2 + offset[seats.province])
    return weights


def _bounded(seats: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower weights until every seat lies inside its own cell: w_i - w_j < distance_ij^2 for all pairs.

    The greatest weights within all these bounds are shortest paths from one source that has an edge of the given
    weight to each seat; neighbours are joined by edges of `_MARGIN` times their squared distance.
    """
    number = len(seats)
    distance, near = cKDTree(seats).query(seats, k=_NEIGHBOURS + 1)
    least = weights.min()
    lengths = np.concatenate(((_MARGIN * distance[:, 1:] ** 2).ravel(), weights - least + _SHIFT_KM2))
    rows = np.concatenate((np.repeat(np.arange(number), _NEIGHBOURS), np.full(number, number)))
    columns = np.concatenate((near[:, 1:].ravel(), np.arange(number)))
    graph = csr_array((lengths, (rows, columns)), shape=(number + 1, number + 1))
    return np.asarray(dijkstra(graph, directed=False, indices=number)[:number] + least - _SHIFT_KM2)
