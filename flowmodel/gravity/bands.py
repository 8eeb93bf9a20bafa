"""Pairs in two bands, as a census counts migrants: zones of one province (near) and of two (far).

S is kept as a dense matrix of the far pairs, zero within provinces, and one padded block a province of the near ones.
Both are symmetric with a zero diagonal. Products take several columns at once.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from flowmodel.gravity.dense import Pairs, contract, strength
from flowmodel.gravity.operator import Factors
from flowmodel.gravity.pair import Place, over_pairs, pair_strength, pair_terms

Columns = Float[Array, "zone column"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BandedPairs:
    """What is fixed about the pairs.

    `members` are the zones of each province, filled up with the number of zones; `slot` is where each zone stands in
    `members`, flattened; `near_log_distance` are the log distances of the near pairs; `prefectures` is 1 where a zone
    belongs to a prefecture, else 0: only nests of destinations read it.
    """

    pairs: Pairs
    members: Int[Array, "province member"]
    slot: Int[Array, " zone"]
    near_log_distance: Float[Array, "province member member"]
    prefectures: Float[Array, "zone prefecture"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Bands:
    """Something of the near and of the far pairs: the two parts of S, or the two columns of a product."""

    near: Array
    far: Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BandFactors:
    """Sums of outer products over the near and the far pairs, as their factors [zone, rank]."""

    near: Factors
    far: Factors


def banded(pairs: Pairs) -> BandedPairs:
    """The pairs by bands, from the provinces of their places."""
    province = np.asarray(pairs.place.province)
    zones = len(province)
    sizes = np.bincount(province)
    members = np.full((len(sizes), sizes.max()), zones, np.int32)
    for index in range(len(sizes)):
        of = np.flatnonzero(province == index)
        members[index, : len(of)] = of
    slot = np.full(zones + 1, 0, np.int32)
    slot[members.ravel()] = np.arange(members.size)
    inside = np.minimum(members, zones - 1)
    near = jax.vmap(lambda rows: pairs.log_distance[rows[:, None], rows[None, :]])(jnp.asarray(inside))
    names, prefecture = np.unique(np.asarray(pairs.place.prefecture), return_inverse=True)
    belongs = jnp.asarray(prefecture[:, None] == np.arange(len(names))).astype(near.dtype)
    return BandedPairs(pairs, jnp.asarray(members), jnp.asarray(slot[:zones]), near, belongs)


def band_strength(coefficient: Float[Array, " coefficient"], banded: BandedPairs) -> Bands:
    """S over all pairs, in the precision of the pairs."""
    province = banded.pairs.place.province
    whole = strength(coefficient, banded.pairs)
    far = jnp.where(province[:, None] == province[None, :], jnp.zeros((), whole.dtype), whole)
    rule = partial(pair_strength, banded.pairs.law, coefficient.astype(whole.dtype))
    near = jax.vmap(over_pairs(rule))(banded.near_log_distance, *2 * (_near_places(banded),))
    return Bands(jnp.where(_real(banded), near, jnp.zeros((), near.dtype)), far)


def multiply(matrix: Bands, vectors: Bands, banded: BandedPairs, tap: BandFactors | None = None) -> Bands:
    """The near and the far part of S, each times its columns [zone, column]; in the vectors' precision."""
    if tap is None:
        return _multiply(matrix, vectors, banded)
    return _tapped(matrix, vectors, banded, tap)


def _multiply(matrix: Bands, vectors: Bands, banded: BandedPairs) -> Bands:
    dtype, narrow = vectors.far.dtype, jax.tree.map(lambda part: part.astype(matrix.far.dtype), vectors)
    far = jnp.matmul(matrix.far, narrow.far, precision="highest")
    packed = jnp.matmul(matrix.near, gather(narrow.near, banded), precision="highest")
    near = packed.reshape(-1, packed.shape[-1])[banded.slot]
    return Bands(near.astype(dtype), far.astype(dtype))


def gather(columns: Columns, banded: BandedPairs) -> Float[Array, "province member column"]:
    """Columns over zones as columns over the members of every province, zero where there is no member."""
    padded = jnp.concatenate([columns, jnp.zeros_like(columns[:1])])
    return padded[banded.members]


@jax.custom_vjp
def _tapped(matrix: Bands, vectors: Bands, banded: BandedPairs, tap: BandFactors) -> Bands:
    """The product, with a rule that hands the cotangent of S over as factors in the place of the tap's."""
    return _multiply(matrix, vectors, banded)


def _tapped_forward(
    matrix: Bands, vectors: Bands, banded: BandedPairs, tap: BandFactors
) -> tuple[Bands, tuple[Bands, Bands, BandedPairs]]:
    return _multiply(matrix, vectors, banded), (matrix, vectors, banded)


def _tapped_backward(
    residual: tuple[Bands, Bands, BandedPairs], cotangent: Bands
) -> tuple[None, Bands, None, BandFactors]:
    matrix, vectors, banded = residual
    dtype = matrix.far.dtype
    factors = BandFactors(
        Factors(cotangent.near.astype(dtype), vectors.near.astype(dtype)),
        Factors(cotangent.far.astype(dtype), vectors.far.astype(dtype)),
    )
    return None, _multiply(matrix, cotangent, banded), None, factors


_tapped.defvjp(_tapped_forward, _tapped_backward)


def no_factors(zones: int, rank: int, dtype: jnp.dtype) -> BandFactors:
    """A tap: zeros whose cotangent will be factors of the rank given."""
    zeros = jnp.zeros((zones, rank), dtype)
    return BandFactors(Factors(zeros, zeros), Factors(zeros, zeros))


def band_contract(
    factors: BandFactors, matrix: Bands, coefficient: Float[Array, " coefficient"], banded: BandedPairs
) -> Float[Array, " coefficient"]:
    """Σ_oj (Σ_r left_or right_jr) S_oj φ_k(o, j) for every k over near and far pairs."""
    far = contract(Factors(factors.far.left.T, factors.far.right.T), matrix.far, coefficient, banded.pairs)

    def block(near: Array, log_distance: Array, place: Place, left: Array, right: Array) -> Array:
        flow = jnp.matmul(left, right.T, precision="highest") * near
        terms = over_pairs(partial(pair_terms, banded.pairs.law, coefficient))(log_distance, place, place)
        return jnp.stack([jnp.sum(jnp.sum(flow * term, axis=1).astype(float)) for term in terms])

    left, right = gather(factors.near.left, banded), gather(factors.near.right, banded)
    near = jax.vmap(block)(matrix.near, banded.near_log_distance, _near_places(banded), left, right)
    total: Array = far + jnp.sum(near, axis=0)
    return total


def _near_places(banded: BandedPairs) -> Place:
    inside = jnp.minimum(banded.members, len(banded.slot) - 1)
    place: Place = jax.tree.map(lambda column: column[inside], banded.pairs.place)
    return place


def _real(banded: BandedPairs) -> Array:
    """Which near pairs are of two members, and not of filling."""
    real = banded.members < len(banded.slot)
    return real[:, :, None] & real[:, None, :]
