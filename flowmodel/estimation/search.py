"""The search: Adam from the start, then L-BFGS to convergence in coordinates whitened by the Hessian.

The measure of convergence does not depend on units: the length of the remaining Newton step in the metric of the
Hessian, √(gᵀ H⁻¹ g), which is that step in standard errors. A fit has converged when it is below the tolerance and
the Hessian is positive definite.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.config import Fit
from flowmodel.estimation.posterior import Posterior

Verdict = Literal["converged", "max_steps", "diverged", "nonfinite"]
Progress = Callable[[str, int, int, float], None]
"""progress(stage, steps done, steps at most, value)."""

_CHUNK = 5
"""Steps between two looks at the state: often enough for a progress bar, seldom enough to cost nothing."""
_ROUND_STEPS = 20
"""Steps after which the coordinates are whitened anew; a Hessian costs about as much as thirty steps."""
_LBFGS = optax.lbfgs(memory_size=10)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Where a search ended: natural values, objective, remaining step in standard errors, and the path of the value.

    `derivatives` are the first and second ones there, by natural values, if the search has them.
    """

    natural: np.ndarray
    value: float
    remaining: float
    verdict: Verdict
    steps: int
    trace: tuple[float, ...]
    derivatives: tuple[np.ndarray, np.ndarray] | None = None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Scaled:
    """The objective over unconstrained coordinates in which a unit is about one prior standard deviation."""

    objective: Posterior
    origin: Float[Array, " free"]
    scale: Float[Array, " free"]

    def natural(self, point: Float[Array, " free"]) -> Float[Array, " free"]:
        """Natural values at `point`."""
        return self.objective.registry.natural(self.origin + self.scale * point)

    def __call__(self, point: Float[Array, " free"]) -> Float[Array, ""]:
        """The objective at `point`."""
        return self.objective(self.natural(point))


def search(objective: Posterior, start: Float[Array, " free"], fit: Fit, progress: Progress) -> Outcome:
    """Minimises `objective` over the free parameters' natural values, from `start` (natural)."""
    scaled = scaled_at(objective, start)
    point, adam_trace = _adam(scaled, fit, progress)
    point, remaining, lbfgs_trace, found = newton_like(scaled, point, fit, progress)
    trace = (*adam_trace, *lbfgs_trace)
    return Outcome(
        natural=np.asarray(scaled.natural(point)),
        value=trace[-1] if trace else float("nan"),
        remaining=remaining,
        verdict=verdict_of(remaining, trace, fit),
        steps=len(trace),
        trace=trace,
        derivatives=found,
    )


def scaled_at(objective: Posterior, start: Float[Array, " free"]) -> Scaled:
    """The objective in the coordinates of a search that begins at natural values."""
    registry = objective.registry
    origin = registry.unconstrained(start)
    slope = jax.jvp(registry.natural, (origin,), (jnp.ones_like(origin),))[1]
    return Scaled(objective, origin, registry.prior_sds() / slope)


def verdict_of(remaining: float, trace: tuple[float, ...], fit: Fit) -> Verdict:
    """How a search ended that has this step left, in standard errors."""
    if not np.isfinite(trace).all():
        return "nonfinite"
    if remaining <= fit.tolerance:
        return "converged"
    return "diverged" if trace and trace[-1] > trace[0] else "max_steps"


def _adam(scaled: Scaled, fit: Fit, progress: Progress) -> tuple[Array, list[float]]:
    """Adam's best point, and the value at every step; stops at the last good point if a value is not finite."""
    point = jnp.zeros_like(scaled.origin)
    carry, best = (point, optax.adam(fit.adam_rate).init(point)), (np.inf, point)
    trace: list[float] = []
    while len(trace) < fit.adam_steps:
        carry, (values, points) = _adam_chunk(scaled, carry, fit.adam_rate)
        trace.extend(np.asarray(values).tolist())
        if not np.isfinite(trace[-_CHUNK:]).all():
            break
        lowest = int(np.argmin(values))
        best = min(best, (float(values[lowest]), points[lowest]), key=lambda pair: pair[0])
        progress("adam", len(trace), fit.adam_steps, trace[-1])
    return best[1], trace


@partial(runtime.program, static_argnums=2)
def _adam_chunk(scaled: Scaled, carry: tuple[Array, Any], rate: float) -> tuple[tuple[Array, Any], tuple[Array, Array]]:
    method = optax.adam(rate)

    def step(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], tuple[Array, Array]]:
        point, state = carry
        value, gradient = jax.value_and_grad(scaled)(point)
        with _optax_arithmetic():
            updates, state = method.update(gradient, state)
        return (optax.apply_updates(point, updates), state), (value, point)

    return jax.lax.scan(step, carry, None, length=_CHUNK)


