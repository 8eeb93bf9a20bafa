"""Newton's method for the dual problem: first sweeps, then damped Newton steps solved by conjugate gradients.

A sweep is iterative proportional fitting over one kind of total after the other. For net totals it minimises an upper
bound: about the present table, 2 exp(n_o − n_d) ≤ exp(2 n_o) + exp(−2 n_d) separates the zones, and each has a
quadratic equation in exp(2 n). Sweeps lower F from any start; Newton steps then converge quadratically.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int

from flowmodel.interaction.totals import dual
from flowmodel.interaction.totals.dual import PerTotal, Problem, Table

_MOST_PRODUCTS = 400
_MOST_HALVINGS = 40
_LONGEST = 5.0
"""Largest change of a potential in one step; the quadratic model is poor for larger changes of exponents."""
_RIDGE = 1e-3
"""This factor times the remaining error times the Hessian's diagonal is added to the Hessian.

The Hessian is singular in directions that change no pair, such as a constant added to all n, or added to u and
subtracted from v. The gradient has only rounding errors in these directions, which would make conjugate gradients
diverge. The ridge decreases with the error, so convergence remains superlinear, and it is smaller than the curvature of
pairs whose flow tends to zero, which is proportional to the error.
"""
_ROUNDING = 1e-13
Flat = Float[Array, " total"]


@jax.jit
def solve(
    problem: Problem, start: PerTotal, tolerance: float, *, sweeps: int, most_steps: int
) -> tuple[PerTotal, Int[Array, ""], Float[Array, ""]]:
    """Potentials of the table with the target totals, number of Newton steps, and the largest relative error.

    The sums of the totals must agree. `sweeps` precede the first Newton step; the search stops at `tolerance`, the
    largest relative error of a total.
    """
    start = jax.lax.fori_loop(0, sweeps, lambda _, at: _swept(problem, at), start)
    first, unflat = ravel_pytree(start)

    def going(carry: tuple[Flat, Table, Array, Array]) -> Bool[Array, ""]:
        return (carry[2] < most_steps) & (dual.worst(problem, carry[1]) > tolerance) & carry[3]

    def around(carry: tuple[Flat, Table, Array, Array]) -> tuple[Flat, Table, Array, Array]:
        at, moved = _step(problem, unflat, carry[0], carry[1])
        return at, dual.table(problem, unflat(at)), carry[2] + 1, moved

    begin = (first, dual.table(problem, start), jnp.asarray(0), jnp.ones((), bool))
    at, y, steps, _ = jax.lax.while_loop(going, around, begin)
    return unflat(at), steps, dual.worst(problem, y)


def _step(problem: Problem, unflat: Callable[[Flat], PerTotal], at: Flat, y: Table) -> tuple[Flat, Bool[Array, ""]]:
    """One damped Newton step, solved more exactly near the solution; new potentials, and whether F has decreased."""
    lacking = _flat(dual.gradient(problem, y))
    error, scale = dual.worst(problem, y), _flat(dual.diagonal(problem, y))
    ridge = _RIDGE * jnp.minimum(error, 1.0) * scale
    forcing = jnp.clip(jnp.sqrt(error), 1e-4, 0.1)
    along = _conjugate(lambda v: _flat(dual.curved(problem, y, unflat(v))) + ridge * v, scale, lacking, forcing)
    slope, before = jnp.dot(lacking, along), dual.value(problem, y, unflat(at))
    return _searched(problem, unflat, at, along, slope, before)


def _flat(totals: PerTotal) -> Flat:
    return ravel_pytree(totals)[0]


def _conjugate(apply: Callable[[Flat], Flat], scale: Flat, lacking: Flat, forcing: Array) -> Flat:
    """Solves Hessian · step = −lacking by conjugate gradients, preconditioned by the Hessian's diagonal.

    The iteration also ends at a direction without curvature.
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
    """Halves the step until F decreases enough or, within rounding errors of F, until its slope is small enough."""

    def good(length: Array) -> Bool[Array, ""]:
        there = unflat(at + length * along)
        then = dual.table(problem, there)
        fallen = dual.value(problem, then, there) - before
        short = jnp.dot(_flat(dual.gradient(problem, then)), along) <= 0.5 * jnp.abs(slope)
        noise = _ROUNDING * (jnp.abs(before) + jnp.sum(then.outflow))
        return (fallen <= 1e-4 * length * slope) | (short & (fallen <= noise))

    def around(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        return carry[0] / 2, carry[1] + 1, good(carry[0] / 2)

    twice = 2 * jnp.minimum(1.0, _LONGEST / jnp.maximum(jnp.max(jnp.abs(along), initial=0.0), _ROUNDING))
    begin = (twice, jnp.asarray(0), jnp.zeros((), bool))
    length, _, moved = jax.lax.while_loop(lambda now: ~now[2] & (now[1] < _MOST_HALVINGS), around, begin)
    return at + jnp.where(moved, length, 0.0) * along, moved


def _swept(problem: Problem, at: PerTotal) -> PerTotal:
    """One round of proportional fitting over the kinds of totals that are given."""
    given, wanted = problem.given, problem.wanted
    for kind in ("outflow", "inflow", "block"):
        if getattr(given, kind).size:
            y = dual.table(problem, at)
            found = dual.block_sums(problem, y) if kind == "block" else getattr(y, kind)
            raised = _log_ratio(getattr(given, kind), getattr(wanted, kind), found)
            at = dataclasses.replace(at, **{kind: getattr(at, kind) + raised})
    if given.net.size:
        at = dataclasses.replace(at, net=at.net + _net_raise(given.net, wanted.net, dual.table(problem, at)))
    return at


def _log_ratio(given: Array, wanted: Array, found: Array) -> Array:
    can = (given > 0) & (found > 0)
    return jnp.where(can, jnp.log(jnp.where(can, wanted, 1.0)) - jnp.log(jnp.where(can, found, 1.0)), 0.0)


def _net_raise(given: Array, wanted: Array, y: Table) -> Array:
    """Half the logarithm of the positive root of outflow x² − wanted x − inflow = 0, with wanted = outflow − inflow."""
    can = (given > 0) & (y.outflow > 0) & (y.inflow > 0)
    out, into = jnp.where(can, y.outflow, 1.0), jnp.where(can, y.inflow, 1.0)
    # If `wanted` is negative, the usual formula subtracts similar numbers; the inverse of the other root does not.
    reach = jnp.abs(wanted) + jnp.sqrt(wanted**2 + 4 * out * into)
    root = jnp.where(wanted >= 0, reach / (2 * out), 2 * into / reach)
    return jnp.where(can, jnp.log(root) / 2, 0.0)
