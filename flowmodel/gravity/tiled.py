"""S as coordinates: tiles of it are made when a product needs them, and never kept.

S is symmetric, so only tiles on and above the diagonal are made, each of them once a product: it serves the zones of
its rows and those of its columns. Memory grows with the zones, not with their pairs. Products are summed in the
precision of the tiles inside a tile and in float64 across tiles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity import distance
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.distance import REFERENCE_KM, Points
from flowmodel.gravity.operator import Columns, Exchange, Factors, shared
from flowmodel.gravity.pair import BORDERS, Place
from flowmodel.gravity.tiles import Block, Layout, Weights, added, in_blocks, strips, taken, terms, tile, walk

Coefficient = Float[Array, " coefficient"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tiles(Layout):
    """The pairs of zones whose S is made in tiles."""

    def strength(self, coefficient: Coefficient) -> Tiled:
        """S at these coefficients."""
        return Tiled(coefficient, self)

    def in_dtype(self, dtype: Any) -> Tiles:
        """The same pairs with S in another precision."""
        return dataclasses.replace(self, points=distance.in_dtype(self.points, dtype))


def tiles(where: Points, place: Place, offset_km: float, tile: int, law: Law = POWER) -> Tiles:
    """The pairs of zones at `where`.

    Args:
        where: positions [zone].
        place: as far as borders go [zone].
        offset_km: the internal distance d0.
        tile: zones of a side of a tile.
        law: of distance decay.
    """
    borders = (np.asarray(border) for border in (place.province, place.prefecture, place.east))
    same = tuple(bool((border == border[0]).all()) for border in borders)
    return Tiles(where, place, offset_km, tile, (same[0], same[1], same[2]), law)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tiled:
    """S over all pairs, not made yet."""

    coefficient: Coefficient
    tiles: Tiles

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns."""
        beside = columns if columns.ndim == 2 else columns[:, None]
        return _multiply(self.coefficient, self.tiles, beside, None).reshape(columns.shape).astype(columns.dtype)

    def exchange(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """Those who leave each zone, shared out by S_oj pull_j: S is made once for both products."""
        found = _exchange(self.coefficient, self.tiles, leavers, pull)
        return Exchange(*(side.astype(pull.dtype) for side in found))

    def contract(self, factors: Factors) -> Coefficient:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k."""
        return _moments(self.coefficient, self.tiles, factors.left.T, factors.right.T, None)[1:]

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself, `step` rows at a time, float64 [row, zone]: by NumPy, a witness apart from the tiles."""
        c, place = np.asarray(self.coefficient, float), jax.tree.map(np.asarray, self.tiles.place)
        where = distance.coordinates(self.tiles.points)
        for first in range(0, self.tiles.zones, step):
            part = slice(first, first + step)
            squared = sum((axis[part, None] - axis) ** 2 for axis in where)
            km = distance.arc_km(squared, self.tiles.points.metric) + self.tiles.offset_km
            borders = place.province, place.prefecture, place.east
            province, prefecture, east = (border[part, None] != border for border in borders)
            decay = self.tiles.law.on_host(c[:-BORDERS], np.log(km / REFERENCE_KM))
            utility = decay + c[-3] * province + c[-2] * ~prefecture + c[-1] * east
            yield np.where(place.index[part, None] != place.index, np.exp(utility), 0.0)


@jax.custom_vjp
def product(coefficient: Coefficient, tiles: Tiles, columns: Columns) -> Columns:
    """S @ columns, float64; differentiable in the coefficients and the columns, for which no tile is kept."""
    return _multiply(coefficient, tiles, columns, None)


def _product_forward(coefficient: Coefficient, tiles: Tiles, columns: Columns) -> tuple[Columns, Any]:
    return product(coefficient, tiles, columns), (coefficient, tiles, columns)


def _product_backward(residual: Any, cotangent: Columns) -> tuple[Coefficient, None, Columns]:
    coefficient, tiles, columns = residual
    slope = _moments(coefficient, tiles, cotangent, columns, None)[1:]
    back = _multiply(coefficient, tiles, cotangent, None)
    return slope.astype(coefficient.dtype), None, back.astype(columns.dtype)


product.defvjp(_product_forward, _product_backward)


@jax.custom_vjp
def moments(coefficient: Coefficient, tiles: Tiles, left: Columns, right: Columns) -> Weights:
    """Σ_oj (Σ_c left_oc right_jc) S_oj φ_k(o, j) for φ_0 = 1 and every pair term: the flows' total, and their moments.

    By the power law the second over the first is the flows' mean log distance; the last three over the first are the
    shares of them that cross provinces, stay in a prefecture and cross the divide. Float64; differentiable in both
    sides, and in the coefficients where the decay law is linear in them.
    """
    return _moments(coefficient, tiles, left, right, None)


def _moments_forward(coefficient: Coefficient, tiles: Tiles, left: Columns, right: Columns) -> tuple[Weights, Any]:
    return moments(coefficient, tiles, left, right), (coefficient, tiles, left, right)


def _moments_backward(residual: Any, cotangent: Weights) -> tuple[Coefficient, None, Columns, Columns]:
    coefficient, tiles, left, right = residual
    slope = _moments(coefficient, tiles, left, right, cotangent)[1:]
    to_left = _multiply(coefficient, tiles, right, cotangent)
    to_right = _multiply(coefficient, tiles, left, cotangent)
    return slope.astype(coefficient.dtype), None, to_left.astype(left.dtype), to_right.astype(right.dtype)


moments.defvjp(_moments_forward, _moments_backward)


def by_band(coefficient: Coefficient, tiles: Tiles, columns: Columns) -> tuple[Columns, Columns]:
    """S @ columns over pairs of one province, and over pairs of two: the bands that a census tells apart."""
    far = jnp.zeros(1 + len(coefficient)).at[-BORDERS].set(1.0)
    near = (-far).at[0].set(1.0)
    return _multiply(coefficient, tiles, columns, near), _multiply(coefficient, tiles, columns, far)


def _exchange(coefficient: Coefficient, tiles: Tiles, leavers: Array, pull: Array) -> Exchange:
    """Strips of whole rows: each gives its zones' reach, and then at once what they send to all."""
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
    """On a CPU what fits a core's cache, but not so few that starting them takes the time; elsewhere many more."""
    pairs = 2**16 if jax.default_backend() == "cpu" else 2**26
    return max(16, min(zones, pairs // zones))


def _multiply(coefficient: Coefficient, tiles: Tiles, columns: Columns, weights: Weights | None) -> Columns:
    """Σ_j S_oj (g_0 + Σ_k g_k φ_k(o, j)) w_jc of every o and column, float64."""
    made = partial(tile, tiles, coefficient, weights)
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


def _moments(coefficient: Coefficient, tiles: Tiles, left: Columns, right: Columns, weights: Weights | None) -> Weights:
    """Σ_oj (Σ_c left_oc right_jc) S_oj (g_0 + Σ_k g_k φ_k) φ_l for φ_0 = 1 and every pair term, float64."""
    made = partial(tile, tiles, coefficient, weights)
    vectors = in_blocks(tiles, jnp.concatenate([left, right], axis=1))
    rank = left.shape[1]

    def summed(a: Block, b: Block, at_a: Array, at_b: Array, *, apart: bool) -> Weights:
        flow = made(a, b, apart=apart) * jnp.matmul(at_a, at_b.T, precision="highest")
        return jnp.stack([_sum(flow), *(_sum(flow * term) for term in terms(tiles, coefficient, a, b, apart=apart))])

    def inside(a: Block, _: Block, at_a: Array, __: Array) -> Weights:
        return summed(a, a, at_a[:, :rank], at_a[:, rank:], apart=False)

    def between(a: Block, b: Block, at_a: Array, at_b: Array) -> Weights:
        # Both directions of a pair at once: left of a with right of b, and right of a with left of b.
        return summed(a, b, at_a, jnp.roll(at_b, rank, axis=1), apart=True)

    def visit(sums: Weights, i: Array, j: Array, a: Block, b: Block) -> Weights:
        more: Weights = jax.lax.cond(i == j, inside, between, a, b, taken(vectors, i), taken(vectors, j))
        return sums + more

    sums: Array = walk(tiles, visit, jnp.zeros(1 + len(coefficient)))
    return sums


def _sum(matrix: Array) -> Array:
    """Of all elements: along rows by a product, which is vectorised where a reduction is not; rows in float64."""
    return jnp.sum(_times(matrix, jnp.ones((matrix.shape[1], 1), matrix.dtype)).astype(float))


def _times(matrix: Array, columns: Array) -> Array:
    """The product; of a single column as that of a vector, which XLA's CPU backend has a faster way for."""
    if columns.shape[1] == 1:
        return jnp.matmul(matrix, columns[:, 0], precision="highest")[:, None]
    return jnp.matmul(matrix, columns, precision="highest")


def _transposed_times(matrix: Array, columns: Array) -> Array:
    """The transposed matrix times columns, as rows times the matrix: four times as fast as Mᵀ v."""
    if columns.shape[1] == 1:
        return jnp.matmul(columns[:, 0], matrix, precision="highest")[:, None]
    return jnp.matmul(columns.T, matrix, precision="highest").T
