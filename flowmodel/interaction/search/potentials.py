"""Dual potentials of the doubly constrained model: T_od = exp(ln K_od + u_o + v_d) with given row and column sums.

Wilson's (1971) balancing factors are A_o O_o = exp(u_o), B_d D_d = exp(v_d). One sweep in logarithms gives a table of
moderate numbers whatever the kernel; sweeps of scaling (Sinkhorn & Knopp 1967), over-relaxed, bring its margins as near
as float32 can tell, then further in float64; Newton steps follow where sweeps are slow. The derivative is that of the
margins, by the implicit rule.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.gravity import scaling
from flowmodel.gravity.scaling import Rules, Scaling
from flowmodel.interaction.search import effects
from flowmodel.interaction.search.effects import Sides, over

_NEAR_ENOUGH = 0.1
"""Log error of the margins below which sweeps are over-relaxed."""
_MOST_SWEEPS = 200
_MOST_NEWTON = 150
_SINGLE = 2e-6
"""Relative error of a margin below which float32 sums see little but their own rounding."""
_STALLED = 0.8
"""Part of the error that a sweep leaves, near the solution, from which Newton steps are the faster way."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Potentials:
    """The solution, with its certificate.

    Attributes:
        origin: u [o]; −∞ where the margin is zero.
        destination: v [d], likewise.
        flow: the table they make, persons [o, d].
        error: largest relative error of a margin of the table they make, in float64.
        sweeps: passes over the rows and columns.
        steps: Newton steps after those.
    """

    origin: Float[Array, " origin"]
    destination: Float[Array, " destination"]
    flow: Float[Array, "o d"]
    error: Float[Array, ""]
    sweeps: Int[Array, ""]
    steps: Int[Array, ""]


@jax.jit
def doubly(
    log_kernel: Float[Array, "o d"],
    outflow: Float[Array, " o"],
    inflow: Float[Array, " d"],
    tolerance: Float[Array, ""] | float = 1e-10,
) -> Potentials:
    """The potentials that give `exp(log_kernel)` its margins; differentiable in all but the tolerance.

    Args:
        log_kernel: ln K; −∞ for a pair that cannot be.
        outflow: row sums wanted, persons.
        inflow: column sums wanted, of the same total.
        tolerance: largest relative error of a margin at which to stop.

    Returns:
        Potentials whose `error` says whether the margins are met: they are not where the zeros of K forbid it.
    """
    at, flow, (error, sweeps, steps) = _potentials(log_kernel, Sides(outflow, inflow), jnp.asarray(tolerance))
    return Potentials(at.origin, at.destination, flow, error, sweeps, steps)


def _table(log_kernel: Array, at: Sides) -> Array:
    return jnp.exp(log_kernel + at.origin[:, None] + at.destination[None, :])


_Solution = tuple[Sides, Array, tuple[Array, Array, Array]]


@jax.custom_jvp
def _potentials(log_kernel: Array, margins: Sides, tolerance: Array) -> _Solution:
    at, found = _swept(log_kernel, margins, tolerance)
    return _polished(log_kernel, margins, at, found, tolerance)


@_potentials.defjvp
def _potentials_tangent(primals: Any, tangents: Any) -> tuple[_Solution, Any]:
    """E · (du, dv) = what a change of kernel and margins does to the margins, E of the solution's own table."""
    log_kernel, margins, _ = primals
    change, wanted, _ = tangents
    at, flow, certificate = _potentials(*primals)
    change = jnp.where(flow > 0, change, 0)
    moved = flow * change
    upset = Sides(wanted.origin - jnp.sum(moved, axis=1), wanted.destination - jnp.sum(moved, axis=0))

    def apply(sides: Sides) -> Sides:
        return Sides(
            margins.origin * sides.origin + flow @ sides.destination,
            margins.destination * sides.destination + sides.origin @ flow,
        )

    step = jax.lax.custom_linear_solve(apply, upset, lambda _, sums: effects.solve(flow, sums), symmetric=True)
    still = jax.tree.map(jax.custom_derivatives.zero_from_primal, certificate)
    turned = flow * (change + step.origin[:, None] + step.destination[None, :])
    return (at, flow, certificate), (step, turned, still)


def _swept(log_kernel: Array, margins: Sides, tolerance: Array) -> tuple[Sides, Scaling]:
    """Potentials whose margins are right to what float32 can tell."""
    single = jnp.float32
    wanted = Sides(margins.origin.astype(single), margins.destination.astype(single))
    start = _first(log_kernel.astype(single), wanted)
    start = Sides(start.origin.astype(log_kernel.dtype), start.destination.astype(log_kernel.dtype))
    # The sum is float64's: in float32 a logarithm of ten would leave errors of 1e-6 in the table.
    table = jnp.exp((log_kernel + start.origin[:, None] + start.destination[None, :]).astype(single))
    found = _sweeps(table, wanted, jnp.maximum(tolerance, _SINGLE).astype(single), jnp.ones((), single))
    return _absorbed(start, found), found


