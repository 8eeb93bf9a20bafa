"""Distances of zones along the great circle or on a plane.

float32 coordinates on the earth are precise to half a metre, too little for a distance of a hundred metres. A
coordinate therefore has a high and a low part, and differences are taken part by part; those of the high parts are
exact if points are near.
"""

import dataclasses
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity import fastmath

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG 1980), km; the sphere errs by at most 0.56 % against the WGS 84 ellipsoid."""

REFERENCE_KM = 300.0
"""Distances enter the kernel as multiples of this. It changes no flow (it scales every row of the kernel alike) and
keeps float32 sums over pairs from cancelling: without it every pair's logarithm has the same sign."""


Metric = Literal["near_sphere", "sphere", "plane"]
"""How a distance follows from a chord: on a sphere all of whose points are near one another it takes less."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Points:
    """Coordinates of one zone or of many, km, an array an axis: three on the sphere, two on a plane."""

    high: tuple[Float[Array, "*zone"], ...]
    low: tuple[Float[Array, "*zone"], ...]
    metric: Metric = dataclasses.field(metadata={"static": True})


def on_sphere(lon: np.ndarray, lat: np.ndarray, dtype: Any) -> Points:
    """Points of longitudes and latitudes, degrees [zone], on the sphere of the earth's mean radius."""
    phi, theta = np.radians(np.asarray(lat, np.float64)), np.radians(np.asarray(lon, np.float64))
    unit = np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    return _split(EARTH_RADIUS_KM * unit, "near_sphere" if _near(unit) else "sphere", dtype)


def on_plane(*axes_km: np.ndarray, dtype: Any) -> Points:
    """Points of a plane, an array an axis, km [zone]; of space, if there are three."""
    return _split(np.stack(axes_km).astype(np.float64), "plane", dtype)


def log_distance(origin: Points, destination: Points, offset_km: float) -> Float[Array, ""]:
    """ln((d + d0) / 300 km) of ONE pair, d along the great circle, or straight on a plane."""
    squared = _squared_chord(origin, destination)
    number = squared.dtype.type
    if origin.metric == "plane":
        if offset_km == 0:
            return fastmath.log(squared * number(1 / REFERENCE_KM**2)) / 2
        km: Array = jnp.sqrt(squared)
    else:
        arc = fastmath.near_arc if origin.metric == "near_sphere" else fastmath.arc
        km = number(2 * EARTH_RADIUS_KM) * arc(squared * number(0.25 / EARTH_RADIUS_KM**2))
    return fastmath.log((km + number(offset_km)) * number(1 / REFERENCE_KM))


def great_circle_km(phi_1: Any, phi_2: Any, along: Any, xp: Any = jnp) -> Any:
    """Distance of two points on the sphere, km, by the haversine formula, which is precise at short range.

    Latitudes `phi_1`, `phi_2` and the difference of longitudes `along` are in radians; `xp` is jax.numpy or numpy.
    """
    across = xp.sin((phi_2 - phi_1) / 2) ** 2
    half = across + xp.cos(phi_1) * xp.cos(phi_2) * xp.sin(along / 2) ** 2
    return 2 * EARTH_RADIUS_KM * xp.arcsin(xp.sqrt(xp.minimum(half, 1.0)))


def great_circles_km(lon: np.ndarray, lat: np.ndarray, origins: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Distances of the zones `origins` (rows; all by default) from all, km [origin, zone]; positions in degrees."""
    axes = coordinates(on_sphere(lon, lat, np.float64))
    squared = sum((axis[origins, None] - axis) ** 2 for axis in axes)
    return arc_km(np.asarray(squared), "sphere")


@partial(jax.jit, static_argnames="dtype")
def log_distance_matrix(
    lon: Float[Array, " zone"], lat: Float[Array, " zone"], offset_km: float | Float[Array, ""], dtype: Any
) -> Float[Array, "zone zone"]:
    """ln((d_oj + d0) / 300 km) for every pair, kept in `dtype`; computed in that of `lon`, which should be float64."""

    def pair(lon_1: Array, lat_1: Array, lon_2: Array, lat_2: Array) -> Array:
        km = great_circle_km(jnp.radians(lat_1), jnp.radians(lat_2), jnp.radians(lon_2 - lon_1))
        return jnp.log((km + offset_km) / REFERENCE_KM).astype(dtype)

    rows = jax.vmap(jax.vmap(pair, (None, None, 0, 0)), (0, 0, None, None))
    return rows(lon, lat, lon, lat)


def _squared_chord(origin: Points, destination: Points) -> Float[Array, ""]:
    """Of ONE pair, km²."""
    high = [a - b for a, b in zip(origin.high, destination.high, strict=True)]
    low = [a - b for a, b in zip(origin.low, destination.low, strict=True)]
    apart = [large + small for large, small in zip(high, low, strict=True)]
    squared: Array = sum((one * one for one in apart[1:]), apart[0] * apart[0])
    return squared


def in_dtype(points: Points, dtype: Any) -> Points:
    """The same points in another precision."""
    return _split(np.stack(coordinates(points)), points.metric, dtype)


def coordinates(points: Points) -> list[np.ndarray]:
    """The coordinates, km, float64, an array an axis."""
    parts = zip(points.high, points.low, strict=True)
    return [np.asarray(large, float) + np.asarray(small, float) for large, small in parts]


def arc_km(squared: np.ndarray, metric: Metric) -> np.ndarray:
    """Distances of squared chords (km²), by NumPy in float64."""
    chord = np.sqrt(squared)
    if metric == "plane":
        return np.asarray(chord)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / (2 * EARTH_RADIUS_KM), 1.0)))


def _near(unit: np.ndarray) -> bool:
    """Whether no two unit vectors [3, zone] are further apart than `fastmath.NEAR`, by the furthest from their mean."""
    middle = unit.mean(axis=1)
    chord = np.sqrt(np.max(np.sum((unit.T - middle / np.linalg.norm(middle)) ** 2, axis=1)))
    furthest = 2 * np.arcsin(min(chord / 2, 1.0))
    return bool(furthest < np.pi / 2 and np.sin(furthest) ** 2 <= fastmath.NEAR)


def _split(coordinates: np.ndarray, metric: Metric, dtype: Any) -> Points:
    high = coordinates.astype(dtype)
    low = (coordinates - high.astype(np.float64)).astype(dtype)
    return Points(tuple(map(jnp.asarray, high)), tuple(map(jnp.asarray, low)), metric)
