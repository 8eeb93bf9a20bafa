"""Refits that start at a known optimum: with fewer observations, or with a parameter fixed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Fit
from flowmodel.estimation import search
from flowmodel.estimation.posterior import Posterior
from flowmodel.estimation.search import Outcome, Progress, Scaled


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Anchor:
    """Start and coordinates (see `Scaled`) of searches of an objective that differs little.

    A parameter at its bound stays there: its row of `whitener` is zero.
    """

    origin: Float[Array, " free"]
    scale: Float[Array, " free"]
    point: Float[Array, " free"]
    whitener: Float[Array, "free free"]


def anchored(objective: Posterior, natural: Float[Array, " free"]) -> Anchor:
    """The optimum of `objective` at `natural`, for searches of the same objective with fewer observations."""
    registry = objective.registry
    scaled = search.scaled_at(objective, registry.prior_centres())
    point = (registry.unconstrained(natural) - scaled.origin) / scaled.scale
    gradient, hessian = map(np.asarray, search.gradient_and_hessian(scaled, point))
    whitener, _ = search.whitened(hessian, ~registry.at_bound(natural, gradient / np.asarray(scaled.slope(point))))
    return Anchor(scaled.origin, scaled.scale, point, jnp.asarray(whitener))


def from_anchor(objective: Posterior, anchor: Anchor, fit: Fit, progress: Progress) -> Outcome:
    """Minimises `objective` from `anchor`, in its coordinates; a new Hessian is computed only if it does not converge.

    The remaining step is in standard errors of the anchor's objective.
    """
    scaled = Scaled(objective, anchor.origin, anchor.scale)
    point, trace, remaining = search.descend(scaled, anchor.point, anchor.whitener, fit.lbfgs_steps, fit.tolerance)
    if not remaining <= fit.tolerance:
        point, remaining, more, _ = search.newton_like(scaled, point, fit, progress)
        trace += more
    return search.outcome(scaled, point, remaining, tuple(trace), fit)


def constrained(
    objective: Posterior, natural: np.ndarray, whitener: np.ndarray, most: int, tolerance: float
) -> tuple[np.ndarray, float, int]:
    """Minimises from natural values in given coordinates, without a Hessian and without compiling again.

    Args:
        objective: function to be minimised.
        natural: start; a parameter whose row of `whitener` is zero keeps this value.
        whitener: W with W Wᵀ the covariance of the free parameters, natural units.
        most: largest number of steps.
        tolerance: norm of the gradient in these coordinates at which to stop; the error of the minimum is about half
            its square.

    Returns:
        Natural values, the objective there, and the number of steps.
    """
    origin = objective.registry.unconstrained(jnp.asarray(natural))
    scaled, zeros = Scaled(objective, origin, jnp.ones_like(origin)), jnp.zeros_like(origin)
    coordinates = jnp.asarray(whitener) / scaled.slope(zeros)[:, None]
    point, values, *_ = search.descend(scaled, zeros, coordinates, most, tolerance)
    return np.asarray(scaled.natural(point)), values[-1], len(values)