def newton_like(
    scaled: Scaled, point: Array, fit: Fit, progress: Progress
) -> tuple[Array, float, list[float], tuple[np.ndarray, np.ndarray] | None]:
    """L-BFGS in whitened coordinates, whitened anew while it moves; (point, remaining step, values, derivatives).

    A parameter that is pushed against its bound is held there: it takes no part in the coordinates or in convergence.
    """
    registry = scaled.objective.registry
    trace: list[float] = []
    while True:
        gradient, hessian = map(np.asarray, gradient_and_hessian(scaled, point))
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all() and np.isfinite(trace).all()):
            return point, np.inf, [*trace, np.nan], None
        natural, slope = jax.jvp(scaled.natural, (point,), (jnp.ones_like(point),))
        whitener, definite = whitened(hessian, ~registry.held(natural, gradient / np.asarray(slope)))
        remaining = float(np.linalg.norm(whitener.T @ gradient)) if definite else np.inf
        if remaining <= fit.tolerance or len(trace) >= fit.lbfgs_steps:
            return point, remaining, trace, by_natural(scaled, point, gradient, hessian)
        steps = min(_ROUND_STEPS, fit.lbfgs_steps - len(trace))
        point, values, _ = descend(scaled, point, jnp.asarray(whitener), steps, fit.tolerance)
        trace.extend(values)
        progress("l-bfgs", len(trace), fit.lbfgs_steps, trace[-1])


@runtime.program
def gradient_and_hessian(function: Scaled | Posterior, point: Array) -> tuple[Array, Array]:
    """First and second derivatives, forward over reverse, one direction after another: memory stays that of one."""

    def gradient(point: Array) -> Array:
        slope: Array = jax.grad(function)(point)
        return slope

    def column(direction: Array) -> Array:
        tangent: Array = jax.jvp(gradient, (point,), (direction,))[1]
        return tangent

    return gradient(point), jax.lax.map(column, jnp.eye(len(point), dtype=point.dtype))


def descend(
    scaled: Scaled, anchor: Array, whitener: Array, most: int, tolerance: float
) -> tuple[Array, list[float], float]:
    """Up to `most` steps of L-BFGS from `anchor`; stops where the slope is flat, or no step makes progress.

    Returns (point, values, slope before the last step in whitened coordinates).
    """
    slope = np.inf
    where = jnp.zeros_like(anchor)
    # Optax's first state has weak types, its later ones do not: left as it is, everything would be compiled twice.
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=leaf.dtype), _LBFGS.init(where))
    trace: list[float] = []
    while len(trace) < most:
        ahead, state, values, slopes = _lbfgs_chunk(scaled, anchor, whitener, where, state)
        trace.extend(np.asarray(values).tolist())
        if not np.isfinite(np.asarray(ahead)).all() or not np.isfinite(trace[-_CHUNK:]).all():
            break
        moved = float(jnp.linalg.norm(ahead - where))
        where, slope = ahead, float(slopes[-1])
        if slope < tolerance / 2 or moved < tolerance / 10:
            break
    return anchor + whitener @ where, trace, slope


@runtime.program
def _lbfgs_chunk(
    scaled: Scaled, anchor: Array, whitener: Array, where: Array, state: Any
) -> tuple[Array, Any, Array, Array]:
    def white(step: Array) -> Array:
        return scaled(anchor + whitener @ step)

    value_and_grad = optax.value_and_grad_from_state(white)

    def step(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], tuple[Array, Array]]:
        where, state = carry
        value, slope = value_and_grad(where, state=state)
        with _optax_arithmetic():
            updates, state = _LBFGS.update(slope, state, where, value=value, grad=slope, value_fn=white)
        return (optax.apply_updates(where, updates), state), (value, jnp.linalg.norm(slope))

    (where, state), (values, slopes) = jax.lax.scan(step, (where, state), None, length=_CHUNK)
    return where, state, values, slopes


@contextlib.contextmanager
def _optax_arithmetic() -> Iterator[None]:
    """Optax mixes its integer step count with floats; where promotion is strict, it is let loose for optax alone."""
    with jax.numpy_dtype_promotion("standard"):
        yield


def whitened(hessian: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, bool]:
    """W with W Wᵀ ≈ H⁻¹ over the parameters off their bounds, zero elsewhere, and whether H is positive definite there.

    Definite means to float64's digits, on the scale of H's own diagonal.
    """
    kept = np.ix_(inside, inside)
    diagonal = np.sqrt(np.maximum(np.abs(np.diag(hessian[kept])), 1e-12))
    values, vectors = np.linalg.eigh(hessian[kept] / np.outer(diagonal, diagonal))
    floor = 1e-10 * values[-1]
    whitener = np.zeros_like(hessian)
    whitener[kept] = vectors / np.sqrt(np.maximum(np.abs(values), floor)) / diagonal[:, None]
    return whitener, bool(values[0] > floor)


def derivatives(objective: Posterior, natural: Float[Array, " free"]) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivatives by natural values, through the coordinates of a search.

    That program is compiled already; one over natural values would be compiled for this alone.
    """
    origin = objective.registry.unconstrained(natural)
    scaled, zeros = Scaled(objective, origin, jnp.ones_like(origin)), jnp.zeros_like(origin)
    return by_natural(scaled, zeros, *map(np.asarray, gradient_and_hessian(scaled, zeros)))


def by_natural(
    scaled: Scaled, point: Array, gradient: np.ndarray, hessian: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by the coordinates of a search as derivatives by natural values."""
    ones = jnp.ones_like(point)

    def slope(at: Array) -> Array:
        along: Array = jax.jvp(scaled.natural, (at,), (ones,))[1]
        return along

    steep, bend = map(np.asarray, jax.jvp(slope, (point,), (ones,)))
    slopes = gradient / steep
    return slopes, (hessian - np.diag(slopes * bend)) / np.outer(steep, steep)
