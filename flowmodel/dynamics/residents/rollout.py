"""Many years under `lax.scan`: residents at the end, or every year's residents and movements."""

import dataclasses
from typing import Any

import jax
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.dynamics.residents.year import Movements, year
from flowmodel.dynamics.residents.zones import Zones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import operator as kernel
from flowmodel.gravity import pair
from flowmodel.gravity.adjoint import through_strengths
from flowmodel.gravity.operator import AllPairs, Strength, Taps
from flowmodel.parameters.registry import Parameters


def residents(parameters: Parameters, zones: Zones, pairs: AllPairs, years: Calendar) -> Float[Array, " zone"]:
    """Residents after the last year, persons; differentiable in the parameters at 2 to 3 times its own cost."""

    def run(strengths: tuple[Strength], taps: tuple[Taps], rest: Any) -> Float[Array, " zone"]:
        parameters, zones, years, tilt = rest
        operator = kernel.tilted(strengths[0], tilt)

        def step(population: Array, this: tuple[Calendar, Taps]) -> tuple[Array, None]:
            tapped = dataclasses.replace(operator, taps=this[1])
            return year(parameters, zones, tapped, population, this[0])[0], None

        end: Array = jax.lax.scan(step, zones.population, (years, taps[0]))[0]
        return end

    place = pairs.place
    tap = kernel.no_factors(len(place.index), pairs.dtype, len(years.births))
    rest = (parameters, zones, years, pair.tilt(parameters, place))
    end: Array = through_strengths(run, (0,))(pair.coefficients(parameters)[None], pairs, ((tap, tap),), rest)
    return end


@runtime.program
def history(
    parameters: Parameters, zones: Zones, pairs: AllPairs, years: Calendar
) -> tuple[Float[Array, "year zone"], Movements]:
    """Residents at the end of every year [year, zone], persons, and the movements of every year."""
    operator = kernel.build(parameters, pairs)

    def step(population: Array, this: Calendar) -> tuple[Array, tuple[Array, Movements]]:
        after, moved = year(parameters, zones, operator, population, this)
        return after, (after, moved)

    return jax.lax.scan(step, zones.population, years)[1]
