"""What degrees refer to: ellipsoids of older surveys, and the shifted coordinates of Chinese web maps."""

from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.transformer import TransformerGroup

from geo.errors import Issue, error

from . import crs

# The shift of GCJ-02 is unpublished; this is the formula recovered from it that every open implementation uses
# (googollee/eviltransform, MIT; caijun/geoChina). It agrees with the web maps to about a metre.
_SEMI_MAJOR = 6378245.0  # Krassowsky 1940, metres
_ECCENTRICITY2 = 0.00669342162296594323
_GEOD = pyproj.Geod(ellps="WGS84")
_ORIGIN = (105.0, 35.0)
# The formula is the identity outside of this box: west, south, east, north.
_BOX = (72.004, 0.8293, 137.8347, 55.8271)
# BD-09 turns and moves GCJ-02 by a formula of the same kind and from the same sources.
_BAIDU = np.pi * 3000.0 / 180.0

SHIFTED = ("gcj02", "bd09")

# Semi-major axis in metres and inverse flattening of the ellipsoids of Beijing 1954 and Xian 1980.
_OLD_ELLIPSOIDS = {(6378245.0, 298.3): "Krassowsky 1940", (6378140.0, 298.257): "IAG 1975"}


def to_gcj02(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift WGS 84 degrees to GCJ-02.

    Args:
        lon_lat: Degrees, shape (N, 2).

    Returns:
        Degrees, shape (N, 2).
    """
    x, y = lon_lat[:, 0] - _ORIGIN[0], lon_lat[:, 1] - _ORIGIN[1]
    latitude = np.radians(lon_lat[:, 1])
    root = np.sqrt(1 - _ECCENTRICITY2 * np.sin(latitude) ** 2)
    east = np.degrees(_east_m(x, y) * root / (_SEMI_MAJOR * np.cos(latitude)))
    north = np.degrees(_north_m(x, y) * root**3 / (_SEMI_MAJOR * (1 - _ECCENTRICITY2)))
    west, south, east_edge, north_edge = _BOX
    lon, lat = lon_lat.T
    inside = (lon >= west) & (lon <= east_edge) & (lat >= south) & (lat <= north_edge)
    return np.asarray(lon_lat + np.column_stack([east, north]) * inside[:, None])


def from_gcj02(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift GCJ-02 degrees back to WGS 84, shape (N, 2), to a millimetre of the formula's own inverse.

    The shift changes by less than a thousandth of the way, so taking it off at the last estimate converges fast.
    """
    estimate = lon_lat
    for _ in range(5):
        estimate = estimate + lon_lat - to_gcj02(estimate)
    return np.asarray(estimate)


def to_bd09(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift GCJ-02 degrees to BD-09, shape (N, 2)."""
    lon, lat = lon_lat.T
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU)
    return np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])


def from_bd09(lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift BD-09 degrees back to GCJ-02, shape (N, 2), by the same iteration as `from_gcj02`."""
    estimate = np.asarray(lon_lat - np.array([0.0065, 0.006]))
    for _ in range(5):
        estimate = estimate + lon_lat - to_bd09(estimate)
    return np.asarray(estimate)


def to_wgs84(shapes: NDArray[Any], datum: str) -> NDArray[Any]:
    """Bring polygons in shifted degrees to WGS 84.

    Args:
        shapes: Polygons in degrees, shape (N,).
        datum: "gcj02" or "bd09".

    Returns:
        Polygons in WGS 84 degrees, shape (N,).
    """
    return np.asarray(shapely.transform(shapes, lambda lon_lat: _to_wgs84_points(lon_lat, datum)))


def check(system: pyproj.CRS, declared: str | None, bounds: NDArray[np.float64], file: str) -> list[Issue]:
    """Say what is known of the datum of a layer, and what cannot be known.

    Args:
        system: CRS the file or the config names.
        declared: `datum` of the config.
        bounds: West, south, east, north of the layer, degrees.
        file: Base name, for the message.

    Returns:
        E-CRS-MISMATCH where CRS and datum contradict each other; W-DATUM for an ellipsoid of the older surveys, for
        shifted coordinates, and for a layer in China that could be shifted and does not say so; else nothing.
    """
    old = old_ellipsoid(system)
    if old is not None and declared is not None:
        rule = f"the CRS {crs.name(system)} is on the ellipsoid {old}, the config says datum {declared}"
        fix = "remove datum from the config, or correct the CRS"
        return [error("E-CRS-MISMATCH", file, value=crs.name(system), rule=rule, fix=fix)]
    if old is not None:
        stated = accuracy_m(system)
        within = f"within {stated:g} m" if stated is not None else "with unknown accuracy (100 m or more may remain)"
        rule = f"{crs.name(system)} is on the ellipsoid {old}; PROJ brings it to WGS 84 {within}"
        return [_warning(file, crs.name(system), rule, "check it at a known point, where 100 m matter")]
    if declared in SHIFTED:
        offset = _offset_m(bounds, declared)
        rule = f"coordinates are shifted ({declared}); they are moved back to WGS 84, by {offset:.0f} m in the middle"
        return [_warning(file, declared, rule, "none needed: the rule is declared")]
    if declared is None and crs.in_country(*map(float, bounds)):
        rule = (
            "a file cannot tell whether its degrees are shifted (GCJ-02, BD-09), by hundreds of metres: no matter "
            "between counties, half a cell of a 1 km raster"
        )
        return [_warning(file, crs.name(system), rule, 'declare datum = "wgs84", "cgcs2000", "gcj02" or "bd09"')]
    return []


def old_ellipsoid(system: pyproj.CRS) -> str | None:
    """Name the ellipsoid if it is one of China's older surveys, Krassowsky 1940 or IAG 1975."""
    shape = system.ellipsoid
    if shape is None:
        return None
    # A .prj file may round, and names the ellipsoid as it likes.
    for (axis, flattening), name in _OLD_ELLIPSOIDS.items():
        if abs(shape.semi_major_metre - axis) < 0.5 and abs(shape.inverse_flattening - flattening) < 1e-3:
            return name
    return None


def accuracy_m(system: pyproj.CRS) -> float | None:
    """Give the stated accuracy of PROJ's best way to WGS 84, metres; None where none is stated."""
    ways = TransformerGroup(system, crs.WGS84, always_xy=True).transformers
    stated = ways[0].accuracy if ways else -1.0
    return stated if stated >= 0 else None


def _offset_m(bounds: NDArray[np.float64], datum: str) -> float:
    """How far the middle of a layer is moved, metres."""
    middle = np.array([[(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]])
    (lon, lat), (there_lon, there_lat) = middle[0], _to_wgs84_points(middle, datum)[0]
    return float(_GEOD.inv(lon, lat, there_lon, there_lat)[2])


def _to_wgs84_points(lon_lat: NDArray[np.float64], datum: str) -> NDArray[np.float64]:
    return from_gcj02(from_bd09(lon_lat) if datum == "bd09" else lon_lat)


def _warning(file: str, value: str, rule: str, fix: str) -> Issue:
    return Issue("W-DATUM", "warning", file, None, None, value, rule, fix, None)


def _north_m(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shift to the north, metres, of degrees from the origin."""
    smooth = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    waves = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x) + 20 * np.sin(np.pi * y)
    waves += 40 * np.sin(np.pi * y / 3) + 160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)
    return np.asarray(smooth + waves * 2 / 3)


def _east_m(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shift to the east, metres, of degrees from the origin."""
    smooth = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    waves = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x) + 20 * np.sin(np.pi * x)
    waves += 40 * np.sin(np.pi * x / 3) + 150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)
    return np.asarray(smooth + waves * 2 / 3)
