"""Newton's method on the dual of a table's totals: sweeps towards it, conjugate gradients, and a step that is damped.

A sweep is iterative proportional fitting, one kind of total after the other. Net totals are swept by minimising a
bound: 2 exp(n_o − n_d) ≤ exp(2 n_o) + exp(−2 n_d) about the present table makes zones independent, each with a
quadratic in exp(2 n). Both only ever lower F, from any start; Newton's steps then converge quadratically.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from flowmodel.interaction.totals.dual import (
    PerTotal,
    Problem,
    Table,
    block_sums,
    curved,
    diagonal,
    gradient,
    table,
    value,
    worst,
)

_MOST_PRODUCTS = 400
_MOST_HALVINGS = 40
_LONGEST = 5.0
"""The most a potential may change in one step: a quadratic says nothing of exponentials further away."""
_RIDGE = 1e-3
"""Times the error left and the Hessian's diagonal, this is added to the Hessian.

A direction that changes no pair has no curvature: a constant added to all n, or to u and taken from v, or to both in
one of the parts that a prior falls into. Of the gradient only rounding lies in it, and without a ridge the conjugate
gradients lose themselves there once the rest is as small. It fades as fast as the error, so convergence stays
faster than linear; and it stays below the curvature of a pair on its way to zero, which is of the error's size.
"""
_ROUNDING = 1e-13
Flat = Float[Array, " total"]


@jax.jit
def solve(
    problem: Problem, start: PerTotal, tolerance: float, *, sweeps: int, most_steps: int
) -> tuple[PerTotal, Int[Array, ""], Float[Array, ""]]:
    """Potentials of the table with the totals wanted, the steps they took, and the largest relative error left.

    Args:
        problem: prior and totals, which must agree in their sums.
        start: potentials to begin at.
        tolerance: the largest relative error of a total at which to stop.
        sweeps: rounds of proportional fitting before the first step.
        most_steps: the most Newton steps.
    """
    start = jax.lax.fori_loop(0, sweeps, lambda _, at: _swept(problem, at), start)
    first, unflat = ravel_pytree(start)

    def going(carry: tuple[Flat, Table, Array, Array]) -> Bool[Array, ""]:
        return (carry[2] < most_steps) & (worst(problem, carry[1]) > tolerance) & carry[3]

    def around(carry: tuple[Flat, Table, Array, Array]) -> tuple[Flat, Table, Array, Array]:
        at, moved = _step(problem, unflat, carry[0], carry[1])
        return at, table(problem, unflat(at)), carry[2] + 1, moved

    begin = (first, table(problem, start), jnp.asarray(0), jnp.ones((), bool))
    at, y, steps, _ = jax.lax.while_loop(going, around, begin)
    return unflat(at), steps, worst(problem, y)


def _step(problem: Problem, unflat: Callable[[Flat], PerTotal], at: Flat, y: Table) -> tuple[Flat, Bool[Array, ""]]:
    """One damped Newton step, the more exactly solved the nearer; where it leads, and whether it led anywhere."""
    lacking = _flat(gradient(problem, y))
    error, scale = worst(problem, y), _flat(diagonal(problem, y))
    ridge = _RIDGE * jnp.minimum(error, 1.0) * scale
    forcing = jnp.clip(jnp.sqrt(error), 1e-4, 0.1)
    along = _conjugate(lambda v: _flat(curved(problem, y, unflat(v))) + ridge * v, scale, lacking, forcing)
    slope, before = jnp.dot(lacking, along), value(problem, y, unflat(at))
    return _searched(problem, unflat, at, along, slope, before)


def _flat(totals: PerTotal) -> Flat:
    return ravel_pytree(totals)[0]


def _conjugate(apply: Callable[[Flat], Flat], scale: Flat, lacking: Flat, forcing: Array) -> Flat:
    """Solves Hessian · step = −lacking by conjugate gradients scaled by the Hessian's diagonal.

    The iteration also ends at a direction without curvature, where nothing is left to be gained.
    """
    inverse = jnp.where(scale > 0, 1 / jnp.where(scale > 0, scale, 1.0), 0.0)
    size = jnp.sum(inverse * lacking**2)

    def going(carry: tuple[Flat, Flat, Flat, Array, Array, Array]) -> Bool[Array, ""]:
        return carry[5] & (carry[4] < _MOST_PRODUCTS) & (carry[3] > forcing**2 * size)

    def around(carry: tuple[Flat, Flat, Flat, Array, Array, Array]) -> tuple[Flat, Flat, Flat, Array, Array, Array]:
        x, left, along, energy, done, _ = carry
        bent = apply(along)
        curvature = jnp.dot(along, bent)
        curves = curvature > 0
        length = jnp.where(curves, energy / jnp.where(curves, curvature, 1.0), 0.0)
        left = left - length * bent
        after = jnp.sum(inverse * left**2)
        return x + length * along, left, inverse * left + (after / energy) * along, after, done + 1, curves

    start = (jnp.zeros_like(lacking), -lacking, -inverse * lacking, size, jnp.asarray(0), jnp.ones((), bool))
    return jax.lax.while_loop(going, around, start)[0]


def _searched(
    problem: Problem, unflat: Callable[[Flat], PerTotal], at: Flat, along: Flat, slope: Array, before: Array
) -> tuple[Flat, Bool[Array, ""]]:
    """Halves the step until F has fallen enough, or, where F can no longer tell, until it hardly rises at its end."""

    def good(length: Array) -> Bool[Array, ""]:
        there = unflat(at + length * along)
        then = table(problem, there)
        fallen = value(problem, then, there) - before
        short = jnp.dot(_flat(gradient(problem, then)), along) <= 0.5 * jnp.abs(slope)
        noise = _ROUNDING * (jnp.abs(before) + jnp.sum(then.outflow))
        return (fallen <= 1e-4 * length * slope) | (short & (fallen <= noise))

    def going(carry: tuple[Array, Array, Array]) -> Bool[Array, ""]:
        return ~carry[2] & (carry[1] < _MOST_HALVINGS)

    def around(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        return carry[0] / 2, carry[1] + 1, good(carry[0] / 2)

    twice = 2 * jnp.minimum(1.0, _LONGEST / jnp.maximum(jnp.max(jnp.abs(along), initial=0.0), _ROUNDING))
    length, _, moved = jax.lax.while_loop(going, around, (twice, jnp.asarray(0), jnp.zeros((), bool)))
    return at + jnp.where(moved, length, 0.0) * along, moved


def _swept(problem: Problem, at: PerTotal) -> PerTotal:
    """One round of proportional fitting over the kinds of totals that are given."""
    given, wanted = problem.given, problem.wanted
    if given.outflow.size:
        raised = _log_ratio(given.outflow, wanted.outflow, table(problem, at).outflow)
        at = dataclasses.replace(at, outflow=at.outflow + raised)
    if given.inflow.size:
        raised = _log_ratio(given.inflow, wanted.inflow, table(problem, at).inflow)
        at = dataclasses.replace(at, inflow=at.inflow + raised)
    if given.block.size:
        raised = _log_ratio(given.block, wanted.block, block_sums(problem, table(problem, at)))
        at = dataclasses.replace(at, block=at.block + raised)
    if given.net.size:
        at = dataclasses.replace(at, net=at.net + _net_raise(given.net, wanted.net, table(problem, at)))
    return at


def _log_ratio(given: Array, wanted: Array, found: Array) -> Array:
    can = (given > 0) & (found > 0)
    return jnp.where(can, jnp.log(jnp.where(can, wanted, 1.0)) - jnp.log(jnp.where(can, found, 1.0)), 0.0)


def _net_raise(given: Array, wanted: Array, y: Table) -> Array:
    """Half the logarithm of the positive root of outflow x² − wanted x − inflow = 0, with wanted = outflow − inflow."""
    can = (given > 0) & (y.outflow > 0) & (y.inflow > 0)
    out, into = jnp.where(can, y.outflow, 1.0), jnp.where(can, y.inflow, 1.0)
    # The difference of the root's two terms would cancel where the first is negative: there its inverse is taken.
    reach = jnp.abs(wanted) + jnp.sqrt(wanted**2 + 4 * out * into)
    root = jnp.where(wanted >= 0, reach / (2 * out), 2 * into / reach)
    return jnp.where(can, jnp.log(root) / 2, 0.0)
