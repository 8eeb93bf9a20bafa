"""The search for an optimum: Adam from the start, then L-BFGS in coordinates whitened by the Hessian.

A search has converged if the Hessian H is positive definite and the remaining Newton step, √(gᵀ H⁻¹ g) with the
gradient g, is below the tolerance. This step is in standard errors, so it does not depend on units.
"""

import dataclasses
from collections.abc import Callable
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
"""Steps in one compiled call; progress is reported and convergence checked between calls."""
_ROUND_STEPS = 20
"""Steps after which the coordinates are whitened with a new Hessian, which costs about as much as thirty steps."""
_LBFGS = optax.lbfgs(memory_size=10)
_optax_arithmetic = partial(jax.numpy_dtype_promotion, "standard")
"""Allows implicit promotion of types inside optax, which mixes its integer step count with floats."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of a search: natural values, objective, remaining step in standard errors, and the objective by step.

    `derivatives` are the gradient and Hessian by natural values at the end, if the search computed them.
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
    """The objective as a function of unconstrained coordinates in units of about one prior standard deviation."""

    objective: Posterior
    origin: Float[Array, " free"]
    scale: Float[Array, " free"]

    def natural(self, point: Float[Array, " free"]) -> Float[Array, " free"]:
        """Natural values at `point`."""
        return self.objective.registry.natural(self.origin + self.scale * point)

    def slope(self, point: Float[Array, " free"]) -> Float[Array, " free"]:
        """Derivative of each natural value by its coordinate."""
        slope: Array = jax.jvp(self.natural, (point,), (jnp.ones_like(point),))[1]
        return slope

    def __call__(self, point: Float[Array, " free"]) -> Float[Array, ""]:
        """The objective at `point`."""
        return self.objective(self.natural(point))


def search(objective: Posterior, start: Float[Array, " free"], fit: Fit, progress: Progress) -> Outcome:
    """Minimises `objective` over the free parameters from the natural values `start`."""
    scaled = scaled_at(objective, start)
    point, adam_trace = _adam(scaled, fit, progress)
    point, remaining, lbfgs_trace, found = newton_like(scaled, point, fit, progress)
    return outcome(scaled, point, remaining, (*adam_trace, *lbfgs_trace), fit, found)


def scaled_at(objective: Posterior, start: Float[Array, " free"]) -> Scaled:
    """The objective in the coordinates of a search that begins at natural values."""
    origin = objective.registry.unconstrained(start)
    unscaled = Scaled(objective, origin, jnp.ones_like(origin))
    return Scaled(objective, origin, objective.registry.prior_sds() / unscaled.slope(jnp.zeros_like(origin)))


def outcome(
    scaled: Scaled,
    point: Array,
    remaining: float,
    trace: tuple[float, ...],
    fit: Fit,
    derivatives: tuple[np.ndarray, np.ndarray] | None = None,
) -> Outcome:
    """The result of a search that ends at `point`, with its verdict."""
    verdict: Verdict = "converged" if remaining <= fit.tolerance else "max_steps"
    if not np.isfinite(trace).all():
        verdict = "nonfinite"
    elif verdict == "max_steps" and trace and trace[-1] > trace[0]:
        verdict = "diverged"
    value = trace[-1] if trace else float("nan")
    return Outcome(np.asarray(scaled.natural(point)), value, remaining, verdict, len(trace), trace, derivatives)


def _adam(scaled: Scaled, fit: Fit, progress: Progress) -> tuple[Array, list[float]]:
    """The best point that Adam finds, and the objective at every step; stops if a value is not finite."""
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
    """L-BFGS in coordinates that are whitened repeatedly; returns point, remaining step, values, derivatives.

    A parameter at its bound whose gradient points outwards stays there and does not count for convergence.
    """
    registry = scaled.objective.registry
    trace: list[float] = []
    while True:
        gradient, hessian = map(np.asarray, gradient_and_hessian(scaled, point))
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all() and np.isfinite(trace).all()):
            return point, np.inf, [*trace, np.nan], None
        slope = np.asarray(scaled.slope(point))
        whitener, definite = whitened(hessian, ~registry.at_bound(scaled.natural(point), gradient / slope))
        remaining = float(np.linalg.norm(whitener.T @ gradient)) if definite else np.inf
        if remaining <= fit.tolerance or len(trace) >= fit.lbfgs_steps:
            return point, remaining, trace, by_natural(scaled, point, gradient, hessian)
        steps = min(_ROUND_STEPS, fit.lbfgs_steps - len(trace))
        point, values, _ = descend(scaled, point, jnp.asarray(whitener), steps, fit.tolerance)
        trace.extend(values)
        progress("l-bfgs", len(trace), fit.lbfgs_steps, trace[-1])


@runtime.program
def gradient_and_hessian(function: Scaled | Posterior, point: Array) -> tuple[Array, Array]:
    """Gradient and Hessian, forward over reverse mode, one column after another to limit memory."""
    gradient: Callable[[Array], Array] = jax.grad(function)

    def column(direction: Array) -> Array:
        tangent: Array = jax.jvp(gradient, (point,), (direction,))[1]
        return tangent

    return gradient(point), jax.lax.map(column, jnp.eye(len(point), dtype=point.dtype))


def descend(
    scaled: Scaled, anchor: Array, whitener: Array, most: int, tolerance: float
) -> tuple[Array, list[float], float]:
    """Up to `most` steps of L-BFGS from `anchor`; stops where the gradient is small, or steps become tiny.

    Returns point, values, and the norm of the gradient before the last step in whitened coordinates.
    """
    slope = np.inf
    where = jnp.zeros_like(anchor)
    # Optax's initial state has weak types, unlike later states; without this conversion JAX would compile twice.
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


def whitened(hessian: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, bool]:
    """W with W Wᵀ ≈ H⁻¹ over the parameters not at a bound, zero elsewhere, and whether H is positive definite there.

    Definiteness is judged within float64's precision, after scaling H's diagonal to one.
    """
    kept = np.ix_(inside, inside)
    diagonal = np.sqrt(np.maximum(np.abs(np.diag(hessian[kept])), 1e-12))
    values, vectors = np.linalg.eigh(hessian[kept] / np.outer(diagonal, diagonal))
    floor = 1e-10 * values[-1]
    whitener = np.zeros_like(hessian)
    whitener[kept] = vectors / np.sqrt(np.maximum(np.abs(values), floor)) / diagonal[:, None]
    return whitener, bool(values[0] > floor)


def derivatives(objective: Posterior, natural: Float[Array, " free"]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian by natural values, computed in the coordinates of a search to reuse its compiled program."""
    origin = objective.registry.unconstrained(natural)
    scaled, zeros = Scaled(objective, origin, jnp.ones_like(origin)), jnp.zeros_like(origin)
    return by_natural(scaled, zeros, *map(np.asarray, gradient_and_hessian(scaled, zeros)))


def by_natural(
    scaled: Scaled, point: Array, gradient: np.ndarray, hessian: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian by natural values from those by the coordinates of a search."""
    slope, bend = map(np.asarray, jax.jvp(scaled.slope, (point,), (jnp.ones_like(point),)))
    slopes = gradient / slope
    return slopes, (hessian - np.diag(slopes * bend)) / np.outer(slope, slope)
