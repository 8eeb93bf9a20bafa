"""Values over years: the multipliers of yearly rates that a configuration declares as paths."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Natural


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Calendar:
    """Multipliers of yearly rates, by the name of the rate: of every year of a run, or of one year of it.

    The rules of a year ask for "birth", "death", "departure", "return" and "conversion".
    """

    multipliers: dict[str, Float[Array, "*year"]]

    def of(self, rate: str) -> Float[Array, "*year"] | float:
        """The multiplier of a rate; 1 if the configuration has no path for it."""
        return self.multipliers.get(rate, 1.0)

    @property
    def years(self) -> int:
        """Number of years."""
        return len(self.multipliers["birth"])

    def at(self, number: int | Array) -> Calendar:
        """The multipliers of one year, counted from zero."""
        one: Calendar = jax.tree.map(lambda path: path[number], self)
        return one


def calendar(natural: Natural, years: tuple[int, int]) -> Calendar:
    """The multipliers of every year of a run, from the paths of `[model.natural]`: NAME_path is the rate NAME's."""
    return Calendar({name.removesuffix("_path"): jnp.asarray(path(points, years)) for name, points in natural})


def path(points: Mapping[int, float], years: tuple[int, int]) -> np.ndarray:
    """Multipliers of a rate for each year from `years[0]` up to the one before `years[1]`.

    Linear between the years named in `points`, constant before the first and after the last, 1 where none is named. A
    year's multiplier is the value in the middle of the year.
    """
    middles = np.arange(years[0], years[1]) + 0.5
    if not points:
        return np.ones(len(middles))
    known = sorted(points)
    return np.asarray(np.interp(middles, known, [points[year] for year in known]))
