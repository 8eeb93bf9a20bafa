"""Likelihoods of census counts given modelled numbers: negative log densities, summed over zones or pairs."""

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Bool, Float

from flowmodel.estimation.census import Census, log_growth


def growth(
    noise: Float[Array, ""],
    noise_size: Float[Array, ""],
    end: Float[Array, " zone"],
    observed: Census,
    degrees: float,
) -> Float[Array, ""]:
    """Student's t density of log growth with scale √(σ_0² + σ_1²/n), n the residents at the start.

    The heavy tails allow for changes of boundaries; σ_1 allows for larger errors in small zones. Zones without
    residents at either date are left out; they count in the national total.
    """
    people = jnp.where(observed.counted, observed.start, 1.0)
    scale = jnp.sqrt(noise**2 + noise_size**2 / people)
    standard = (log_growth(observed.end, observed) - log_growth(end, observed)) / scale
    constant = gammaln(degrees / 2) - gammaln((degrees + 1) / 2) + jnp.log(degrees * jnp.pi) / 2
    density = constant + jnp.log(scale) + (degrees + 1) / 2 * jnp.log1p(standard**2 / degrees)
    return jnp.sum(jnp.where(observed.counted, density, 0.0))


def national_total(end: Float[Array, ""], observed: Float[Array, ""], sd: float) -> Float[Array, ""]:
    """Normal density of the log national total; it determines the adjustment of births."""
    return ((jnp.log(end) - jnp.log(observed)) / sd) ** 2 / 2


def negative_binomial(
    counted: Float[Array, "..."],
    expected: Float[Array, "..."],
    dispersion: Float[Array, ""],
    seen: Bool[Array, "..."],
) -> Float[Array, ""]:
    """Negative binomial density with mean μ and variance μ + κ μ², summed where `seen`; zero counts are allowed."""
    size = 1 / dispersion
    mean = jnp.where(seen, expected, 1.0)
    # A positive count has no density at mean zero, so means are bounded from below.
    mean = jnp.maximum(mean, 1e-12)
    log_choose = gammaln(counted + size) - gammaln(size) - gammaln(counted + 1)
    density = log_choose - size * jnp.log1p(mean / size) + counted * (jnp.log(mean) - jnp.log(mean + size))
    return -jnp.sum(jnp.where(seen, density, 0.0))


def log_normal(counted: Array, expected: Array, sd: float, seen: Bool[Array, "..."]) -> Float[Array, ""]:
    """Normal density of the logarithm of counts, summed where `seen`."""
    error = jnp.log(jnp.where(seen, expected, 1.0)) - jnp.log(jnp.where(seen, counted, 1.0))
    return jnp.sum((error / sd) ** 2) / 2
