"""The gravity kernel K over all ordered pairs of zones, as a linear operator: `matvec` is K @ w, `rmatvec` K.T @ v.

K_oj = a_o S_oj b_j. S is symmetric with a zero diagonal and holds what a pair shares, distance and borders; it is
stored, once per parameter set. The zones' factors a and b hold what depends on the direction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from flowmodel.gravity import barriers
from flowmodel.parameters import Parameters


@partial(jax.tree_util.register_dataclass, data_fields=["index", "province", "prefecture", "east"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Place:
    """Where a zone lies, as far as borders go; a scalar each, or an array over zones."""

    index: Int[Array, "*zone"]
    province: Int[Array, "*zone"]
    prefecture: Int[Array, "*zone"]
    east: Bool[Array, "*zone"]


@partial(jax.tree_util.register_dataclass, data_fields=["log_distance", "place"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Pairs:
    """What is fixed about the pairs of zones; the dtype of `log_distance` is the precision of the kernel."""

    log_distance: Float[Array, "zone zone"]
    place: Place


@partial(jax.tree_util.register_dataclass, data_fields=["left", "right"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Factors:
    """A sum of outer products Σ_r left_r right_rᵀ over pairs, kept as its factors."""

    left: Float[Array, "*rank zone"]
    right: Float[Array, "*rank zone"]


@partial(jax.tree_util.register_dataclass, data_fields=["matvec", "rmatvec"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Taps:
    """Zeros beside the two products of a year; their cotangents are the factors of the cotangent of S."""

    matvec: Factors
    rmatvec: Factors


@partial(jax.tree_util.register_dataclass, data_fields=["strength", "origin", "destination", "taps"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Kernel:
    """The operator K = diag(origin) @ strength @ diag(destination)."""

    strength: Float[Array, "zone zone"]
    origin: Float[Array, " zone"]
    destination: Float[Array, " zone"]
    taps: Taps | None = None

    def matvec(self, weight: Float[Array, " zone"]) -> Float[Array, " zone"]:
        """K @ weight: Σ_j K_oj w_j of every origin."""
        tap = None if self.taps is None else self.taps.matvec
        return self.origin * _product(self.strength, self.destination * weight, tap)

    def rmatvec(self, weight: Float[Array, " zone"]) -> Float[Array, " zone"]:
        """K.T @ weight: Σ_o v_o K_oj of every destination."""
        tap = None if self.taps is None else self.taps.rmatvec
        return self.destination * _product(self.strength, self.origin * weight, tap)


COEFFICIENTS = ("distance", "other_province", "same_prefecture", "divide")


def coefficients(parameters: Parameters) -> Float[Array, " coefficient"]:
    """C in ln S_oj = Σ_k c_k φ_k(o, j), in the order of `COEFFICIENTS`."""
    p = parameters
    height = barriers.divide_height(p.divide_east_west, p.divide_west_east)
    return jnp.stack([-p.distance, -p.other_province, p.same_prefecture, -height])


def pair_terms(log_distance: Float[Array, ""], origin: Place, destination: Place) -> tuple[Float[Array, ""], ...]:
    """φ_k(o, j) of ONE pair, in the order of `COEFFICIENTS`."""
    borders = (
        barriers.other_province(origin.province, destination.province),
        barriers.same_prefecture(origin.prefecture, destination.prefecture),
        barriers.across_divide(origin.east, destination.east),
    )
    return log_distance, *(border.astype(log_distance.dtype) for border in borders)


def pair_strength(
    coefficient: Float[Array, " coefficient"], log_distance: Float[Array, ""], origin: Place, destination: Place
) -> Float[Array, ""]:
    """S_oj of ONE pair; zero for a zone with itself."""
    terms = pair_terms(log_distance, origin, destination)
    log_strength = sum((c * term for c, term in zip(coefficient, terms, strict=True)), jnp.zeros_like(log_distance))
    return jnp.where(origin.index != destination.index, jnp.exp(log_strength), jnp.zeros_like(log_distance))


def over_pairs(rule: Callable[[Array, Place, Place], Any]) -> Callable[[Array, Place, Place], Any]:
    """A rule for one pair, f(log_distance, origin, destination), mapped over [origins, destinations]."""
    return jax.vmap(jax.vmap(rule, (0, None, 0)), (0, 0, None))


def strength(coefficient: Float[Array, " coefficient"], pairs: Pairs) -> Float[Array, "zone zone"]:
    """S over all pairs, in the precision of `pairs`."""
    rule = partial(pair_strength, coefficient.astype(pairs.log_distance.dtype))
    matrix: Array = over_pairs(rule)(pairs.log_distance, pairs.place, pairs.place)
    return matrix


def tilt(parameters: Parameters, pairs: Pairs) -> Float[Array, " zone"]:
    """The log factor of a zone as destination, and minus that as origin: the divide's direction."""
    return barriers.divide_tilt(parameters.divide_east_west, parameters.divide_west_east, pairs.place.east)


