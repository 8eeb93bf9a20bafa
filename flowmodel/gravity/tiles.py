"""Tiles of S: their enumeration, and the computation of one tile from coordinates and borders of its zones."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from flowmodel.gravity import distance, fastmath
from flowmodel.gravity.barriers import Place, other_province
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.distance import Points
from flowmodel.gravity.operator import Band
from flowmodel.gravity.pair import log_strength, pair_terms


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Layout:
    """Positions and borders of the zones, and the division of their pairs into tiles.

    `tile` is the number of zones along a side of a tile. `same` says of province, prefecture and side of the divide
    whether all zones have the same one, so that pairs need no comparison. S is zero outside of `band`; `visits` are the
    rows and columns of the tiles that hold pairs of the band, or None for all tiles.
    """

    points: Points
    place: Place
    offset_km: float = dataclasses.field(metadata={"static": True})
    tile: int = dataclasses.field(metadata={"static": True})
    same: tuple[bool, bool, bool] = dataclasses.field(metadata={"static": True})
    law: Law = dataclasses.field(default=POWER, metadata={"static": True})
    band: Band = dataclasses.field(default="all", metadata={"static": True})
    visits: Int[Array, "side visit"] | None = None

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.points.high[0].dtype

    @property
    def zones(self) -> int:
        """The number of zones."""
        return int(self.points.high[0].shape[0])


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Block:
    """The zones of one side of a tile, as two arrays: two slices instead of ten."""

    real: Float[Array, "*block coordinate zone"]
    whole: Int[Array, "*block border zone"]


def walk(layout: Layout, visit: Callable[[Any, Array, Array, Block, Block], Any], start: Any) -> Any:
    """Visits the tiles on and above the diagonal: visit(sums so far, row, column, their blocks) -> sums.

    With `scan` instead of `while_loop`, JAX would store all tiles of S in the forward pass of a derivative through the
    years, since they do not depend on the cotangent.
    """
    blocks = _blocks(layout)
    visits = np.triu_indices(blocks.real.shape[0]) if layout.visits is None else layout.visits
    row, column = (jnp.asarray(side, jnp.int32) for side in visits)

    def step(state: tuple[Array, Any]) -> tuple[Array, Any]:
        number, sums = state
        at = row[number], column[number]
        a, b = (jax.tree.map(partial(taken, index=k), blocks) for k in at)
        return number + 1, visit(sums, *at, a, b)

    return jax.lax.while_loop(lambda state: state[0] < len(row), step, (jnp.zeros((), jnp.int32), start))[1]


def tile(
    layout: Layout, coefficient: Float[Array, " coefficient"], a: Block, b: Block, *, apart: bool
) -> Float[Array, "tile tile"]:
    """One tile of S; `apart` says that the blocks are two, and not one with itself."""
    rule = partial(_strength, layout, coefficient.astype(layout.dtype))
    made: Array = _over(layout, rule, a, b, apart=apart)
    return made


def _strength(
    layout: Layout,
    coefficient: Float[Array, " coefficient"],
    itself: Bool[Array, ""],
    origin: Block,
    destination: Block,
) -> Float[Array, ""]:
    """S of ONE pair; zero for a zone with itself, and outside of the band."""
    logs, here, there = _pair(layout, itself, origin, destination)
    strength = fastmath.exp(log_strength(layout.law, coefficient, logs, here, there))
    if layout.band != "all":
        itself |= other_province(here, there) != (layout.band == "far")
    return jnp.where(itself, 0, strength)


def strips(
    layout: Layout, coefficient: Float[Array, " coefficient"], rows: int
) -> tuple[int, Callable[[Array], Float[Array, "row zone"]]]:
    """The number of strips of `rows` whole rows, and a function that makes the strip that begins at a row.

    Rows and columns beyond the last zone belong to the filling of `_packed`.
    """
    packed, c = _packed(layout, rows), coefficient.astype(layout.dtype)
    columns = jnp.arange(packed.real.shape[1], dtype=jnp.int32)

    def pair(row: Array, column: Array, origin: Block, destination: Block) -> Float[Array, ""]:
        return _strength(layout, c, row == column, origin, destination)

    def strip(first: Array) -> Float[Array, "row zone"]:
        part = jax.tree.map(lambda side: jax.lax.dynamic_slice_in_dim(side, first, rows, axis=1), packed)
        whole = jax.vmap(jax.vmap(pair, (None, 0, None, -1)), (0, None, -1, None))
        made: Array = whole(first + jnp.arange(rows, dtype=jnp.int32), columns, part, packed)
        return made

    return len(columns) // rows, strip


def terms(
    layout: Layout, coefficient: Float[Array, " coefficient"], a: Block, b: Block, *, apart: bool
) -> tuple[Float[Array, "tile tile"], ...]:
    """φ_k over one tile."""

    def pair(itself: Bool[Array, ""], origin: Block, destination: Block) -> tuple[Array, ...]:
        return pair_terms(layout.law, coefficient, *_pair(layout, itself, origin, destination))

    made: tuple[Array, ...] = _over(layout, pair, a, b, apart=apart)
    return made


def in_blocks(layout: Layout, columns: Float[Array, "zone column"]) -> Float[Array, "block tile column"]:
    """Columns in the precision of S, with zeros where the last block is filled up."""
    columns = columns.astype(layout.dtype)
    return jnp.pad(columns, ((0, -layout.zones % layout.tile), (0, 0))).reshape(-1, layout.tile, columns.shape[1])


def taken(blocks: Array, index: Array) -> Array:
    """One block."""
    one: Array = jax.lax.dynamic_index_in_dim(blocks, index, keepdims=False)
    return one


def added(blocks: Array, part: Array, index: Array) -> Array:
    """The blocks, with something added to one of them."""
    more = taken(blocks, index) + part.astype(blocks.dtype)
    whole: Array = jax.lax.dynamic_update_index_in_dim(blocks, more, index, 0)
    return whole


def visits(province: np.ndarray, tile: int, band: Literal["near", "far"]) -> Int[np.ndarray, "side visit"]:
    """Rows and columns of the tiles on and above the diagonal that hold pairs of a band, from provinces [zone].

    Few tiles hold near pairs if zones are sorted by province.
    """
    rows = np.arange(len(province)) // tile
    has = np.zeros((rows[-1] + 1, province.max() + 1), bool)
    has[rows, province] = True
    one = has.sum(axis=1) == 1
    shares = has.astype(int) @ has.T > 0
    holds = shares if band == "near" else ~(shares & one[:, None] & one)
    # One tile at least, which is zero where no pair belongs to the band: a loop must have something to index.
    holds[0, 0] = True
    return np.stack(np.nonzero(np.triu(holds))).astype(np.int32)


def _blocks(layout: Layout) -> Block:
    """All zones in blocks."""
    packed = _packed(layout, layout.tile)
    blocks = packed.real.shape[1] // layout.tile
    split: Block = jax.tree.map(lambda s: jnp.moveaxis(s.reshape(len(s), blocks, layout.tile), 1, 0), packed)
    return split


def _packed(layout: Layout, multiple: int) -> Block:
    """All zones, filled up to a multiple with points apart from all others, of no province."""
    place = layout.place

    def filled(values: Array, filling: int) -> Array:
        return jnp.pad(values, (0, -layout.zones % multiple), constant_values=filling)

    real = jnp.stack([filled(axis, 0) for axis in (*layout.points.high, *layout.points.low)])
    # The filling lies on a line through the origin, a kilometre apart; its weight is zero, but it must be finite.
    beyond = jnp.arange(real.shape[1]) - layout.zones
    real = real.at[0].set(jnp.where(beyond >= 0, beyond.astype(real.dtype), real[0]))
    borders = zip((place.province, place.prefecture, place.east), layout.same, strict=True)
    whole = [filled(border.astype(jnp.int32), -1) for border, same in borders if not same]
    return Block(real, jnp.stack(whole) if whole else jnp.zeros((0, real.shape[1]), jnp.int32))


def _pair(
    layout: Layout, itself: Bool[Array, ""], origin: Block, destination: Block
) -> tuple[Float[Array, ""], Place, Place]:
    """ln((d + d0) / 300 km) of ONE pair, and its places; zero of a zone with itself, which needs a number."""
    (at, here), (to, there) = _unpack(layout, origin), _unpack(layout, destination)
    return jnp.where(itself, 0, distance.log_distance(at, to, layout.offset_km)), here, there


def _unpack(layout: Layout, one: Block) -> tuple[Points, Place]:
    coordinates, axes = tuple(one.real), len(layout.points.high)
    given = iter(one.whole)
    nowhere = jnp.zeros((), jnp.int32)
    borders = [nowhere if same else next(given) for same in layout.same]
    return Points(coordinates[:axes], coordinates[axes:], layout.points.metric), Place(nowhere, *borders)


def _over(layout: Layout, rule: Callable[..., Any], a: Block, b: Block, *, apart: bool) -> Any:
    """A rule for one pair, f(whether it is a zone with itself, origin, destination), over two blocks [tile, tile]."""
    if apart:
        return jax.vmap(jax.vmap(partial(rule, False), (None, -1)), (-1, None))(a, b)  # noqa: FBT003
    return jax.vmap(jax.vmap(rule, (0, None, -1)), (0, -1, None))(jnp.eye(layout.tile, dtype=bool), a, b)
