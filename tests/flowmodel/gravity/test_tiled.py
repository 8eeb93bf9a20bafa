"""S made in tiles: against the plain twin and the stored S, in value, slope and worst pair."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import twin
from twin_worlds import HARD, WORLDS, country_of, parameters_of, product_parameters

from flowmodel import runtime
from flowmodel.dynamics.residents import rollout
from flowmodel.gravity import distance, fastmath, tiled
from flowmodel.gravity import operator as kernel
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.operator import Factors
from flowmodel.gravity.tiled import Tiles

COEFFICIENT = jnp.asarray([-2.0, -0.7, 0.4, -0.3])
POWER_LAW = jnp.asarray([-2.0, 0.0, 0.0, 0.0])


def tiles_of(world: twin.World, dtype: type, tile: int) -> Tiles:
    place = country_of(world)[1].place
    return tiled.tiles(distance.on_sphere(world.lon, world.lat, dtype), place, world.offset_km, tile)


def unplaced(zones: int) -> Place:
    """Zones of one province, prefecture and side: distance alone is left."""
    nowhere = jnp.zeros(zones, jnp.int32)
    return Place(jnp.arange(zones, dtype=jnp.int32), nowhere, nowhere, nowhere == 1)


def whole(coefficient: jax.Array, pairs: Tiles) -> np.ndarray:
    """S itself, from products with all unit vectors."""
    return np.asarray(jax.jit(lambda pairs: pairs.strength(coefficient).multiply(jnp.eye(pairs.zones)))(pairs))


@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("tile", [1, 7, 128])
def test_tiles_of_any_size_make_the_kernel_of_the_twin(tile: int) -> None:
    are_those_of_the_twin(np.float64, 1e-12, tile)


def test_tiles_in_float32_make_the_kernel_of_the_twin() -> None:
    are_those_of_the_twin(np.float32, 5e-6, 16)


def are_those_of_the_twin(dtype: type, rtol: float, tile: int) -> None:
    dense = twin.kernel(HARD, parameters_of(HARD))
    operator = kernel.build(product_parameters(parameters_of(HARD)), tiles_of(HARD, dtype, tile))
    vector = np.random.default_rng(7).random(60)
    np.testing.assert_allclose(operator.matvec(jnp.asarray(vector)), dense @ vector, rtol=rtol)
    np.testing.assert_allclose(operator.rmatvec(jnp.asarray(vector)), dense.T @ vector, rtol=rtol)


@pytest.mark.usefixtures("compiled_quickly")
def test_several_vectors_at_once_are_each_alone() -> None:
    parameters, columns = (
        product_parameters(parameters_of(HARD)),
        jnp.asarray(np.random.default_rng(13).random((60, 3))),
    )
    for pairs in (country_of(HARD)[1], tiles_of(HARD, np.float64, 16)):
        operator = kernel.build(parameters, pairs)
        for product in (operator.matvec, operator.rmatvec):
            alone = np.stack([product(column) for column in columns.T], axis=1)
            np.testing.assert_allclose(product(columns), alone, rtol=1e-13)


def test_rows_for_the_accounts_are_those_of_the_twin() -> None:
    operator = kernel.build(product_parameters(parameters_of(HARD)), tiles_of(HARD, np.float32, 16))
    rows = np.concatenate(list(operator.strength.rows(13)))
    made = np.asarray(operator.origin)[:, None] * rows * np.asarray(operator.destination)
    # Positions are kept in two float32 parts: 48 bits, of which two zones a metre apart leave six digits.
    np.testing.assert_allclose(made, twin.kernel(HARD, parameters_of(HARD)), rtol=1e-9)


def worst_pair(lon: np.ndarray, lat: np.ndarray, offset_km: float) -> float:
    pairs = tiled.tiles(distance.on_sphere(lon, lat, np.float32), unplaced(len(lon)), offset_km, 256)
    world = dataclasses.replace(HARD, lon=lon, lat=lat)
    found, apart = whole(POWER_LAW, pairs), ~np.eye(len(lon), dtype=bool)
    exact = ((haversine_km(world.lon, world.lat) + offset_km) / 300.0) ** -2.0
    return float(np.max(np.abs(found / np.where(apart, exact, 1.0) - 1)[apart]))


def haversine_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Great-circle distances, float64, the diagonal set to one."""
    x, y = np.radians(lon), np.radians(lat)
    across, along = (np.sin((one[:, None] - one) / 2) ** 2 for one in (y, x))
    km = 2 * twin.EARTH_RADIUS_KM * np.arcsin(np.sqrt(across + np.cos(y)[:, None] * np.cos(y) * along))
    return km + np.eye(len(lon))


@pytest.mark.parametrize("offset_km", [0.0, 10.0])
def test_a_twin_a_hundred_metres_away_keeps_its_digits(offset_km: float) -> None:
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(75, 134, 300), rng.uniform(20, 52, 300)
    turn = rng.uniform(0, 2 * np.pi, 300)
    degrees = 0.1 / 111.195
    beside = lon + degrees * np.cos(turn) / np.cos(np.radians(lat)), lat + degrees * np.sin(turn)
    both = np.concatenate([lon, beside[0]]), np.concatenate([lat, beside[1]])
    assert worst_pair(*both, offset_km) < 1e-5


def test_points_all_over_the_earth_take_the_long_way() -> None:
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-180, 180, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200)))
    assert distance.on_sphere(lon, lat, np.float32).metric == "sphere"
    assert worst_pair(lon, lat, 1.0) < 1e-5


def test_points_of_a_country_take_the_near_way() -> None:
    assert distance.on_sphere(np.array([74.0, 135.0]), np.array([39.0, 48.0]), np.float32).metric == "near_sphere"