def stored(matrix: Float[Array, "zone zone"], tilt: Float[Array, " zone"]) -> Kernel:
    """The operator from its stored S and `tilt`."""
    return Kernel(matrix, jnp.exp(-tilt), jnp.exp(tilt))


def build(parameters: Parameters, pairs: Pairs) -> Kernel:
    """The operator of a parameter set."""
    return stored(strength(coefficients(parameters), pairs), tilt(parameters, pairs))


def contract(factors: Factors, matrix: Float[Array, "zone zone"], pairs: Pairs) -> Float[Array, " coefficient"]:
    """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every k, without a second N × N array.

    Rows are taken in blocks that stay in cache; float32 sums run along a row, rows are added in float64.
    """
    zones = matrix.shape[0]
    rows = min(_BLOCK_ROWS, zones)

    def block(first: Array) -> Float[Array, " coefficient"]:
        # The last block is moved back to end at the last zone; rows that an earlier block had are given no weight.
        start = jnp.minimum(first, zones - rows)
        take = partial(jax.lax.dynamic_slice_in_dim, start_index=start, slice_size=rows)
        fresh = (start + jnp.arange(rows)) >= first
        left = jnp.where(fresh, take(factors.left, axis=-1), 0).T
        flow = jnp.matmul(left, factors.right, precision="highest") * take(matrix)
        # Without the barrier XLA makes the block again for each term's sum.
        flow = jax.lax.optimization_barrier(flow)
        terms = over_pairs(pair_terms)(take(pairs.log_distance), jax.tree.map(take, pairs.place), pairs.place)
        return jnp.stack([jnp.sum(jnp.sum(flow * term, axis=1).astype(float)) for term in terms])

    firsts = jnp.arange(0, zones, rows)
    return jax.lax.scan(lambda total, first: (total + block(first), None), jnp.zeros(len(COEFFICIENTS)), firsts)[0]


_BLOCK_ROWS = 96
"""Rows of a block in `contract`: a block fits a core's cache. At county scale it also keeps what a gradient holds, S
included, under 32 MiB, beyond which glibc maps and unmaps the memory at every call (a quarter of the time)."""


def _product(
    matrix: Float[Array, "zone zone"], vector: Float[Array, " zone"], tap: Factors | None
) -> Float[Array, " zone"]:
    """`matrix` @ `vector` in the matrix's precision, handed back in the vector's."""
    narrow = vector.astype(matrix.dtype)
    product = _multiply(matrix, narrow) if tap is None else _tapped(matrix, narrow, tap)
    return product.astype(vector.dtype)


def _multiply(matrix: Float[Array, "zone zone"], vector: Float[Array, " zone"]) -> Float[Array, " zone"]:
    return jnp.matmul(matrix, vector, precision="highest")


@jax.custom_vjp
def _tapped(matrix: Float[Array, "zone zone"], vector: Float[Array, " zone"], tap: Factors) -> Float[Array, " zone"]:
    """The product, with a rule that hands the cotangent of the matrix over as factors in the place of the tap's."""
    return _multiply(matrix, vector)


def _tapped_forward(matrix: Array, vector: Array, tap: Factors) -> tuple[Array, tuple[Array, Array]]:
    return _multiply(matrix, vector), (matrix, vector)


def _tapped_backward(residual: tuple[Array, Array], cotangent: Array) -> tuple[None, Array, Factors]:
    matrix, vector = residual
    # S is symmetric, and reading it along its rows is the faster way.
    return None, _multiply(matrix, cotangent), Factors(cotangent, vector)


_tapped.defvjp(_tapped_forward, _tapped_backward)
