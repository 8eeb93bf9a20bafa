"""The storage of S: a matrix if memory suffices, otherwise tiles of the best size for the device."""

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
from flowmodel.gravity.bands import BandedPairs, Bands
from flowmodel.gravity.barriers import BARRIERS, Place
from flowmodel.gravity.blocks import Blocks
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.operator import AllPairs, Band, Factors

_TILES = {"cpu": (288, 144, 72), "gpu": (8192, 4096, 2048, 1024, 512, 256), "tpu": (4096, 2048, 1024, 512, 256)}
"""Sides of a tile, the best first: on a CPU one that fits a core's cache, elsewhere one that uses the whole device."""


_EASY = 0.25
"""Share of free memory up to which "auto" is a dense S: reading a larger one takes as long as computing it again."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """The storage of S, the side of a tile (0 if dense), and the reason."""

    kind: Literal["dense", "tiled"]
    tile: int
    why: str

    def __str__(self) -> str:
        """One line, for a person."""
        size = f", tiles of {self.tile:,} zones a side" if self.kind == "tiled" else ""
        return f"kernel: {self.kind}{size} ({self.why})"


@dataclasses.dataclass(frozen=True)
class Size:
    """Numbers of zones, of outer products in the cotangent of S (its `rank`), and of different S in memory at once.

    They determine the memory of a derivative. `provinces` are the number of provinces and of zones in the largest one
    if S is stored by bands.
    """

    zones: int
    rank: int
    provinces: tuple[int, int] | None = None
    kernels: int = 1


def choose(size: Size, dtype: Any, asked: str, tile: int | None) -> Storage:
    """The storage: `asked`, or if that is "auto", dense if a derivative with it fits in memory.

    The memory of a derivative is what the compiler plans for one product and one contraction, which are not run. `tile`
    is the number of zones along a side of a tile, if the user sets it.

    Raises:
        ResourceError: E-MEMORY, the storage that is asked for does not fit, or none does.
    """
    free = runtime.available_bytes()
    if asked != "tiled":
        need = _dense_need(size, dtype)
        why = f"{size.zones:,} zones: a derivative {runtime.sentence(need, free)}"
        if free is None or need <= (_EASY if asked == "auto" else runtime.SHARE) * free:
            return Storage("dense", 0, why)
        if asked == "dense":
            raise ResourceError("E-MEMORY", f"the dense kernel of {why}", "set runtime.storage = 'tiled'")
    sizes = (tile,) if tile is not None else _TILES[jax.default_backend()]
    side, need = runtime.fitting(lambda side: _compiled(size, _tiled(size, side, dtype)), sizes, free)
    return Storage("tiled", side, f"{size.zones:,} zones: a derivative {runtime.sentence(need, free)}")


def pairs(
    lon: np.ndarray, lat: np.ndarray, place: Place, offset_km: float, dtype: Any, storage: Storage, law: Law = POWER
) -> AllPairs:
    """The pairs of zones at positions in degrees [zone]; distances of a dense S are computed in float64."""
    if storage.kind == "tiled":
        return tiled.tiles(distance.on_sphere(lon, lat, dtype), place, offset_km, storage.tile, law)
    return Pairs(distance.log_distance_matrix(jnp.asarray(lon), jnp.asarray(lat), offset_km, dtype), place, law)


@functools.cache
def _dense_need(size: Size, dtype: Any) -> int:
    one = runtime.predicted(_compiled(size, _dense(size, dtype)))
    return one + (size.kernels - 1) * size.zones**2 * int(np.dtype(dtype).itemsize)


def _compiled(size: Size, pairs: Any) -> Compiled:
    """One product and one contraction with `pairs`, given by shapes alone."""

    def work(coefficient: Any, pairs: Any, columns: Any, factors: Any) -> Any:
        strength = pairs.strength(coefficient)
        return strength.multiply(columns), strength.contract(factors)

    factor, columns = _array(pairs.dtype, size.rank, size.zones), _array(float, size.zones)
    factors: Any = Factors(factor, factor)
    if size.provinces is not None:
        columns, factors = Bands(columns, columns), Bands(factors, factors)
    return jax.jit(work).lower(_array(float, 1 + len(BARRIERS)), pairs, columns, factors).compile()


def _array(dtype: Any, *shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)


def _place(zones: int) -> Place:
    index = _array(jnp.int32, zones)
    return Place(index, index, index, _array(bool, zones))


def _dense(size: Size, dtype: Any) -> Any:
    matrix, place = _array(dtype, size.zones, size.zones), _place(size.zones)
    if size.provinces is None:
        return Pairs(matrix, place)
    count, largest = size.provinces
    block, members = _array(dtype, count, largest, largest), _array(jnp.int32, count, largest)
    near = Blocks(block, place, members, _array(jnp.int32, size.zones), POWER)
    return BandedPairs(near, Pairs(matrix, place, band="far"))


def _tiled(size: Size, tile: int, dtype: Any) -> Any:
    axes = 3 * (_array(dtype, size.zones),)

    def of(band: Band) -> Any:
        blocks = -(-size.zones // tile)
        visits = None if band == "all" else _array(jnp.int32, 2, blocks * (blocks + 1) // 2)
        points = distance.Points(axes, axes, "sphere")
        return tiled.Tiles(points, _place(size.zones), 1.0, tile, (False, False, False), POWER, band, visits)

    return of("all") if size.provinces is None else BandedPairs(of("near"), of("far"))
