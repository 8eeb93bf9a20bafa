"""How far it is between zones, in kilometres: from positions, from a column, or from a matrix of its own."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyproj
from numpy.typing import NDArray

from geo.config import DistanceMatrixConfig, FlowsConfig
from geo.errors import Issue, error, failed

from . import matrix as matrices
from .matrix import Matrix, differing_order
from .pairs import Pairs, hint
from .zones import Zones

RADIUS_KM = 6371.0
"""Radius of the sphere of `haversine`: the mean radius of the Earth, rounded, as scikit-mobility and laser-core use."""

_GEOD = pyproj.Geod(ellps="WGS84")
_SECTION = "[flows] distance"
_NOT_NEGATIVE = "a distance is zero or more, in kilometres"
_ELSEWHERE = 'distance = "geodesic" or "haversine" with [zones], or absent_pairs = "missing"'


def haversine(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give great-circle distances on a sphere of `RADIUS_KM` between all places.

    Args:
        lon: Degrees east, shape (N,).
        lat: Degrees north, shape (N,).

    Returns:
        Kilometres, shape (N, N).
    """
    east, north = np.radians(lon), np.radians(lat)
    cosine = np.cos(north)
    rounding = np.sin((north[:, None] - north[None, :]) / 2) ** 2
    rounding += cosine[:, None] * cosine[None, :] * np.sin((east[:, None] - east[None, :]) / 2) ** 2
    return np.asarray(2 * RADIUS_KM * np.arcsin(np.sqrt(np.minimum(rounding, 1.0))))


def geodesic(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the lengths of geodesics on the WGS 84 ellipsoid (Karney 2013) between all places.

    Each pair is measured once, a little less than a microsecond, and holds for both ways.

    Args:
        lon: Degrees east, shape (N,).
        lat: Degrees north, shape (N,).

    Returns:
        Kilometres, shape (N, N), exactly symmetric.
    """
    distance = np.zeros((len(lon), len(lon)))

    def measure(at: int) -> None:
        east, north = lon[at + 1 :], lat[at + 1 :]
        metres = _GEOD.inv(np.full_like(east, lon[at]), np.full_like(north, lat[at]), east, north)[2]
        distance[at, at + 1 :] = distance[at + 1 :, at] = metres / 1000

    # pyproj lets go of the interpreter while PROJ measures, which reads the ellipsoid and writes nothing shared.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(measure, range(len(lon) - 1)))
    return distance


def read_matrix(config: FlowsConfig) -> Matrix | None:
    """Read the file of distances, where the config names one.

    Raises:
        DataError: As `geo.tables.table.read`; E-OD-LABEL.
    """
    asked = config.distance
    return matrices.read(asked.table, _SECTION) if isinstance(asked, DistanceMatrixConfig) else None


def of_pairs(
    config: FlowsConfig, pairs: Pairs, zones: Zones | None, matrix: Matrix | None
) -> tuple[NDArray[np.float64] | None, list[Issue]]:
    """Give the distance of every pair, or as many as are said.

    Returns:
        Kilometres, shape (origins, destinations), NaN where unknown; None where the config names none or they
        could not be read. And E-NUM, E-OD-DISTANCE and E-OD-ORDER.
    """
    asked = config.distance
    if matrix is not None:
        return _from_matrix(matrix, pairs, matrix_of_flows=config.layout == "matrix")
    if zones is not None and zones.lon is not None and zones.lat is not None:
        return (geodesic if asked == "geodesic" else haversine)(zones.lon, zones.lat), []
    if isinstance(asked, str) and asked in pairs.listed.table.columns and pairs.listed.names is not None:
        return _from_column(asked, pairs)
    return None, []


def _from_column(column: str, pairs: Pairs) -> tuple[NDArray[np.float64], list[Issue]]:
    code, has = "E-OD-DISTANCE", "a pair that is fitted has a distance"
    values, issues = pairs.read(code, column, 0.0, _NOT_NEGATIVE, "write it, in kilometres", has)
    grid = pairs.as_rectangle(values)
    return grid, issues + pairs.missing_for_absent(code, column, "a distance", _ELSEWHERE, np.isnan(grid))


def _from_matrix(
    matrix: Matrix, pairs: Pairs, *, matrix_of_flows: bool
) -> tuple[NDArray[np.float64] | None, list[Issue]]:
    """Take the distances of the rectangle's pairs out of a matrix."""
    issues: list[Issue] = []
    if matrix_of_flows:
        issues += _check_order(matrix.origins, pairs.listed.origins, matrix, "rows")
        issues += _check_order(matrix.destinations, pairs.listed.destinations, matrix, "columns")
    issues += _check_labels(matrix.origins, pairs.origins, matrix, "row")
    issues += _check_labels(matrix.destinations, pairs.destinations, matrix, "column")
    for row, column in np.argwhere(matrix.values < 0).tolist():
        issues.append(matrix.cell_error("E-OD-DISTANCE", row, column, _NOT_NEGATIVE, "correct the number"))
    if failed((*issues, *matrix.issues)):
        return None, issues
    rows = np.array([matrix.origins.index(label) for label in pairs.origins])
    columns = np.array([matrix.destinations.index(label) for label in pairs.destinations])
    grid = matrix.values[np.ix_(rows, columns)]
    fix = "write it, in kilometres"
    for origin, destination in np.argwhere(np.isnan(grid) & pairs.allowed).tolist():
        pair = f"{pairs.origins[origin]} to {pairs.destinations[destination]}"
        rule = f"a pair that is fitted has a distance; {pair} has none"
        issues.append(matrix.cell_error("E-OD-DISTANCE", int(rows[origin]), int(columns[destination]), rule, fix))
    return grid, issues


def _check_order(have: tuple[str, ...], wanted: tuple[str, ...], matrix: Matrix, axis: str) -> list[Issue]:
    """Compare the order of labels with that of the matrix of flows, where both are of the same zones."""
    if not (places := differing_order(have, wanted)):
        return []
    at = places[0]
    rule = f"both matrices have their labels in the same order; {axis} differ first at place {at + 1}, "
    rule += f"{have[at]} where the flows have {wanted[at]}"
    fix = "sort one as the other, its numbers with it"
    return [error("E-OD-ORDER", matrix.table.file, value=have[at], rule=rule, fix=fix)]


def _check_labels(have: tuple[str, ...], wanted: tuple[str, ...], matrix: Matrix, axis: str) -> list[Issue]:
    """Find zones that have no row or column of distances."""
    known = set(have)
    lacking = [label for label in wanted if label not in known]
    rule = f"every zone has a {axis} of distances; this one has none"
    return [
        error("E-OD-DISTANCE", matrix.table.file, value=label, rule=rule, fix=f"{hint(label, have, count)}add it")
        for count, label in enumerate(lacking)
    ]