def _absorbed(at: Sides, scale: Scaling) -> Sides:
    """Potentials with the logarithms of factors added."""

    def more(one: Array, by: Array) -> Array:
        return one + jnp.log(jnp.where(by > 0, by, 1)).astype(one.dtype)

    return Sides(more(at.origin, scale.rows), more(at.destination, scale.columns))


def _sweeps(table: Array, wanted: Sides, close: Array, power: Array) -> Scaling:
    """Factors of rows and columns that bring the table's margins to `close`, or until sweeps gain little."""

    def going(now: Scaling) -> Array:
        stalled = (now.error > _STALLED * now.before) & (now.power > 1)
        return (now.done < _MOST_SWEEPS) & (now.error > close) & ~stalled

    rules = Rules(_relaxation, _power, over, lambda ratio, _: _error(ratio), going)
    begin = scaling.start(wanted.origin, wanted.destination, power)
    return scaling.fitted(begin, wanted.origin, wanted.destination, lambda y: table @ y, lambda x: x @ table, rules)


def _relaxation(now: Scaling) -> Array:
    """The power to which ratios are taken: 1, until near the solution two plain sweeps have shown how fast they go.

    A plain sweep that leaves the part η of the error allows 2 / (1 + √(1 − η)) (Thibault et al. 2021, Algorithms 14(5),
    143), which then leaves about that less one.
    """
    rate = jnp.minimum(now.error / now.before, 0.98)
    known = (now.before < _NEAR_ENOUGH) & (now.power == 1)
    return jnp.where(known, 2 / (1 + jnp.sqrt(1 - rate)), now.power).astype(now.power.dtype)


def _power(ratio: Array, power: Array) -> Array:
    return jnp.exp(power * jnp.log(jnp.where(ratio > 0, ratio, 1)))


def _error(ratio: Array) -> Array:
    """Largest relative error of a margin, from wanted over found; zero where nothing is wanted."""
    return jnp.max(jnp.abs(jnp.log(jnp.where(ratio > 0, ratio, 1))))


def _first(log_kernel: Array, margins: Sides) -> Sides:
    """One sweep in logarithms: rows, then columns, are right, and nothing has under- or overflowed."""
    destination = _log(margins.destination)
    origin = _less(_log(margins.origin), jax.nn.logsumexp(log_kernel + destination[None, :], axis=1))
    found = jax.nn.logsumexp(log_kernel + origin[:, None], axis=0)
    return Sides(origin, _less(_log(margins.destination), found))


def _log(margin: Array) -> Array:
    return jnp.where(margin > 0, jnp.log(jnp.where(margin > 0, margin, 1)), -jnp.inf)


def _less(wanted: Array, found: Array) -> Array:
    """Their difference; −∞ where nothing is wanted or no pair is there to give it."""
    known = jnp.isfinite(wanted) & jnp.isfinite(found)
    return jnp.where(known, jnp.where(known, wanted, 0) - jnp.where(known, found, 0), -jnp.inf)


def _polished(log_kernel: Array, margins: Sides, at: Sides, found: Scaling, tolerance: Array) -> _Solution:
    """Rounds of sweeps in float64 until the margins are met, each but the first after a Newton step."""

    def round_(at: Sides, sweeps: Array, steps: Array) -> _Round:
        fine = _sweeps(_table(log_kernel, at), margins, tolerance, found.power)
        at = _absorbed(at, fine)
        # Made again rather than scaled: the exponential costs less than a second pass over memory.
        table = _table(log_kernel, at)
        return _Round(at, table, *_residual(table, margins), sweeps + fine.done, steps)

    def going(now: _Round) -> Array:
        return (now.steps < _MOST_NEWTON) & (now.error > tolerance)

    def newton(now: _Round) -> _Round:
        move = effects.roughly(now.table, now.left, jnp.asarray(1e-4))
        length = jnp.minimum(1.0, _LONGEST / jnp.maximum(_largest(move), _LONGEST))
        there = Sides(now.at.origin + length * move.origin, now.at.destination + length * move.destination)
        return round_(there, now.sweeps, now.steps + 1)

    end = jax.lax.while_loop(going, newton, round_(at, found.done, jnp.zeros((), int)))
    return end.at, end.table, (end.error, end.sweeps, end.steps)


class _Round(NamedTuple):
    """Where the rounds in float64 are: potentials, their table, what its margins lack, and how much has been done."""

    at: Sides
    table: Array
    left: Sides
    error: Array
    sweeps: Array
    steps: Array


def _residual(table: Array, margins: Sides) -> tuple[Sides, Array]:
    """What the table's margins lack, and the largest part of it, relative."""
    ones = Sides(jnp.ones_like(margins.origin), jnp.ones_like(margins.destination))
    left = Sides(margins.origin - table @ ones.destination, margins.destination - ones.origin @ table)
    errors = (over(jnp.abs(left.origin), margins.origin), over(jnp.abs(left.destination), margins.destination))
    return left, jnp.max(jnp.concatenate(errors))


_LONGEST = 2.0
"""Longest change of a potential in a Newton step."""


def _largest(move: Sides) -> Array:
    return jnp.maximum(jnp.max(jnp.abs(move.origin)), jnp.max(jnp.abs(move.destination)))
