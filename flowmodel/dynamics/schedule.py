"""Values over the years of a run: multipliers of birth and death rates, and shifts of parameters.

A path names years and values; between them it is linear. Births and deaths have paths of their own. A further path is
one entry of `SHIFTS`: its name in `[model.schedule]` and the parameter to which its value of the year is added.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Model
from flowmodel.errors import ConfigError
from flowmodel.parameters.registry import Parameters

SHIFTS: dict[str, str] = {}
"""The parameter that a path shifts, by the name of the path; one of those that the pair kernel does not use."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Calendar:
    """Multipliers of birth and death rates, and shifts by path, one value a year."""

    births: Float[Array, "*year"]
    deaths: Float[Array, "*year"]
    shifts: Mapping[str, Float[Array, "*year"]] = dataclasses.field(default_factory=dict)


def calendar(model: Model, years: tuple[int, int]) -> Calendar:
    """The values of every year from `years[0]` up to the one before `years[1]`, from the paths of the configuration.

    Raises:
        ConfigError: E-SCHEDULE, `[model.schedule]` names a path that does not exist.
    """
    unknown = sorted(set(model.schedule) - set(SHIFTS))
    if unknown:
        raise ConfigError("E-SCHEDULE", f"[model.schedule] has no path {unknown}", f"choose among {sorted(SHIFTS)}")
    births, deaths = (over_years(path, years, 1.0) for path in (model.natural.birth_path, model.natural.death_path))
    shifts = {name: jnp.asarray(over_years(path, years, 0.0)) for name, path in model.schedule.items()}
    return Calendar(jnp.asarray(births), jnp.asarray(deaths), shifts)


def over_years(points: Mapping[int, float], years: tuple[int, int], default: float) -> np.ndarray:
    """The value of each year from `years[0]` up to the one before `years[1]`: that of the middle of the year.

    Linear between the years named in `points`, constant beyond them, `default` where none is named.
    """
    middles = np.arange(years[0], years[1]) + 0.5
    if not points:
        return np.full(len(middles), default)
    known = sorted(points)
    return np.asarray(np.interp(middles, known, [points[year] for year in known]))


def shifted(parameters: Parameters, calendar: Calendar) -> Parameters:
    """The parameters of one year."""
    changed = {SHIFTS[name]: getattr(parameters, SHIFTS[name]) + value for name, value in calendar.shifts.items()}
    return dataclasses.replace(parameters, **changed) if changed else parameters
