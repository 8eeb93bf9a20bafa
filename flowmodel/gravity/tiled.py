"""S as coordinates: a product computes the tiles of S that it needs, one after another, and keeps none.

S is symmetric, so a product computes only the tiles on and above the diagonal, each of them once, and uses it for the
zones of its rows and for those of its columns. Memory grows with the zones, not with their pairs. Products are summed
in the precision of the tiles inside a tile and in float64 across tiles.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity import distance
from flowmodel.gravity.barriers import BARRIERS, Place, other_province
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.distance import REFERENCE_KM, Points
from flowmodel.gravity.operator import Band, Columns, Exchange, Factors, Strength, shared
from flowmodel.gravity.tiles import Block, Layout, added, in_blocks, strips, taken, terms, tile, visits, walk

Coefficient = Float[Array, " coefficient"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tiles(Layout):
    """The pairs of zones whose S is computed in tiles."""

    def strength(self, coefficient: Coefficient) -> "Tiled":
        """S at these coefficients."""
        return Tiled(coefficient, self)

    def in_dtype(self, dtype: Any) -> Self:
        """The same pairs with S in another precision."""
        return dataclasses.replace(self, points=distance.in_dtype(self.points, dtype))

    def of(self, band: Band) -> Self:
        """The pairs of one band: the same tiles, with zeros for the pairs of the other band."""
        if band == "all":
            return dataclasses.replace(self, band=band, visits=None)
        held = visits(np.asarray(self.place.province), self.tile, band)
        return dataclasses.replace(self, band=band, visits=jnp.asarray(held))


def tiles(where: Points, place: Place, offset_km: float, tile: int, law: Law = POWER) -> Tiles:
    """The pairs of zones at `where` [zone], with the internal distance d0 and `tile` zones along a side of a tile."""
    borders = (np.asarray(border) for border in (place.province, place.prefecture, place.east))
    same = tuple(bool((border == border[0]).all()) for border in borders)
    return Tiles(where, place, offset_km, tile, (same[0], same[1], same[2]), law)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tiled(Strength):
    """S over the pairs of `tiles`, of which nothing is computed yet."""

    coefficient: Coefficient
    tiles: Tiles

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.tiles.dtype

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns."""
        beside = columns if columns.ndim == 2 else columns[:, None]
        return _multiply(self.coefficient, self.tiles, beside).reshape(columns.shape).astype(columns.dtype)

    def exchange(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """Distributes the leavers of each zone in proportion to S_oj pull_j; computes S once for both products."""
        found = _exchange(self.coefficient, self.tiles, leavers, pull)
        return Exchange(*(side.astype(pull.dtype) for side in found))

    def contract(self, factors: Factors) -> Coefficient:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k."""
        return _contract(self.coefficient, self.tiles, factors.left.T, factors.right.T)

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself, `step` rows at a time, float64 [row, zone]; by NumPy, as a check that does not use the tiles."""
        c, place = np.asarray(self.coefficient, float), jax.tree.map(np.asarray, self.tiles.place)
        where = distance.coordinates(self.tiles.points)
        for first in range(0, self.tiles.zones, step):
            part = slice(first, first + step)
            squared = sum((axis[part, None] - axis) ** 2 for axis in where)
            km = distance.arc_km(squared, self.tiles.points.metric) + self.tiles.offset_km
            here = jax.tree.map(itemgetter((part, None)), place)
            utility = self.tiles.law.on_host(c[: -len(BARRIERS)], np.log(km / REFERENCE_KM))
            for height, barrier in zip(c[-len(BARRIERS) :], BARRIERS.values(), strict=True):
                utility = utility + height * barrier.between(here, place)
            held = here.index != place.index
            if self.tiles.band != "all":
                held &= other_province(here, place) == (self.tiles.band == "far")
            yield np.where(held, np.exp(utility), 0.0)


def _exchange(coefficient: Coefficient, tiles: Tiles, leavers: Array, pull: Array) -> Exchange:
    """Strips of whole rows: each gives the reach of its zones, and then at once the people whom they send to all."""
    rows = _strip_rows(tiles.zones)
    count, strip = strips(tiles, coefficient, rows)
    leaving, drawn = (jnp.pad(side, (0, count * rows - tiles.zones)) for side in (leavers, pull))
    narrow = drawn.astype(tiles.dtype)

    def step(arrivals: Array, number: Array) -> tuple[Array, tuple[Array, Array]]:
        made = strip(number * rows)
        reach = jnp.matmul(made, narrow, precision="highest").astype(float)
        push = shared(jax.lax.dynamic_slice_in_dim(leaving, number * rows, rows).astype(float), reach)
        sent = jnp.matmul(push.astype(tiles.dtype), made, precision="highest")
        return arrivals + sent.astype(float), (reach, push)

    numbers = jnp.arange(count, dtype=jnp.int32)
    arrivals, (reach, push) = jax.lax.scan(step, jnp.zeros(count * rows), numbers)
    return Exchange(*(side.reshape(-1)[: tiles.zones] for side in (reach, push, arrivals)))


def _strip_rows(zones: int) -> int:
    """Rows of a strip: on a CPU as many as fit a core's cache, but at least 16; elsewhere many more."""
    pairs = 2**16 if jax.default_backend() == "cpu" else 2**26
    return max(16, min(zones, pairs // zones))


def _multiply(coefficient: Coefficient, tiles: Tiles, columns: Columns) -> Columns:
    """Σ_j S_oj w_jc of every o and column, float64."""
    made = partial(tile, tiles, coefficient)
    vectors = in_blocks(tiles, columns)

    # The two kinds of tile are branches, not a select: XLA's CPU backend does not vectorise a loop that holds the
    # slices of a scan, and a branch takes them as finished arrays. That is five times as fast.
    def inside(a: Block, _: Block, at_a: Array, __: Array) -> tuple[Array, Array]:
        return _times(made(a, a, apart=False), at_a), jnp.zeros_like(at_a)

    def between(a: Block, b: Block, at_a: Array, at_b: Array) -> tuple[Array, Array]:
        block = made(a, b, apart=True)
        return _times(block, at_b), _transposed_times(block, at_a)

    def visit(sums: Array, i: Array, j: Array, a: Block, b: Block) -> Array:
        one, other = jax.lax.cond(i == j, inside, between, a, b, taken(vectors, i), taken(vectors, j))
        return added(added(sums, one, i), other, j)

    sums: Array = walk(tiles, visit, jnp.zeros(vectors.shape, float))
    whole: Array = sums.reshape(-1, columns.shape[1])[: tiles.zones]
    return whole


def _contract(coefficient: Coefficient, tiles: Tiles, left: Columns, right: Columns) -> Coefficient:
    """Σ_oj (Σ_c left_oc right_jc) S_oj φ_k(o, j) for every pair term, float64."""
    made = partial(tile, tiles, coefficient)
    vectors = in_blocks(tiles, jnp.concatenate([left, right], axis=1))
    rank = left.shape[1]

    def summed(a: Block, b: Block, at_a: Array, at_b: Array, *, apart: bool) -> Coefficient:
        flow = made(a, b, apart=apart) * jnp.matmul(at_a, at_b.T, precision="highest")
        return jnp.stack([_sum(flow * term) for term in terms(tiles, coefficient, a, b, apart=apart)])

    def inside(a: Block, _: Block, at_a: Array, __: Array) -> Coefficient:
        return summed(a, a, at_a[:, :rank], at_a[:, rank:], apart=False)

    def between(a: Block, b: Block, at_a: Array, at_b: Array) -> Coefficient:
        # Both directions of a pair at once: left of a with right of b, and right of a with left of b.
        return summed(a, b, at_a, jnp.roll(at_b, rank, axis=1), apart=True)

    def visit(sums: Coefficient, i: Array, j: Array, a: Block, b: Block) -> Coefficient:
        more: Coefficient = jax.lax.cond(i == j, inside, between, a, b, taken(vectors, i), taken(vectors, j))
        return sums + more

    sums: Array = walk(tiles, visit, jnp.zeros(len(coefficient)))
    return sums


def _sum(matrix: Array) -> Array:
    """The sum of all elements: along rows by a product, which XLA vectorises, unlike a reduction; rows in float64."""
    return jnp.sum(_times(matrix, jnp.ones((matrix.shape[1], 1), matrix.dtype)).astype(float))


def _times(matrix: Array, columns: Array) -> Array:
    """The product; a single column is taken as a vector, for which XLA's CPU backend is faster."""
    if columns.shape[1] == 1:
        return jnp.matmul(matrix, columns[:, 0], precision="highest")[:, None]
    return jnp.matmul(matrix, columns, precision="highest")


def _transposed_times(matrix: Array, columns: Array) -> Array:
    """The transposed matrix times columns, as rows times the matrix: four times as fast as Mᵀ v."""
    if columns.shape[1] == 1:
        return jnp.matmul(columns[:, 0], matrix, precision="highest")[:, None]
    return jnp.matmul(columns.T, matrix, precision="highest").T
