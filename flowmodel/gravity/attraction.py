"""The pull of a destination: its people and its covariates."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def weights(
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
    log_pull = mass * log_population + covariates @ coefficients
    largest = jnp.max(jnp.where(inhabited, log_pull, -jnp.inf))
    return jnp.where(inhabited, jnp.exp(jnp.where(inhabited, log_pull, 0.0) - largest), 0.0)
