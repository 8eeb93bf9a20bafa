"""The twin's worlds, and what the product takes in their place."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import twin

from flowmodel.dynamics.residents.zones import Zones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import distance
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.dense import Pairs
from flowmodel.parameters.registry import Parameters

NOISE = twin.Noise()
PLAIN = twin.random_world(1, 60)
HARD = twin.random_world(2, 60, empty_zone=True, near_pair=True, lone_zone=True)
WORLDS = {"plain": PLAIN, "hard": HARD}
# An empty zone has no log growth, so the product's objective is asked of a world without one.
LIVED_IN = twin.random_world(2, 60, near_pair=True, lone_zone=True)


def parameters_of(world: twin.World) -> twin.Parameters:
    return twin.random_parameters(world, 3)


def country_of(world: twin.World, dtype: type = np.float64) -> tuple[Zones, Pairs, Calendar]:
    """All that the product takes besides the parameters, its pairs in the given precision."""
    zones = Zones(**{field.name: jnp.asarray(getattr(world, field.name)) for field in dataclasses.fields(Zones)})
    place = Place(
        index=jnp.arange(len(world.population), dtype=jnp.int32),
        province=jnp.asarray(world.province, jnp.int32),
        prefecture=jnp.asarray(world.prefecture, jnp.int32),
        east=jnp.asarray(world.east),
    )
    position = (jnp.asarray(value) for value in (world.lon, world.lat, world.offset_km))
    pairs = Pairs(distance.log_distance_matrix(*position, dtype), place)
    return zones, pairs, Calendar(jnp.asarray(world.births_path), jnp.asarray(world.deaths_path))


def product_parameters(parameters: twin.Parameters) -> Parameters:
    noise = {"noise": jnp.asarray(NOISE.sigma_0), "noise_size": jnp.asarray(NOISE.sigma_1)}
    given = {name: jnp.asarray(value) for name, value in parameters.items()}
    borders = ("other_province", "same_prefecture", "divide_east_west", "divide_west_east")
    barriers = {name: given.pop(name) for name in borders}
    return Parameters(decay=given.pop("distance")[None], barriers=barriers, **given, **noise)
