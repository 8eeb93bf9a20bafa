"""The pairs inside provinces as a matrix: one block per province, each padded to the size of the largest province."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from flowmodel.gravity.barriers import Place
from flowmodel.gravity.decay import Law
from flowmodel.gravity.operator import AllPairs, Band, Columns, Factors, Strength
from flowmodel.gravity.pair import over_pairs, pair_strength, pair_terms


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Blocks:
    """The near pairs, independent of the parameters.

    `members` are the zones of each province, filled up with the number of zones; `slot` is the position of each zone in
    the flattened `members`.
    """

    log_distance: Float[Array, "province member member"]
    place: Place
    members: Int[Array, "province member"]
    slot: Int[Array, " zone"]
    law: Law = dataclasses.field(metadata={"static": True})

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.log_distance.dtype

    def strength(self, coefficient: Float[Array, " coefficient"]) -> "BlockStrength":
        """S at these coefficients."""
        rule = partial(pair_strength, self.law, coefficient.astype(self.dtype))
        near = jax.vmap(over_pairs(rule))(self.log_distance, *2 * (self.places(),))
        real = self.members < len(self.slot)
        occupied = real[:, :, None] & real[:, None, :]
        return BlockStrength(jnp.where(occupied, near, jnp.zeros((), near.dtype)), coefficient, self)

    def in_dtype(self, dtype: Any) -> Self:
        """The same pairs with S in another precision."""
        return dataclasses.replace(self, log_distance=self.log_distance.astype(dtype))

    def of(self, band: Band) -> AllPairs:
        """These pairs; the blocks do not hold any others."""
        assert band == "near"
        return self

    def places(self) -> Place:
        """Where the members of each province lie [province, member]."""
        inside = jnp.minimum(self.members, len(self.slot) - 1)
        place: Place = jax.tree.map(lambda column: column[inside], self.place)
        return place

    def gather(self, columns: Columns) -> Float[Array, "province member *column"]:
        """Columns over zones as columns over the members of every province, zero where a block is filled up."""
        return jnp.concatenate([columns, jnp.zeros_like(columns[:1])])[self.members]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BlockStrength(Strength):
    """S over the near pairs, and the coefficients it was made with."""

    matrix: Float[Array, "province member member"]
    coefficient: Float[Array, " coefficient"]
    blocks: Blocks

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.matrix.dtype

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns in the precision of S, returned in the precision of the columns."""
        beside = columns if columns.ndim == 2 else columns[:, None]
        narrow = self.blocks.gather(beside.astype(self.dtype))
        packed = jnp.matmul(self.matrix, narrow, precision="highest")
        product = packed.reshape(-1, packed.shape[-1])[self.blocks.slot]
        return product.reshape(columns.shape).astype(columns.dtype)

    def contract(self, factors: Factors) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k."""
        of = self.blocks
        rule = partial(pair_terms, of.law, self.coefficient)

        def block(near: Array, log_distance: Array, place: Place, left: Array, right: Array) -> Array:
            flow = jnp.matmul(left, right.T, precision="highest") * near
            terms = over_pairs(rule)(log_distance, place, place)
            return jnp.stack([jnp.sum(jnp.sum(flow * term, axis=1).astype(float)) for term in terms])

        left, right = of.gather(factors.left.T), of.gather(factors.right.T)
        by_province: Array = jax.vmap(block)(self.matrix, of.log_distance, of.places(), left, right)
        return jnp.sum(by_province, axis=0)

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself, `step` rows at a time, float64 [row, zone]."""
        matrix, members, slot = (np.asarray(a) for a in (self.matrix, self.blocks.members, self.blocks.slot))
        zones = len(slot)
        for first in range(0, zones, step):
            province, member = np.divmod(slot[first : first + step], members.shape[1])
            rows = np.zeros((len(province), zones + 1))
            rows[np.arange(len(province))[:, None], members[province]] = matrix[province, member]
            yield rows[:, :zones]


def blocks(log_distance: Float[Array, "zone zone"], place: Place, law: Law) -> Blocks:
    """The near pairs of zones at the places given, from the logarithm of every distance."""
    province = np.asarray(place.province)
    zones = len(province)
    sizes = np.bincount(province)
    members = np.full((len(sizes), sizes.max()), zones, np.int32)
    for index in range(len(sizes)):
        of = np.flatnonzero(province == index)
        members[index, : len(of)] = of
    slot = np.full(zones + 1, 0, np.int32)
    slot[members.ravel()] = np.arange(members.size)
    inside = jnp.asarray(np.minimum(members, zones - 1))
    near = jax.vmap(lambda rows: log_distance[rows[:, None], rows[None, :]])(inside)
    return Blocks(near, place, jnp.asarray(members), jnp.asarray(slot[:zones]), law)
