"""Births and deaths of a year, from the zones' rates of the start and their declared paths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Array, Float


def path(points: Mapping[int, float], years: tuple[int, int]) -> np.ndarray:
    """Multipliers of a rate for each year from `years[0]` up to the one before `years[1]`.

    Linear between the years named in `points`, level beyond them, 1 where none is named. A year's multiplier is that
    of its middle.
    """
    middles = np.arange(years[0], years[1]) + 0.5
    if not points:
        return np.ones(len(middles))
    known = sorted(points)
    return np.asarray(np.interp(middles, known, [points[year] for year in known]))


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
