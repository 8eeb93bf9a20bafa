"""How S is stored: as a matrix where memory allows, else in tiles of the size that suits the device best."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.stages import Compiled

from flowmodel import runtime
from flowmodel.errors import ResourceError
from flowmodel.gravity import distance, tiled
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.operator import AllPairs, Factors
from flowmodel.gravity.pair import BORDERS, Place

_TILES = {"cpu": (288, 144, 72), "gpu": (8192, 4096, 2048, 1024, 512, 256), "tpu": (4096, 2048, 1024, 512, 256)}
"""Sides of a tile, the best first: on a CPU what stays in a core's cache, elsewhere what keeps the device busy."""


_EASY = 0.25
"""Of the free memory that a stored S may take unasked: reading a larger one takes as long as making it again."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """How S is stored, the side of a tile (0 if dense), and why."""

    kind: Literal["dense", "tiled"]
    tile: int
    why: str

    def __str__(self) -> str:
        """One line, for a person."""
        size = f", tiles of {self.tile:,} zones a side" if self.kind == "tiled" else ""
        return f"kernel: {self.kind}{size} ({self.why})"


def choose(zones: int, years: int, dtype: Any, asked: str, tile: int | None) -> Storage:
    """The storage for so many zones: what is asked for, or dense if a derivative with it fits in memory.

    What a derivative takes is what the compiler has planned for one product and one contraction; nothing runs.

    Args:
        zones: how many.
        years: of a run, each of which leaves two factors for the contraction.
        dtype: precision of S.
        asked: "auto", "dense" or "tiled".
        tile: zones of a side of a tile, if somebody wants to say.

    Raises:
        ResourceError: E-MEMORY, what is asked for does not fit, or nothing does.
    """
    free = runtime.available_bytes()
    if asked != "tiled":
        need = _dense_need(zones, years, dtype)
        said = f"{zones:,} zones: a derivative {runtime.sentence(need, free)}"
        if free is None or need <= (_EASY if asked == "auto" else runtime.SHARE) * free:
            return Storage("dense", 0, said)
        if asked == "dense":
            raise ResourceError("E-MEMORY", f"the dense kernel of {said}", "set runtime.storage = 'tiled'")
    sizes = (tile,) if tile is not None else _TILES[jax.default_backend()]
    found = runtime.fitting(lambda side: _compiled(_tiled(zones, side, dtype), years), sizes, free)
    return Storage("tiled", found.tile, f"{zones:,} zones: a derivative {runtime.sentence(found.need.total, free)}")


def pairs(
    lon: np.ndarray, lat: np.ndarray, place: Place, offset_km: float, dtype: Any, storage: Storage, law: Law = POWER
) -> AllPairs:
    """The pairs of zones at positions in degrees [zone], stored so; distances are computed in float64."""
    if storage.kind == "tiled":
        return tiled.tiles(distance.on_sphere(lon, lat, dtype), place, offset_km, storage.tile, law)
    return dense(lon, lat, place, offset_km, dtype, law)


def dense(lon: np.ndarray, lat: np.ndarray, place: Place, offset_km: float, dtype: Any, law: Law = POWER) -> Pairs:
    """The pairs of zones at positions in degrees [zone], as a matrix."""
    return Pairs(distance.log_distance_matrix(jnp.asarray(lon), jnp.asarray(lat), offset_km, dtype), place, law)


@functools.cache
def _dense_need(zones: int, years: int, dtype: Any) -> int:
    return runtime.predicted(_compiled(_dense(zones, dtype), years)).total


def _compiled(pairs: Any, years: int) -> Compiled:
    """One product and one contraction with `pairs`, of which there are only shapes."""
    zones, dtype = pairs.place.index.shape[0], pairs.dtype

    def work(coefficient: Any, pairs: AllPairs, vector: Any, factors: Factors) -> Any:
        strength = pairs.strength(coefficient)
        return strength.multiply(vector), strength.contract(factors)

    factor: Any = jax.ShapeDtypeStruct((2 * years, zones), dtype)
    vector = jax.ShapeDtypeStruct((zones,), float)
    coefficient = jax.ShapeDtypeStruct((1 + BORDERS,), float)
    return jax.jit(work).lower(coefficient, pairs, vector, Factors(factor, factor)).compile()


def _place(zones: int) -> Any:
    whole: Any = jax.ShapeDtypeStruct((zones,), jnp.int32)
    side: Any = jax.ShapeDtypeStruct((zones,), bool)
    return Place(whole, whole, whole, side)


def _dense(zones: int, dtype: Any) -> Any:
    matrix: Any = jax.ShapeDtypeStruct((zones, zones), dtype)
    return Pairs(matrix, _place(zones))


def _tiled(zones: int, tile: int, dtype: Any) -> Any:
    axes: Any = 3 * (jax.ShapeDtypeStruct((zones,), dtype),)
    return tiled.Tiles(distance.Points(axes, axes, "sphere"), _place(zones), 1.0, tile, (False, False, False))
