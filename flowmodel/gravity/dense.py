"""S as a matrix, computed once per parameter set: the fastest storage as long as memory holds all pairs of zones."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity.barriers import Place
from flowmodel.gravity.blocks import blocks
from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.operator import AllPairs, Band, Columns, Factors, Strength
from flowmodel.gravity.pair import flow_terms, over_pairs, pair_strength


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pairs:
    """The logarithm of every distance, whose dtype is the precision of S, and the decay law.

    With `band` "far", S is zero inside provinces.
    """

    log_distance: Float[Array, "zone zone"]
    place: Place
    law: Law = dataclasses.field(default=POWER, metadata={"static": True})
    band: Literal["all", "far"] = dataclasses.field(default="all", metadata={"static": True})

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.log_distance.dtype

    def strength(self, coefficient: Float[Array, " coefficient"]) -> "Dense":
        """S at these coefficients."""
        rule, province = partial(pair_strength, self.law, coefficient.astype(self.dtype)), self.place.province
        matrix: Array = over_pairs(rule)(self.log_distance, self.place, self.place)
        if self.band == "far":
            matrix = jnp.where(province[:, None] == province[None, :], jnp.zeros((), matrix.dtype), matrix)
        return Dense(matrix, coefficient, self)

    def in_dtype(self, dtype: Any) -> Self:
        """The same pairs with S in another precision."""
        return dataclasses.replace(self, log_distance=self.log_distance.astype(dtype))

    def of(self, band: Band) -> AllPairs:
        """The pairs of one band: the near ones as blocks, one per province."""
        if band == "near":
            return blocks(self.log_distance, self.place, self.law)
        return dataclasses.replace(self, band=band)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Dense(Strength):
    """S over the pairs, the coefficients it was made with, and the pairs themselves."""

    matrix: Float[Array, "zone zone"]
    coefficient: Float[Array, " coefficient"]
    pairs: Pairs

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.matrix.dtype

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns in the precision of S, returned in the precision of the columns."""
        product = jnp.matmul(self.matrix, columns.astype(self.matrix.dtype), precision="highest")
        return product.astype(columns.dtype)

    def contract(self, factors: Factors) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k, without a second N × N array.

        Rows are taken in blocks that stay in cache; float32 sums run along a row, rows are added in float64.
        """
        pairs, zones = self.pairs, self.matrix.shape[0]
        rows = min(_BLOCK_ROWS, zones)
        terms = partial(flow_terms, pairs.law, self.coefficient)
        over_flows = jax.vmap(jax.vmap(terms, (0, 0, None, 0)), (0, 0, 0, None))

        def block(first: Array) -> Float[Array, " coefficient"]:
            # The last block is moved back to end at the last zone; rows of the block before it have no weight.
            start = jnp.minimum(first, zones - rows)
            take = partial(jax.lax.dynamic_slice_in_dim, start_index=start, slice_size=rows)
            fresh = (start + jnp.arange(rows)) >= first
            left = jnp.where(fresh, take(factors.left, axis=-1), 0).T
            flow = jnp.matmul(left, factors.right, precision="highest") * take(self.matrix)
            # Without the barrier XLA computes the block again for each term's sum.
            flow = jax.lax.optimization_barrier(flow)
            parts = over_flows(flow, take(pairs.log_distance), jax.tree.map(take, pairs.place), pairs.place)
            return jnp.stack([jnp.sum(jnp.sum(part, axis=1).astype(float)) for part in parts])

        zeros, firsts = jnp.zeros(len(self.coefficient)), jnp.arange(0, zones, rows)
        return jax.lax.scan(lambda total, first: (total + block(first), None), zeros, firsts)[0]

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself, `step` rows at a time, float64 [row, zone]."""
        for first in range(0, self.matrix.shape[0], step):
            yield np.asarray(self.matrix[first : first + step], np.float64)


_BLOCK_ROWS = 144
"""Rows of a block in `contract`: a block fits a core's cache. At county scale the memory of a gradient, including S,
then stays below 32 MiB; glibc maps and unmaps larger pieces at every call, which takes a quarter of the time."""
