"""Births and deaths of a year, from the zones' rates of the start and their declared paths."""

from jaxtyping import Array, Float


def births(
    population: Float[Array, " zone"],
    rate: Float[Array, " zone"],
    multiplier: Float[Array, ""],
    adjustment: Float[Array, ""],
) -> Float[Array, " zone"]:
    """Births of a year, persons: n_i b_i m_t ν."""
    return population * rate * multiplier * adjustment


def deaths(
    population: Float[Array, " zone"], rate: Float[Array, " zone"], multiplier: Float[Array, ""]
) -> Float[Array, " zone"]:
    """Deaths of a year, persons: n_i d_i m_t."""
    return population * rate * multiplier
