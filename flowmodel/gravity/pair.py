"""The rules of one pair of zones: the terms of the logarithm of its strength, and the borders between its zones.

ln S_oj = ln f(d_oj) + Σ_b c_b [border b], the same in both directions. Effects of the direction or of one zone are
factors of zones (`tilt`, `attraction`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from flowmodel.gravity import fastmath
from flowmodel.gravity.barriers import BARRIERS, Place, divide_tilt
from flowmodel.gravity.decay import Law, of_log
from flowmodel.parameters.registry import Parameters

Coefficient = Float[Array, " coefficient"]


def coefficients(parameters: Parameters) -> Float[Array, " coefficient"]:
    """C in ln S_oj = ln f(d_oj; c) + Σ_b c_b [border b]: those of the decay law, then those of the `BARRIERS`."""
    of_borders = [barrier.coefficient(parameters.barriers) for barrier in BARRIERS.values()]
    return jnp.concatenate([-parameters.decay, jnp.stack(of_borders)])


def pair_terms(
    law: Law, coefficient: Coefficient, log_distance: Float[Array, ""], origin: Place, destination: Place
) -> tuple[Float[Array, ""], ...]:
    """φ_k = ∂ ln S_oj / ∂ c_k of ONE pair, in the order of `coefficients`."""
    of_borders = (border.astype(log_distance.dtype) for border in _borders(origin, destination))
    return *_decay_terms(law, coefficient, log_distance), *of_borders


def flow_terms(
    law: Law,
    coefficient: Coefficient,
    flow: Float[Array, ""],
    log_distance: Float[Array, ""],
    origin: Place,
    destination: Place,
) -> tuple[Float[Array, ""], ...]:
    """A flow times φ_k(o, j) of its pair, in the order of `coefficients`."""
    of_decay = (flow * term for term in _decay_terms(law, coefficient, log_distance))
    return *of_decay, *(jnp.where(border, flow, 0) for border in _borders(origin, destination))


def _decay_terms(law: Law, coefficient: Coefficient, log_distance: Float[Array, ""]) -> tuple[Float[Array, ""], ...]:
    of_decay = coefficient.astype(log_distance.dtype)[: -len(BARRIERS)]
    return law.slopes(list(of_decay), of_log(log_distance, fastmath.exp))


def _borders(origin: Place, destination: Place) -> tuple[Bool[Array, ""], ...]:
    return tuple(barrier.between(origin, destination) for barrier in BARRIERS.values())


def log_strength(
    law: Law, coefficient: Coefficient, log_distance: Float[Array, ""], origin: Place, destination: Place
) -> Float[Array, ""]:
    """The logarithm of S_oj, for ONE pair of two zones."""
    of_decay, heights = list(coefficient[: -len(BARRIERS)]), list(coefficient[-len(BARRIERS) :])
    of_borders = zip(heights, _borders(origin, destination), strict=True)
    # `where` rather than a product, since XLA then removes borders that no pair crosses.
    added = [jnp.where(border, c, 0) for c, border in of_borders]
    return sum(added, law.ln(of_decay, of_log(log_distance, fastmath.exp)))


def pair_strength(
    law: Law, coefficient: Coefficient, log_distance: Float[Array, ""], origin: Place, destination: Place
) -> Float[Array, ""]:
    """S_oj of ONE pair; zero for a zone with itself."""
    strength = jnp.exp(log_strength(law, coefficient, log_distance, origin, destination))
    return jnp.where(origin.index != destination.index, strength, jnp.zeros_like(log_distance))


def over_pairs(rule: Callable[[Array, Place, Place], Any]) -> Callable[[Array, Place, Place], Any]:
    """A rule for one pair, f(log_distance, origin, destination), mapped over [origins, destinations]."""
    return jax.vmap(jax.vmap(rule, (0, None, 0)), (0, 0, None))


def tilt(parameters: Parameters, place: Place) -> Float[Array, " zone"]:
    """The log factor of a zone as destination, and minus that as origin: the divide's direction."""
    return divide_tilt(parameters.barriers, place.east)


def attraction(
    population: Float[Array, " zone"],
    mass: Float[Array, ""],
    covariates: Float[Array, "zone attraction"],
    coefficients: Float[Array, " attraction"],
) -> Float[Array, " zone"]:
    """n_j^α exp(x_j·γ), divided by its largest value so that it stays in (0, 1]; zero where nobody lives.

    Destination shares do not depend on the common factor.
    """
    inhabited = population > 0
    log_population = jnp.log(jnp.where(inhabited, population, 1.0))
    log_attraction = mass * log_population + covariates @ coefficients
    largest = jnp.max(jnp.where(inhabited, log_attraction, -jnp.inf))
    return jnp.where(inhabited, jnp.exp(jnp.where(inhabited, log_attraction, 0.0) - largest), 0.0)
