"""Tiles of S: which there are, and how one of them is made from the coordinates and places of its zones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from flowmodel.gravity import distance, fastmath
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.distance import Points
from flowmodel.gravity.pair import Place, log_strength, pair_terms

Weights = Float[Array, " moment"]
"""(g_0, g_1, …): a pair counts g_0 + Σ_k g_k φ_k(o, j) times."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Layout:
    """What the pairs of zones follow from.

    `tile` is how many zones a side of a tile has. `same` says of province, prefecture and side whether all zones are of
    one, so that no pair need be asked.
    """

    points: Points
    place: Place
    offset_km: float = dataclasses.field(metadata={"static": True})
    tile: int = dataclasses.field(metadata={"static": True})
    same: tuple[bool, bool, bool] = dataclasses.field(metadata={"static": True})
    law: Law = dataclasses.field(default=POWER, metadata={"static": True})

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.points.high[0].dtype

    @property
    def zones(self) -> int:
        """How many there are."""
        return int(self.points.high[0].shape[0])


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Block:
    """The zones of one side of a tile, as two arrays: two slices instead of ten."""

    real: Float[Array, "*block coordinate zone"]
    whole: Int[Array, "*block border zone"]


def walk(layout: Layout, visit: Callable[[Any, Array, Array, Block, Block], Any], start: Any) -> Any:
    """Visits all tiles on and above the diagonal: visit(sums so far, row, column, their blocks) -> sums.

    By `while_loop`, not by `scan`: where a derivative goes through a scan of years, JAX moves whatever of an inner scan
    does not depend on the cotangent into the forward pass, and keeps it: all tiles of S.
    """
    blocks = _blocks(layout)
    row, column = (jnp.asarray(side, jnp.int32) for side in np.triu_indices(blocks.real.shape[0]))

    def going(state: tuple[Array, Any]) -> Bool[Array, ""]:
        return state[0] < len(row)

    def step(state: tuple[Array, Any]) -> tuple[Array, Any]:
        number, sums = state
        at = row[number], column[number]
        a, b = (jax.tree.map(partial(taken, index=k), blocks) for k in at)
        return number + 1, visit(sums, *at, a, b)

    return jax.lax.while_loop(going, step, (jnp.zeros((), jnp.int32), start))[1]


def tile(
    layout: Layout,
    coefficient: Float[Array, " coefficient"],
    weights: Weights | None,
    a: Block,
    b: Block,
    *,
    apart: bool,
) -> Float[Array, "tile tile"]:
    """One tile of S, weighted; `apart` says that the blocks are two, and not one with itself."""
    c = coefficient.astype(layout.dtype)

    def pair(itself: Bool[Array, ""], origin: Block, destination: Block) -> Float[Array, ""]:
        logs, here, there = _pair(layout, itself, origin, destination)
        strength = fastmath.exp(log_strength(layout.law, c, logs, here, there))
        if weights is not None:
            g = weights.astype(layout.dtype)
            strength *= g[0] + sum(
                w * term for w, term in zip(g[1:], pair_terms(layout.law, c, logs, here, there), strict=True)
            )
        return jnp.where(itself, 0, strength)

    made: Array = _over(layout, pair, a, b, apart=apart)
    return made


def strips(
    layout: Layout, coefficient: Float[Array, " coefficient"], rows: int
) -> tuple[int, Callable[[Array], Float[Array, "row zone"]]]:
    """How many strips of so many whole rows S has, and a function that makes the one that begins at a row.

    Rows beyond the last zone, and columns, are those of the filling of `_packed`.
    """
    packed, c = _packed(layout, rows), coefficient.astype(layout.dtype)
    columns = jnp.arange(packed.real.shape[1], dtype=jnp.int32)

    def pair(row: Array, column: Array, origin: Block, destination: Block) -> Float[Array, ""]:
        itself = row == column
        logs, here, there = _pair(layout, itself, origin, destination)
        return jnp.where(itself, 0, fastmath.exp(log_strength(layout.law, c, logs, here, there)))

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