def test_on_a_plane_distance_is_straight() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-2000, 2000, (2, 90))
    pairs = tiled.tiles(distance.on_plane(x, y, dtype=np.float32), unplaced(90), 5.0, 32)
    exact = ((np.hypot(x[:, None] - x, y[:, None] - y) + 5.0) / 300.0) ** -2.0 * (1 - np.eye(90))
    np.testing.assert_allclose(whole(POWER_LAW, pairs), exact, rtol=2e-6)
    bare = dataclasses.replace(pairs, offset_km=0.0)
    exact = ((np.hypot(x[:, None] - x, y[:, None] - y) + np.eye(90)) / 300.0) ** -2.0 * (1 - np.eye(90))
    np.testing.assert_allclose(whole(POWER_LAW, bare), exact, rtol=2e-6)


def test_own_logarithm_exponential_and_arc() -> None:
    x = np.exp(np.random.default_rng(4).uniform(-60, 60, 20_000)).astype(np.float32)
    np.testing.assert_allclose(jax.jit(fastmath.log)(x), np.log(x.astype(float)), rtol=5e-7, atol=5e-7)
    z = np.random.default_rng(5).uniform(-80, 80, 20_000).astype(np.float32)
    exponent = jax.jit(fastmath.exp)(z)
    np.testing.assert_allclose(exponent, np.exp(z.astype(float)), rtol=1e-5)
    small = np.linspace(-1, 1, 9_999, dtype=np.float32)
    np.testing.assert_allclose(jax.jit(fastmath.exp)(small), np.exp(small.astype(float)), rtol=3e-7)
    assert 0 < float(jax.jit(fastmath.exp)(jnp.float32(-500))) < 1e-37
    s = np.linspace(0, 1, 9_999, dtype=np.float32)
    np.testing.assert_allclose(jax.jit(fastmath.arc)(s), np.arcsin(np.sqrt(s.astype(float))), rtol=3e-7)
    near = s[s < fastmath.NEAR]
    np.testing.assert_allclose(jax.jit(fastmath.near_arc)(near), np.arcsin(np.sqrt(near.astype(float))), rtol=3e-7)


@pytest.fixture(scope="module")
def small() -> Tiles:
    world = twin.random_world(5, 23)
    return tiles_of(world, np.float64, 8)


@pytest.mark.usefixtures("compiled_quickly")
def test_contractions_are_sums_over_pairs(small: Tiles) -> None:
    rng = np.random.default_rng(8)
    left, right = rng.random((23, 3)), rng.random((23, 3))
    rows = np.concatenate(list(small.strength(COEFFICIENT).rows(10)))
    flow = (left @ right.T) * rows
    place = jax.tree.map(np.asarray, small.place)
    km = haversine_km(*lon_lat(small))
    logs = np.log((km + small.offset_km) / 300.0)
    terms = [
        logs,
        place.province[:, None] != place.province,
        place.prefecture[:, None] == place.prefecture,
        place.east[:, None] != place.east,
    ]
    factors = Factors(jnp.asarray(left.T), jnp.asarray(right.T))
    found = small.strength(COEFFICIENT).contract(factors)
    np.testing.assert_allclose(found, [np.sum(flow * term) for term in terms], rtol=1e-11)


def lon_lat(pairs: Tiles) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = distance.coordinates(pairs.points)
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z / twin.EARTH_RADIUS_KM))


@pytest.mark.usefixtures("compiled_quickly")
def test_the_decade_and_its_slope_do_not_depend_on_the_way() -> None:
    world = WORLDS["plain"]
    zones, stored, years = country_of(world)
    parameters = product_parameters(parameters_of(world))
    weight = jnp.asarray(np.random.default_rng(10).normal(size=60))

    def spread(parameters: object, pairs: object) -> jax.Array:
        return jnp.sum(weight * rollout.residents(parameters, zones, pairs, years))

    slope = jax.jit(jax.value_and_grad(spread))
    one, other = slope(parameters, stored), slope(parameters, tiles_of(world, np.float64, 16))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * float(abs(one[0]))), one, other)


def test_worst_pair_of_the_real_counties(data_dir) -> None:
    import pandas as pd

    table = pd.read_csv(data_dir / "china/china_units_panel.csv", usecols=["lon_pw", "lat_pw"])
    assert worst_pair(table["lon_pw"].to_numpy(), table["lat_pw"].to_numpy(), 0.0) < 1e-5


@pytest.mark.usefixtures("compiled_quickly")
def test_strips_share_out_those_who_leave() -> None:
    world, parameters = HARD, product_parameters(parameters_of(HARD))
    dense = twin.kernel(world, parameters_of(world))
    operator = kernel.build(parameters, tiles_of(world, np.float64, 16))
    rng = np.random.default_rng(11)
    leavers, pull = rng.random(60), rng.random(60)
    found = operator.constrained(jnp.asarray(leavers), jnp.asarray(pull))
    reach = dense @ pull
    push = np.where(reach > 0, leavers / np.where(reach > 0, reach, 1), 0)
    for one, expected in zip(found, (reach, push, dense.T @ push), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-11)
    assert float(jnp.sum(found.arrivals * pull)) == pytest.approx(leavers[reach > 0].sum(), rel=1e-12)


def test_a_derivative_keeps_no_tile() -> None:
    world = twin.random_world(12, 600)
    zones, _, years = country_of(world)
    pairs = tiles_of(world, np.float32, 64)
    parameters = product_parameters(parameters_of(world))

    def total(parameters: object, pairs: Tiles) -> jax.Array:
        return jnp.sum(rollout.residents(parameters, zones, pairs, years) ** 2)

    planned = runtime.program(jax.value_and_grad(total)).compiled(parameters, pairs)
    assert planned.memory_analysis().temp_size_in_bytes < 600**2 * 4
