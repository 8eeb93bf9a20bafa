"""Distance and how it deters: great-circle distance, and its logarithm beyond an internal offset."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG 1980), km; the sphere errs by at most 0.56 % against the WGS 84 ellipsoid."""

REFERENCE_KM = 300.0
"""Distances enter the kernel as multiples of this. It changes no flow (it scales every row of the kernel alike) and
keeps float32 sums over pairs from cancelling: without it every pair's logarithm has the same sign."""


def great_circle_km(
    lon_1: Float[Array, ""], lat_1: Float[Array, ""], lon_2: Float[Array, ""], lat_2: Float[Array, ""]
) -> Float[Array, ""]:
    """Distance of two points on the sphere, km, from degrees; the haversine keeps its digits at short range."""
    phi_1, phi_2 = jnp.radians(lat_1), jnp.radians(lat_2)
    across = jnp.sin((phi_2 - phi_1) / 2) ** 2
    along = jnp.sin(jnp.radians(lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * jnp.arcsin(jnp.sqrt(across + jnp.cos(phi_1) * jnp.cos(phi_2) * along))


@partial(jax.jit, static_argnames="dtype")
def log_distance(
    lon: Float[Array, " zone"], lat: Float[Array, " zone"], offset_km: float | Float[Array, ""], dtype: Any
) -> Float[Array, "zone zone"]:
    """ln((d_oj + d0) / 300 km) for every pair, kept in `dtype`; computed in that of `lon`, which should be float64."""

    def pair(lon_1: Array, lat_1: Array, lon_2: Array, lat_2: Array) -> Array:
        return jnp.log((great_circle_km(lon_1, lat_1, lon_2, lat_2) + offset_km) / REFERENCE_KM).astype(dtype)

    rows = jax.vmap(jax.vmap(pair, (None, None, 0, 0)), (0, 0, None, None))
    return rows(lon, lat, lon, lat)
