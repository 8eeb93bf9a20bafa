"""Dual potentials of the doubly constrained model: T_od = exp(ln K_od + u_o + v_d) with given row and column sums.

Wilson's (1971) balancing factors are A_o O_o = exp(u_o), B_d D_d = exp(v_d). A first sweep in logarithms prevents
overflow for any kernel. Over-relaxed sweeps of scaling (Sinkhorn & Knopp 1967) follow in float32 and then in float64,
and Newton steps where sweeps converge slowly. Derivatives follow from the implicit function theorem.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.gravity import scaling
from flowmodel.gravity.scaling import Rules, Scaling
from flowmodel.interaction.search import effects
from flowmodel.interaction.search.effects import Sides, ratio

_NEAR_ENOUGH = 0.1
"""Log error of the margins below which sweeps are over-relaxed."""
_MOST_SWEEPS = 200
_MOST_NEWTON = 150
_SINGLE = 2e-6
"""Relative error of a margin that float32 sums can resolve."""
_STALLED = 0.8
"""Ratio of successive errors of sweeps from which Newton steps are faster."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Potentials:
    """The solution and its error.

    Attributes:
        origin: u [o]; −∞ where the margin is zero.
        destination: v [d]; −∞ where the margin is zero.
        flow: the resulting table, persons [o, d].
        error: largest relative error of a margin of that table, computed in float64.
        sweeps: number of sweeps over rows and columns.
        steps: number of Newton steps.
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
    """Potentials with which the kernel has given margins; differentiable in all arguments but the tolerance.

    Args:
        log_kernel: ln K; −∞ for pairs without flow.
        outflow: row sums, persons.
        inflow: column sums, persons, with the same total.
        tolerance: largest relative error of a margin at which to stop.

    Returns:
        Potentials. If zeros of K make the margins impossible, `error` remains above the tolerance.
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
    """Solves E · (du, dv) = change of margins, with E the system of the solution's table (see `effects`)."""
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
    """Potentials with errors of margins within float32's precision."""
    single = jnp.float32
    wanted = Sides(margins.origin.astype(single), margins.destination.astype(single))
    start = _first(log_kernel.astype(single), wanted)
    start = Sides(start.origin.astype(log_kernel.dtype), start.destination.astype(log_kernel.dtype))
    # Sums of logarithms are in float64; in float32 they would cause relative errors of 1e-6 in the table.
    table = jnp.exp((log_kernel + start.origin[:, None] + start.destination[None, :]).astype(single))
    found = _sweeps(table, wanted, jnp.maximum(tolerance, _SINGLE).astype(single), jnp.ones((), single))
    return _absorbed(start, found), found


def _absorbed(at: Sides, scale: Scaling) -> Sides:
    """Potentials plus the logarithms of scaling factors."""

    def more(one: Array, by: Array) -> Array:
        return one + jnp.log(jnp.where(by > 0, by, 1)).astype(one.dtype)

    return Sides(more(at.origin, scale.rows), more(at.destination, scale.columns))


def _sweeps(table: Array, wanted: Sides, close: Array, power: Array) -> Scaling:
    """Scaling factors of rows and columns after sweeps until the error is below `close` or decreases slowly."""

    def going(now: Scaling) -> Array:
        stalled = (now.error > _STALLED * now.before) & (now.power > 1)
        return (now.done < _MOST_SWEEPS) & (now.error > close) & ~stalled

    rules = Rules(_relaxation, _power, ratio, lambda ratio, _: _error(ratio), going)
    begin = scaling.start(wanted.origin, wanted.destination, power)
    return scaling.fitted(begin, wanted.origin, wanted.destination, lambda y: table @ y, lambda x: x @ table, rules)


def _relaxation(now: Scaling) -> Array:
    """The exponent of over-relaxation: 1 until two plain sweeps near the solution show the rate of convergence.

    If a plain sweep reduces the error to the part η, the exponent is 2 / (1 + √(1 − η)) (Thibault et al. 2021,
    Algorithms 14(5), 143), and later sweeps reduce it to about the exponent less one.
    """
    rate = jnp.minimum(now.error / now.before, 0.98)
    known = (now.before < _NEAR_ENOUGH) & (now.power == 1)
    return jnp.where(known, 2 / (1 + jnp.sqrt(1 - rate)), now.power).astype(now.power.dtype)


def _power(ratio: Array, power: Array) -> Array:
    return jnp.exp(power * jnp.log(jnp.where(ratio > 0, ratio, 1)))


def _error(ratio: Array) -> Array:
    """Largest relative error of a margin from ratios of given to present margins; zero for margins of zero."""
    return jnp.max(jnp.abs(jnp.log(jnp.where(ratio > 0, ratio, 1))))


def _first(log_kernel: Array, margins: Sides) -> Sides:
    """One sweep over rows and columns in logarithms, which cannot over- or underflow."""
    wanted = Sides(jnp.log(margins.origin), jnp.log(margins.destination))
    origin = _less(wanted.origin, jax.nn.logsumexp(log_kernel + wanted.destination[None, :], axis=1))
    found = jax.nn.logsumexp(log_kernel + origin[:, None], axis=0)
    return Sides(origin, _less(wanted.destination, found))


def _less(wanted: Array, found: Array) -> Array:
    """The difference; −∞ where the given margin is zero or no pair can have a flow."""
    known = jnp.isfinite(wanted) & jnp.isfinite(found)
    return jnp.where(known, jnp.where(known, wanted, 0) - jnp.where(known, found, 0), -jnp.inf)


def _polished(log_kernel: Array, margins: Sides, at: Sides, found: Scaling, tolerance: Array) -> _Solution:
    """Rounds of sweeps in float64 until the error is below the tolerance; a Newton step precedes all but the first."""

    def round_(at: Sides, sweeps: Array, steps: Array) -> _Round:
        fine = _sweeps(_table(log_kernel, at), margins, tolerance, found.power)
        at = _absorbed(at, fine)
        # Computing the exponential again takes less time than scaling, which needs a second pass over memory.
        table = _table(log_kernel, at)
        return _Round(at, table, *_residual(table, margins), sweeps + fine.done, steps)

    def going(now: _Round) -> Array:
        return (now.steps < _MOST_NEWTON) & (now.error > tolerance)

    def newton(now: _Round) -> _Round:
        move = effects.solve_roughly(now.table, now.left, jnp.asarray(1e-4))
        length = jnp.minimum(1.0, _LONGEST / jnp.maximum(effects.largest(move), _LONGEST))
        there = Sides(now.at.origin + length * move.origin, now.at.destination + length * move.destination)
        return round_(there, now.sweeps, now.steps + 1)

    end = jax.lax.while_loop(going, newton, round_(at, found.done, jnp.zeros((), int)))
    return end.at, end.table, (end.error, end.sweeps, end.steps)


class _Round(NamedTuple):
    """State of the rounds in float64: potentials, table, residuals of margins, error, and numbers of steps."""

    at: Sides
    table: Array
    left: Sides
    error: Array
    sweeps: Array
    steps: Array


def _residual(table: Array, margins: Sides) -> tuple[Sides, Array]:
    """Given margins less those of the table, and the largest relative one."""
    ones = Sides(jnp.ones_like(margins.origin), jnp.ones_like(margins.destination))
    left = Sides(margins.origin - table @ ones.destination, margins.destination - ones.origin @ table)
    errors = (ratio(jnp.abs(left.origin), margins.origin), ratio(jnp.abs(left.destination), margins.destination))
    return left, jnp.max(jnp.concatenate(errors))


_LONGEST = 2.0
"""Largest change of a potential in a Newton step."""
