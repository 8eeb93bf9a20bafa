"""Townships for the whole model: 41,000 synthetic zones in China's box with borders, covariates and people."""

from typing import Any, NamedTuple

import numpy as np

from benchmarks import case_step

ZONES, QUICK_ZONES = 41_000, 600
OFFSET_KM = 10.0
COVARIATES = 4, 3
VALUES = {
    "mass": 0.9,
    "distance": 1.2,
    "departure_level": -3.9,
    "birth_adjustment": 1.2,
    "noise": 0.1,
    "noise_size": 20.0,
}
BARRIERS = {"other_province": 0.6, "same_prefecture": 0.5, "divide_east_west": 0.5, "divide_west_east": 0.3}
PROVINCES, PREFECTURES = 31, 340


class Townships(NamedTuple):
    """The arguments of a year except the operator, and the positions that the operator is made from."""

    parameters: Any
    zones: Any
    calendar: Any
    place: Any
    lon: np.ndarray
    lat: np.ndarray


def townships(zones: int) -> Townships:
    """The case of so many zones: positions and people of `case_step`, provinces and prefectures by longitude."""
    import jax.numpy as jnp

    from flowmodel.dynamics.residents.zones import Zones
    from flowmodel.dynamics.schedule import Calendar
    from flowmodel.gravity.barriers import Place
    from flowmodel.parameters.registry import Parameters

    case, draw = case_step.step(zones), np.random.default_rng(1)
    lon, lat = case.degrees
    rank = np.argsort(np.argsort(lon))
    province, prefecture = (jnp.asarray(rank * count // zones, jnp.int32) for count in (PROVINCES, PREFECTURES))
    place = Place(jnp.arange(zones, dtype=jnp.int32), province, prefecture, jnp.asarray(lat < 50 - (124 - lon) * 0.9))
    attraction, departure = [jnp.asarray(draw.normal(size=(zones, count))) for count in COVARIATES]
    births, deaths = (jnp.asarray(draw.uniform(low, high, zones)) for low, high in ((0.006, 0.018), (0.004, 0.009)))
    slopes = [jnp.asarray(draw.normal(0, 0.2, count)) for count in COVARIATES]
    scalars = {name: jnp.asarray(value) for name, value in VALUES.items()}
    decay = scalars.pop("distance")[None]
    barriers = {name: jnp.asarray(value) for name, value in BARRIERS.items()}
    parameters = Parameters(**scalars, decay=decay, barriers=barriers, attraction=slopes[0], departure=slopes[1])
    people = jnp.asarray(case.mass.astype(float))
    calendar = Calendar(jnp.ones(1), jnp.ones(1))
    zoned = Zones(people, births, deaths, attraction, departure)
    return Townships(parameters, zoned, calendar, place, lon, lat)


def programs(case: Townships, tile: int | None = None) -> tuple[Any, Any]:
    """Two calls, in tiles: one year's residents, and the derivative of a sum of them by all parameters."""
    import jax
    import jax.numpy as jnp

    from flowmodel import runtime
    from flowmodel.dynamics.residents import rollout
    from flowmodel.gravity import storage

    stored = storage.choose(storage.Size(len(case.lon), rank=2), jnp.float32, "tiled", tile)
    pairs = storage.pairs(case.lon, case.lat, case.place, OFFSET_KM, jnp.float32, stored)
    weight = jnp.asarray(np.random.default_rng(2).normal(size=len(case.lon)))

    def value(parameters: Any, zones: Any, pairs: Any, calendar: Any) -> Any:
        return jnp.sum(weight * rollout.residents(parameters, zones, pairs, calendar))

    arguments = case.parameters, case.zones, pairs, case.calendar
    step, gradient = runtime.program(value), runtime.program(jax.value_and_grad(value))
    return (
        lambda: jax.block_until_ready(step(*arguments)),
        lambda: jax.block_until_ready(gradient(*arguments)),
    )
