"""Linear systems for origin and destination effects of a weighted regression, without a design matrix.

The system is E = [[diag(W 1), W], [Wᵀ, diag(Wᵀ 1)]] for weights W over pairs. Destination effects solve its Schur
complement by conjugate gradients in float32, with iterative refinement by float64 residuals; origin effects follow. A
constant added to one side and subtracted from the other is a null vector of E; right-hand sides are row and column sums
of one table, which are orthogonal to it.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_ROUNDS = 8
_EXACT = 1e-12
"""Largest residual relative to the largest right-hand side at which float64 cannot improve further."""
_MOST_STEPS = 500
_CLOSE = 1e-5
"""Relative residual of each round in float32."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sides:
    """Numbers of every origin [.., o] and every destination [.., d], for one or several right-hand sides."""

    origin: Float[Array, "*many origin"]
    destination: Float[Array, "*many destination"]


def ratio(numerator: Array, weight: Array) -> Array:
    """The ratio of both; zero where the weight is zero."""
    return jnp.where(weight > 0, numerator / jnp.where(weight > 0, weight, 1.0), 0.0)


def solve_roughly(weights: Float[Array, "origin destination"], sums: Sides, close: Array) -> Sides:
    """Effects with E · effects ≈ sums, solved in float32 to a relative residual of `close`."""
    return _schur(_system(weights), sums, close)


def solve(weights: Float[Array, "origin destination"], sums: Sides) -> Sides:
    """Effects with E · effects = sums to float64's precision, for one right-hand side."""
    system = _system(weights)
    # Rounding errors are distributed over the destinations, so that the sums are orthogonal to the null vector.
    surplus = jnp.sum(sums.origin) - jnp.sum(sums.destination)
    sums = Sides(sums.origin, sums.destination + surplus * system.column / jnp.sum(system.column))
    # The residual is compared with rounding errors of the table and of the sums.
    noise = _EXACT * jnp.maximum(jnp.max(system.row), jnp.max(system.column)) * 1e-3
    enough = jnp.maximum(_EXACT * largest(sums), noise)

    def residual(at: Sides) -> Sides:
        return Sides(
            sums.origin - system.row * at.origin - weights @ at.destination,
            sums.destination - system.column * at.destination - at.origin @ weights,
        )

    def going(carry: tuple[Sides, Sides, Array]) -> Array:
        return (carry[2] < _ROUNDS) & (largest(carry[1]) > enough)

    def round_(carry: tuple[Sides, Sides, Array]) -> tuple[Sides, Sides, Array]:
        at, left, done = carry
        step = _schur(system, left, jnp.asarray(_CLOSE))
        at = Sides(at.origin + step.origin, at.destination + step.destination)
        return at, residual(at), done + 1

    start = Sides(jnp.zeros_like(system.row), jnp.zeros_like(system.column))
    return jax.lax.while_loop(going, round_, (start, sums, jnp.zeros((), int)))[0]


class _System(NamedTuple):
    """The parts of E: the table in float32, and its row and column sums."""

    coarse: Array
    row: Array
    column: Array


def _system(weights: Array) -> _System:
    row = weights @ jnp.ones(weights.shape[1], weights.dtype)
    return _System(weights.astype(jnp.float32), row, jnp.ones(weights.shape[0], weights.dtype) @ weights)


def largest(sums: Sides) -> Array:
    """The largest absolute number of both sides."""
    return jnp.maximum(jnp.max(jnp.abs(sums.origin)), jnp.max(jnp.abs(sums.destination)))


def _schur(system: _System, sums: Sides, close: Array) -> Sides:
    """An approximate solution: conjugate gradients on the destinations' Schur complement, in float32."""
    single = jnp.float32
    kind, size = sums.origin.dtype, largest(sums)
    size = jnp.where(size > 0, size, 1)
    row, column = system.row.astype(single), system.column.astype(single)
    origin, destination = (sums.origin / size).astype(single), (sums.destination / size).astype(single)
    right = destination - ratio(origin, row) @ system.coarse

    def complement(effects: Array) -> Array:
        return column * effects - ratio(system.coarse @ effects, row) @ system.coarse

    found = _conjugate(complement, right, column, close.astype(single))
    first = ratio(origin - system.coarse @ found, row)
    return Sides(size * first.astype(kind), size * found.astype(kind))


class _Search(NamedTuple):
    """State of the conjugate gradients; `power` is the squared residual in the preconditioner's norm."""

    at: Array
    residual: Array
    direction: Array
    power: Array
    done: Array


def _conjugate(apply: Callable[[Array], Array], right: Array, diagonal: Array, close: Array) -> Array:
    """Preconditioned conjugate gradients for a positive semidefinite system whose null vector is the constant."""

    def precondition(residual: Array) -> Array:
        step = ratio(residual, diagonal)
        return step - jnp.sum(diagonal * step) / jnp.sum(diagonal)

    def going(now: _Search) -> Array:
        return (now.done < _MOST_STEPS) & (now.power > close**2 * first) & (now.power > 0)

    def step(now: _Search) -> _Search:
        image = apply(now.direction)
        curvature = jnp.sum(now.direction * image)
        # The curvature is zero within float32's precision if parts of the table are hardly connected.
        bent = curvature > 0
        length = jnp.where(bent, now.power / jnp.where(bent, curvature, 1), 0)
        residual = now.residual - length * image
        steep = precondition(residual)
        power = jnp.where(bent, jnp.sum(residual * steep), 0)
        direction = steep + power / now.power * now.direction
        return _Search(now.at + length * now.direction, residual, direction, power, now.done + 1)

    steep = precondition(right)
    first = jnp.sum(right * steep)
    start = _Search(jnp.zeros_like(right), right, steep, first, jnp.zeros((), int))
    return jax.lax.while_loop(going, step, start).at
