"""What distances in the plane of the grid miss, beside great circles and geodesics, at all distances."""

import itertools
import math

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from geo.coordinates import divide
from geo.raster.cells import to_degrees
from geo.raster.grid import Grid
from geo.raster.zonal import NOBODY

from .places import Places

BANDS_KM = (0.0, 50.0, 200.0, 500.0, 1000.0, 2000.0, 6000.0)
_QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
_DRAWS = 200
_SPHERE = pyproj.Geod(a=1000.0 * divide.EARTH_RADIUS_KM, b=1000.0 * divide.EARTH_RADIUS_KM)
_WGS84 = pyproj.Geod(ellps="WGS84")

Ends = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def distortion(places: Places, *, pairs: int = 5000, seed: int = 0) -> pd.DataFrame:
    """Compare distances in the plane with those on the ground, band by band.

    Origins are drawn evenly from the cells that are zones; destinations at even angles and, within a band, at distances
    even in their logarithm, kept where they are zones too.

    Args:
        places: The cells.
        pairs: Pairs a band; a band with fewer than that many to be found has fewer, one beyond the grid none.
        seed: Of the draws.

    Returns:
        A row a band and ground ("great_circle" on a sphere of the mean radius, "geodesic" on WGS 84): from_km, to_km,
        ground, pairs; of the relative error of the plane, planar / ground - 1, its quantiles q05, q50, q95 and the
        value of largest size.
    """
    random = np.random.default_rng(seed)
    rows = []
    for low, high in itertools.pairwise(BANDS_KM):
        ends = _drawn(places, 1000.0 * low, 1000.0 * high, pairs, random)
        for ground, error in _errors(places.grid, ends).items():
            if error.size:
                quantiles = {name: float(np.quantile(error, q)) for name, q in _QUANTILES.items()}
                largest = float(error[np.argmax(np.abs(error))])
                place = {"from_km": low, "to_km": high, "ground": ground, "pairs": error.size}
                rows.append(place | quantiles | {"largest": largest})
    return pd.DataFrame(rows)


def _drawn(places: Places, low_m: float, high_m: float, pairs: int, random: np.random.Generator) -> Ends:
    """Draw pairs of different cells whose centres are that far apart in the plane."""
    found: list[Ends] = []
    cell_m, least = places.grid.cell_m, math.log(max(low_m, places.grid.cell_m) / high_m)
    for _ in range(_DRAWS if least < 0.0 else 0):
        row, column = (random.integers(0, size, pairs) for size in places.grid.shape_yx)
        far = high_m * np.exp(random.uniform(least, 0.0, pairs)) / cell_m
        angle = random.uniform(0.0, 2.0 * np.pi, pairs)
        to_row, to_column = (
            np.rint(start + far * turn).astype(np.int64)
            for start, turn in ((row, np.sin(angle)), (column, np.cos(angle)))
        )
        apart_m = cell_m * np.hypot(to_row - row, to_column - column)
        kept = (apart_m > 0.0) & (apart_m >= low_m) & (apart_m < high_m)
        kept &= _is_zone(places, row, column) & _is_zone(places, to_row, to_column)
        found.append((row[kept], column[kept], to_row[kept], to_column[kept]))
        if sum(ends[0].size for ends in found) >= pairs:
            break
    none = np.empty(0, dtype=np.int64)
    row, column, to_row, to_column = (np.concatenate([none, *(ends[k] for ends in found)])[:pairs] for k in range(4))
    return row, column, to_row, to_column


def _is_zone(places: Places, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.bool_]:
    rows, columns = places.grid.shape_yx
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    at = np.where(inside, row, 0), np.where(inside, column, 0)
    zone: NDArray[np.bool_] = inside & (places.ownership.owner[at] != NOBODY)
    return zone if places.masked is None else zone & ~places.masked[at]


def _errors(grid: Grid, ends: Ends) -> dict[str, NDArray[np.float64]]:
    """Relative error of the plane, by ground."""
    row, column, to_row, to_column = ends
    (x, y), (to_x, to_y) = grid.centres(row, column), grid.centres(to_row, to_column)
    planar = np.hypot(to_x - x, to_y - y)
    (lon, lat), (to_lon, to_lat) = to_degrees(grid.crs, x, y), to_degrees(grid.crs, to_x, to_y)
    measured = {"great_circle": _SPHERE, "geodesic": _WGS84}
    return {name: planar / np.asarray(geod.inv(lon, lat, to_lon, to_lat)[2]) - 1.0 for name, geod in measured.items()}
