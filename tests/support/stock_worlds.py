"""Small random worlds with registration: as the twin takes them, and the same ones as the product takes them."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import stock_twin as twin
from scipy.special import logit

from flowmodel.config import Stock
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.country import Country, country
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import distance, tiled
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.tiled import Tiles
from flowmodel.parameters.registered import Group, RegisteredParameters
from flowmodel.parameters.registry import Parameters

Array = np.ndarray
MARGINS = ("home", "within", "near", "far", "out", "elsewhere")
COVARIATES = ("attraction", "far", "departure", "within", "returning", "returning_origin")
compiled = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
"""Small worlds take longer to compile well than to run badly."""
COEFFICIENTS = {"attraction": 2, "far": 1, "departure": 1, "within": 1, "returning": 2, "returning_origin": 1}


@dataclass(frozen=True)
class Case:
    """A world, its parameters by group, the processes in use, and the margins of its first stock [group, zone].

    `leaving` is the log of the groups' relative leaving rates, which the twin has in its departure levels.
    """

    world: twin.World
    values: tuple[twin.Values, ...]
    switches: twin.Switches
    kind: Literal["one", "skills", "skills_ages"]
    margins: dict[str, Array]
    leaving: Array


def switches(returning: Any, *, conversion: bool = True, onward: bool = False, **others: Any) -> twin.Switches:
    """The processes in use; the others are off."""
    off = {"network": "off", "competing": False, "nest": False}
    return twin.Switches(returning, conversion, onward, **(off | others))


EVERYTHING = switches("pair", onward=True, network="evolving", competing=True, nest=True)


def close(found: Any, expected: Any, rtol: float, what: str = "") -> None:
    """Agreement to `rtol` of every number, and of net or nearly no changes to that of a small part of the largest."""
    least = (1e-9 if rtol < 1e-9 else 1e-3) * float(np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * least, err_msg=what)


def case(
    seed: int,
    kind: Literal["one", "skills", "skills_ages"],
    switches: twin.Switches,
    *,
    zones: int = 30,
    years: int = 4,
    most: int = 3,
    hard: bool = False,
) -> Case:
    """A random case: one group, three that learn, or three that learn and age, children in another; at most `most`.

    A hard world has a zone where nobody lives or is registered, a province of one zone, a zone that nobody has left,
    one where nobody lives who is registered elsewhere, and of several groups a last one that begins with nobody.
    """
    rng = np.random.default_rng(seed)
    groups = min({"one": 1, "skills": 3, "skills_ages": 3}[kind], most)
    world = _world(rng, zones, groups, kind, years, hard=hard)
    margins = _margins(rng, world, groups, hard=hard)
    leaving = rng.normal(0, 0.3, groups) * (groups > 1)
    return Case(world, tuple(_values(rng) for _ in range(groups)), switches, kind, margins, leaving)


def _world(rng: np.random.Generator, zones: int, groups: int, kind: str, years: int, *, hard: bool) -> twin.World:
    province = np.arange(zones) % 4
    if hard:
        province = np.where((province == 3) & (np.arange(zones) > 3), 2, province)
    province = rng.permutation(province)
    chain = {
        "one": (np.zeros(1, int), np.zeros(1, int), np.zeros(1), np.zeros(1)),
        "skills": (np.arange(3), np.array([1, 2, 2]), np.zeros(3), np.array([0.02, 0.01, 0.0])),
        "skills_ages": (
            np.array([0, 0, 2]),
            np.array([1, 2, 2]),
            np.array([0.07, 0.05, 0.0]),
            np.array([0.01, 0.0, 0.0]),
        ),
    }
    birth_to, next_group, ageing, upgrade = (values[:groups] for values in chain[kind])
    return twin.World(
        lon=rng.uniform(95, 120, zones),
        lat=rng.uniform(22, 45, zones),
        province=province,
        prefecture=5 * province + rng.integers(0, 3, zones),
        east=rng.random(zones) < 0.6,
        **{name: rng.normal(size=(zones, count)) for name, count in COEFFICIENTS.items()},
        strictness=rng.choice([0.0, 0.25, 1.0], zones),
        birth_rate=rng.uniform(0.005, 0.02, (groups, zones)),
        death_rate=rng.uniform(0.004, 0.01, (groups, zones)),
        birth_to=birth_to,
        next_group=np.minimum(next_group, groups - 1),
        ageing=ageing,
        upgrade=upgrade,
        birth_path=rng.uniform(0.8, 1.2, years),
        death_path=rng.uniform(0.8, 1.2, years),
        offset_km=10.0,
        has_ages=kind == "skills_ages",
    )


def _margins(rng: np.random.Generator, world: twin.World, groups: int, *, hard: bool) -> dict[str, Array]:
    """The margins of a stock drawn pair by pair, so that some stock has them."""
    zones = len(world.lon)
    away = rng.lognormal(5, 1.5, (groups, zones, zones)) * (1 - np.eye(zones))
    own = {
        name: rng.lognormal(mean, 0.8, (groups, zones)) for name, mean in zip(MARGINS, (11, 9, 0, 0, 0, 6), strict=True)
    }
    if hard:
        away[:, 5, :] = away[:, :, 5] = 0
        away[:, 7, :] = away[:, :, 8] = 0
        for values in own.values():
            values[:, 5] = 0
        if groups > 1:
            for values in (away, *own.values()):
                values[-1] = 0
    near = twin.same(world.province)
    return own | {
        "near": (away * near).sum(axis=1),
        "far": (away * ~near).sum(axis=1),
        "out": away.sum(axis=2),
    }


def _values(rng: np.random.Generator) -> twin.Values:
    return twin.Values(
        mass=rng.uniform(0.6, 1.1),
        distance=rng.uniform(0.7, 1.4),
        other_province=rng.uniform(0.3, 1.0),
        same_prefecture=rng.uniform(0.3, 1.0),
        divide_east_west=rng.uniform(0.1, 0.6),
        divide_west_east=rng.uniform(-0.5, 0.2),
        departure_level=rng.uniform(-4.5, -3.0),
        birth_adjustment=rng.uniform(0.9, 1.2),
        inclusive_value=rng.uniform(0.2, 0.8),
        hukou=rng.uniform(0.2, 1.0),
        return_level=rng.uniform(-3.0, -2.0),
        return_origin_level=rng.uniform(-3.0, -2.0),
        conversion_level=rng.uniform(-4.5, -3.5),
        within_level=rng.uniform(-4.5, -3.5),
        within_return=rng.uniform(-3.0, -2.0),
        network=rng.uniform(0.3, 2.0),
        competing=rng.uniform(-0.4, 0.4),
        nest=rng.uniform(0.4, 0.9),
        onward_level=rng.uniform(-4.0, -2.5),
        **{name: rng.normal(0, 0.2, count) for name, count in COEFFICIENTS.items()},
    )


def twin_of(one: Case) -> tuple[list[twin.Values], twin.State]:
    """The parameters as the twin takes them, and its first stock."""
    values = [
        dataclasses.replace(v, departure_level=v.departure_level + own)
        for v, own in zip(one.values, one.leaving, strict=True)
    ]
    m = one.margins
    away = [twin.initial_away(one.world, v, *(m[k][g] for k in ("out", "near", "far"))) for g, v in enumerate(values)]
    return values, twin.State(m["home"], m["within"], np.stack(away), m["elsewhere"])


def country_of(one: Case, dtype: Any = np.float64, tile: int | None = None) -> Country:
    """All that the product takes besides parameters, its pairs in the given precision; groups have an S each.

    The pairs are dense, or in tiles with so many zones a side.
    """
    world, device = one.world, jnp.asarray
    place = Place(
        index=jnp.arange(len(world.lon), dtype=jnp.int32),
        province=device(world.province, jnp.int32),
        prefecture=device(world.prefecture, jnp.int32),
        east=device(world.east),
    )
    log_distance = distance.log_distance_matrix(device(world.lon), device(world.lat), device(world.offset_km), float)
    switches = dataclasses.asdict(one.switches)
    pairs = Pairs(log_distance.astype(dtype), place) if tile is None else tiles_of(one, dtype, tile, place)
    calendar = Calendar(device(world.birth_path), device(world.death_path))
    stock = Stock(groups=one.kind, far_covariates=("x",), **switches)
    whole = country(_zones(one), pairs, calendar, stock, world.offset_km)
    return dataclasses.replace(whole, shared=len(one.values) == 1)


def tiles_of(one: Case, dtype: Any, tile: int, place: Place) -> Tiles:
    """The pairs of a world in tiles."""
    where = distance.on_sphere(one.world.lon, one.world.lat, dtype)
    return tiled.tiles(where, place, one.world.offset_km, tile)


def _zones(one: Case) -> RegisteredZones:
    world = one.world
    arrays = {name: one.margins[name] for name in MARGINS} | {
        **{name: getattr(world, name) for name in COVARIATES if name not in ("within", "far")},
        **{name: getattr(world, name) for name in ("birth_rate", "death_rate", "ageing", "strictness")},
        "moving_within": world.within,
        "far_pull": world.far,
        "leaving": one.leaving,
        "hidden": np.zeros(len(world.lon)),
    }
    return RegisteredZones(
        **{name: jnp.asarray(values) for name, values in arrays.items()},
        birth_to=tuple(world.birth_to.tolist()),
        next_group=tuple(world.next_group.tolist()),
        learns=tuple((world.upgrade > 0).tolist()),
    )


def parameters_of(one: Case) -> RegisteredParameters:
    """The parameters as the product takes them."""
    return RegisteredParameters(tuple(_group(v, up) for v, up in zip(one.values, one.world.upgrade, strict=True)), {})


def _group(values: twin.Values, upgrade: float) -> Group:
    known = {name: jnp.asarray(value, float) for name, value in dataclasses.asdict(values).items()}
    known |= {"noise": jnp.asarray(0.1), "noise_size": jnp.asarray(20.0)}
    known["learning"] = jnp.asarray(logit(upgrade) if upgrade > 0 else -3.0)
    known["decay"] = known["distance"][None]
    borders = ("other_province", "same_prefecture", "divide_east_west", "divide_west_east")
    known["barriers"] = {name: known[name] for name in borders}
    choice = Parameters(**{field.name: known[field.name] for field in dataclasses.fields(Parameters)})
    return Group(choice, **{f.name: known[f.name] for f in dataclasses.fields(Group) if f.name != "choice"})


def relabelled(one: Case, order: Array) -> Case:
    """The same case with its zones in another order."""
    by_zone = [name for name in vars(one.world) if name not in ("birth_to", "next_group", "ageing", "upgrade")]
    changed = {}
    for name in by_zone:
        value = getattr(one.world, name)
        if name in ("birth_rate", "death_rate"):
            changed[name] = value[:, order]
        elif name not in ("birth_path", "death_path", "offset_km", "has_ages"):
            changed[name] = value[order]
    margins = {name: values[:, order] for name, values in one.margins.items()}
    return dataclasses.replace(one, world=dataclasses.replace(one.world, **changed), margins=margins)
