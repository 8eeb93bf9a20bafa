"""S as a matrix, made once per parameter set: the fastest way for as many zones as memory holds pairs of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.operator import Columns, Exchange, Factors, shared
from flowmodel.gravity.pair import Place, flow_terms, over_pairs, pair_strength


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pairs:
    """The logarithm of every distance, whose dtype is the precision of S; and the decay law."""

    log_distance: Float[Array, "zone zone"]
    place: Place
    law: Law = dataclasses.field(default=POWER, metadata={"static": True})

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.log_distance.dtype

    def strength(self, coefficient: Float[Array, " coefficient"]) -> Dense:
        """S at these coefficients."""
        return Dense(strength(coefficient, self), coefficient, self)

    def in_dtype(self, dtype: Any) -> Pairs:
        """The same pairs with S in another precision."""
        return dataclasses.replace(self, log_distance=self.log_distance.astype(dtype))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Dense:
    """S over all pairs, the coefficients it was made with, and the pairs it is of."""

    matrix: Float[Array, "zone zone"]
    coefficient: Float[Array, " coefficient"]
    pairs: Pairs

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns in the precision of S, handed back in the columns'."""
        product = jnp.matmul(self.matrix, columns.astype(self.matrix.dtype), precision="highest")
        return product.astype(columns.dtype)

    def exchange(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """Those who leave each zone, shared out by S_oj pull_j."""
        reach = self.multiply(pull)
        push = shared(leavers, reach)
        return Exchange(reach, push, self.multiply(push))

    def contract(self, factors: Factors) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k."""
        return contract(factors, self.matrix, self.coefficient, self.pairs)

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself, `step` rows at a time, float64 [row, zone]."""
        for first in range(0, self.matrix.shape[0], step):
            yield np.asarray(self.matrix[first : first + step], np.float64)


def strength(coefficient: Float[Array, " coefficient"], pairs: Pairs) -> Float[Array, "zone zone"]:
    """S over all pairs, in the precision of `pairs`."""
    rule = partial(pair_strength, pairs.law, coefficient.astype(pairs.dtype))
    matrix: Array = over_pairs(rule)(pairs.log_distance, pairs.place, pairs.place)
    return matrix


def contract(
    factors: Factors, matrix: Float[Array, "zone zone"], coefficient: Float[Array, " coefficient"], pairs: Pairs
) -> Float[Array, " coefficient"]:
    """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k, without a second N × N array.

    Rows are taken in blocks that stay in cache; float32 sums run along a row, rows are added in float64.
    """
    zones = matrix.shape[0]
    rows = min(_BLOCK_ROWS, zones)
    over_flows = _over_flows(partial(flow_terms, pairs.law, coefficient))

    def block(first: Array) -> Float[Array, " coefficient"]:
        # The last block is moved back to end at the last zone; rows that an earlier block had are given no weight.
        start = jnp.minimum(first, zones - rows)
        take = partial(jax.lax.dynamic_slice_in_dim, start_index=start, slice_size=rows)
        fresh = (start + jnp.arange(rows)) >= first
        left = jnp.where(fresh, take(factors.left, axis=-1), 0).T
        flow = jnp.matmul(left, factors.right, precision="highest") * take(matrix)
        # Without the barrier XLA makes the block again for each term's sum.
        flow = jax.lax.optimization_barrier(flow)
        parts = over_flows(flow, take(pairs.log_distance), jax.tree.map(take, pairs.place), pairs.place)
        return jnp.stack([jnp.sum(jnp.sum(part, axis=1).astype(float)) for part in parts])

    firsts = jnp.arange(0, zones, rows)
    return jax.lax.scan(lambda total, first: (total + block(first), None), jnp.zeros(len(coefficient)), firsts)[0]


def _over_flows(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A flow by each term of its pair, over [origins, destinations]."""
    return jax.vmap(jax.vmap(rule, (0, 0, None, 0)), (0, 0, 0, None))


_BLOCK_ROWS = 144
"""Rows of a block in `contract`: a block fits a core's cache. At county scale it also keeps what a gradient holds, S
included, under 32 MiB, beyond which glibc maps and unmaps the memory at every call (a quarter of the time)."""
