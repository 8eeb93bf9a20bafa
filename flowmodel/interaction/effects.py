"""Origin and destination effects taken out of a weighted regression: the two-way system, without a design matrix.

E = [[diag(W 1), W], [Wᵀ, diag(Wᵀ 1)]] for weights W over pairs. Destinations' effects solve a Schur complement by
conjugate gradients in float32, whose error float64 residuals remove (iterative refinement); origins' follow. A constant
may pass between the sides, so E has that null vector, and right-hand sides are those of sums over one table, which have
no part in it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_ROUNDS = 6
_MOST_STEPS = 500
_CLOSE = 1e-5
"""Relative residual below which a float32 solution has no digits to gain; the next round has."""


@partial(jax.tree_util.register_dataclass, data_fields=["origin", "destination"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Sides:
    """A number, or one of each of several right-hand sides, for every origin [.., o] and every destination [.., d]."""

    origin: Float[Array, "*many origin"]
    destination: Float[Array, "*many destination"]


def over(numerator: Array, weight: Array) -> Array:
    """Their ratio; zero where the weight is: there is nothing to have an effect on."""
    return jnp.where(weight > 0, numerator / jnp.where(weight > 0, weight, 1.0), 0.0)


def solve(weights: Float[Array, "origin destination"], sums: Sides, tolerance: Array | float) -> Sides:
    """Effects with E · effects = sums, one right-hand side.

    Args:
        weights: W, zero where a pair takes no part.
        sums: the right-hand side.
        tolerance: largest residual over the largest of the right-hand side.
    """
    row = weights @ jnp.ones(weights.shape[1], weights.dtype)
    column = jnp.ones(weights.shape[0], weights.dtype) @ weights
    coarse = weights.astype(jnp.float32)
    sums = _consistent(sums, row, column)
    # Sums that are the rounding of the table itself are solved for no further.
    noise = float(np.finfo(weights.dtype).eps) * jnp.maximum(jnp.max(row), jnp.max(column))
    scale = jnp.maximum(
        jnp.maximum(jnp.max(jnp.abs(sums.origin)), jnp.max(jnp.abs(sums.destination))), noise / tolerance
    )
    scale = jnp.where(scale > 0, scale, 1.0)

    def residual(at: Sides) -> Sides:
        return Sides(
            sums.origin - row * at.origin - weights @ at.destination,
            sums.destination - column * at.destination - at.origin @ weights,
        )

    def worst(left: Sides) -> Array:
        return jnp.maximum(jnp.max(jnp.abs(left.origin)), jnp.max(jnp.abs(left.destination))) / scale

    def going(carry: tuple[Sides, Sides, Array]) -> Array:
        return (carry[2] < _ROUNDS) & (worst(carry[1]) > tolerance)

    def round_(carry: tuple[Sides, Sides, Array]) -> tuple[Sides, Sides, Array]:
        at, left, done = carry
        size = worst(left) * scale
        step = _schur(coarse, row, column, jax.tree.map(lambda part: part / size, left), jnp.maximum(tolerance, _CLOSE))
        at = jax.tree.map(lambda one, change: one + size * change, at, step)
        return at, residual(at), done + 1

    start = Sides(jnp.zeros_like(row), jnp.zeros_like(column))
    return jax.lax.while_loop(going, round_, (start, sums, jnp.zeros((), int)))[0]


def _consistent(sums: Sides, row: Array, column: Array) -> Sides:
    """The sums without their part in the null vector: what rounding has put there, spread over the destinations."""
    surplus = jnp.sum(sums.origin) - jnp.sum(sums.destination)
    return Sides(sums.origin, sums.destination + surplus * column / jnp.sum(column))


def _schur(coarse: Array, row: Array, column: Array, sums: Sides, close: Array) -> Sides:
    """An approximate solution: conjugate gradients on the destinations' Schur complement, in float32."""
    single = jnp.float32
    row, column = row.astype(single), column.astype(single)
    right = sums.destination.astype(single) - over(sums.origin.astype(single), row) @ coarse

    def complement(effects: Array) -> Array:
        return column * effects - over(coarse @ effects, row) @ coarse

    found = _conjugate(complement, right, column, close.astype(single))
    origin = over(sums.origin.astype(single) - coarse @ found, row)
    return Sides(origin.astype(sums.origin.dtype), found.astype(sums.destination.dtype))


class _Search(NamedTuple):
    """State of the conjugate gradients; `power` is the residual's size in the preconditioner's norm."""

    at: Array
    residual: Array
    direction: Array
    power: Array
    done: Array


def _conjugate(apply: Callable[[Array], Array], right: Array, diagonal: Array, close: Array) -> Array:
    """Preconditioned conjugate gradients for a positive semidefinite system whose null vector is the constant."""

    def precondition(residual: Array) -> Array:
        step = over(residual, diagonal)
        return step - jnp.sum(diagonal * step) / jnp.sum(diagonal)

    def going(now: _Search) -> Array:
        return (now.done < _MOST_STEPS) & (now.power > close**2 * first) & (now.power > 0)

    def step(now: _Search) -> _Search:
        image = apply(now.direction)
        length = now.power / jnp.sum(now.direction * image)
        residual = now.residual - length * image
        steep = precondition(residual)
        power = jnp.sum(residual * steep)
        direction = steep + power / now.power * now.direction
        return _Search(now.at + length * now.direction, residual, direction, power, now.done + 1)

    steep = precondition(right)
    first = jnp.sum(right * steep)
    start = _Search(jnp.zeros_like(right), right, steep, first, jnp.zeros((), int))
    return jax.lax.while_loop(going, step, start).at
