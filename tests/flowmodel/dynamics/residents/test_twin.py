"""The fast NumPy model and flowmodel, each against the plain twin of tests/support.

What belongs here: the twin against answers known in closed form, and agreement of numbers, slopes and curvatures.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import twin
from benchmarks import numpy_model
from twin_worlds import HARD, LIVED_IN, NOISE, PLAIN, WORLDS, country_of, parameters_of, product_parameters

from flowmodel.config import Model
from flowmodel.dynamics.residents import accounts, rollout
from flowmodel.dynamics.residents.zones import Zones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.estimation.census import census
from flowmodel.estimation.objective import Objective
from flowmodel.gravity import operator as kernel
from flowmodel.gravity.decay import POWER
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registry import Parameters

# The twin against closed forms.


def test_of_two_zones_all_leavers_go_to_the_other() -> None:
    world = twin.random_world(4, 2)
    parameters = parameters_of(world)
    moved = twin.flows(world, parameters, world.population)
    odds = np.exp(parameters["departure_level"] + world.departure @ parameters["departure"])
    leavers = world.population * odds / (1 + odds)
    np.testing.assert_allclose(moved, [[0, leavers[0]], [leavers[1], 0]], rtol=1e-14)


def test_distance_is_the_arc_of_a_great_circle() -> None:
    lon, lat = np.array([10.0, 100.0, 10.0]), np.array([0.0, 0.0, 40.0])
    world = dataclasses.replace(twin.random_world(4, 3), lon=lon, lat=lat)
    assert twin.distance_km(world, 0, 1) == pytest.approx(twin.EARTH_RADIUS_KM * np.pi / 2, rel=1e-14)
    assert twin.distance_km(world, 0, 2) == pytest.approx(twin.EARTH_RADIUS_KM * np.radians(40), rel=1e-14)
    assert twin.distance_km(HARD, 58, 59) == pytest.approx(0.001, rel=1e-6)


def test_an_even_ring_shares_equally_between_neighbours_at_equal_distance() -> None:
    people, lon, lat = np.full(12, 1e5), np.arange(12) * 30.0, np.full(12, 50.0)
    world = dataclasses.replace(twin.random_world(5, 12), population=people, lon=lon, lat=lat)
    share = twin.shares(twin.kernel(world, twin.free_of_pull(parameters_of(world), distance=1.5)), people**0.9)
    turned = [np.roll(share[o], -o) for o in range(12)]
    np.testing.assert_allclose(turned, [turned[0]] * 12, rtol=1e-12)
    np.testing.assert_allclose(turned[0][1:], turned[0][:0:-1], rtol=1e-12)


def test_without_distance_and_borders_shares_are_proportional_to_weights() -> None:
    parameters = twin.free_of_pull(parameters_of(PLAIN))
    parameters["attraction"] = np.array([0.3, -0.1, 0.2])
    moved = twin.flows(PLAIN, parameters, PLAIN.population)
    weight = PLAIN.population**0.9 * np.exp(PLAIN.attraction @ parameters["attraction"])
    expected = weight[None, :] / (weight.sum() - weight)[:, None]
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(moved / moved.sum(axis=1, keepdims=True), expected, rtol=1e-12)


def test_a_steep_distance_leaves_only_the_nearest_neighbour() -> None:
    parameters = twin.free_of_pull(parameters_of(PLAIN), distance=400.0, mass=0.0)
    world = dataclasses.replace(PLAIN, offset_km=300.0)
    pairs = range(len(world.population))
    distance = np.array([[twin.distance_km(world, o, j) if o != j else np.inf for j in pairs] for o in pairs])
    share = twin.shares(twin.kernel(world, parameters), np.ones(60))
    apart = np.sort(distance, axis=1)
    clear = ((apart[:, 1] + 300) / (apart[:, 0] + 300)) ** 400 > 60 * 100
    assert clear.sum() > 20
    np.testing.assert_array_equal(share.argmax(axis=1)[clear], distance.argmin(axis=1)[clear])
    assert share.max(axis=1)[clear].min() > 0.99


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_the_twin_loses_nobody(world: twin.World) -> None:
    run = twin.decade(world, parameters_of(world))
    change = np.diff(run.residents.sum(axis=1)) - (run.births - run.deaths).sum(axis=1)
    np.testing.assert_allclose(change, 0, rtol=0, atol=1e-12 * world.population.sum())
    np.testing.assert_allclose(run.inflow.sum(axis=1), run.outflow.sum(axis=1), rtol=1e-12)


def test_relabelling_zones_relabels_the_outcome() -> None:
    order = np.random.default_rng(6).permutation(60)
    end, relabelled = (twin.decade(w, parameters_of(HARD)).residents[-1] for w in (HARD, twin.relabel(HARD, order)))
    np.testing.assert_allclose(relabelled, end[order], rtol=1e-12)


def test_without_rates_nothing_changes() -> None:
    world = dataclasses.replace(PLAIN, birth_rate=np.zeros(60), death_rate=np.zeros(60))
    run = twin.decade(world, {**parameters_of(world), "departure_level": -1e4})
    np.testing.assert_array_equal(run.residents, [world.population] * 11)


def test_nobody_moves_to_an_empty_zone() -> None:
    run = twin.decade(HARD, parameters_of(HARD))
    assert not run.residents[:, 30].any()
    assert not run.inflow[:, 30].any()


# The NumPy model against the twin.


def numpy_of(world: twin.World) -> numpy_model.NumpyModel:
    return numpy_model.NumpyModel(**{name: value for name, value in vars(world).items() if name != "observed_end"})


SORTED_OTHERWISE = {
    "shuffled": twin.relabel(HARD, np.random.default_rng(6).permutation(60)),
    "all west": dataclasses.replace(PLAIN, east=np.zeros(60, bool)),
    "all east": dataclasses.replace(PLAIN, east=np.ones(60, bool)),
}


@pytest.mark.parametrize("world", [*WORLDS.values(), *SORTED_OTHERWISE.values()], ids=[*WORLDS, *SORTED_OTHERWISE])
def test_numpy_residents(world: twin.World) -> None:
    expected = twin.decade(world, parameters_of(world)).residents[-1]
    np.testing.assert_allclose(numpy_of(world).residents(twin.flat(parameters_of(world), NOISE)), expected, rtol=1e-6)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_numpy_loss_and_gradient(world: twin.World) -> None:
    parameters = parameters_of(world)
    fast, p = numpy_of(world), twin.flat(parameters, NOISE)
    data = world.observed_end, NOISE.degrees, NOISE.national_sd
    assert fast.loss(p, *data) == pytest.approx(twin.negative_log_likelihood(world, parameters, NOISE), rel=1e-6)
    expected = twin.likelihood_slopes(world, parameters, NOISE)
    found = fast.gradient(p, list(expected), *data)
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-2, atol=0.05)


# The product against the twin.


def operator_of(world: twin.World, dtype: type) -> kernel.Kernel:
    parameters, pairs = product_parameters(parameters_of(world)), country_of(world, dtype)[1]
    return kernel.build(parameters, pairs)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_kernel_products(world: twin.World, dtype: type, rtol: float) -> None:
    dense, operator = twin.kernel(world, parameters_of(world)), operator_of(world, dtype)
    vector = np.random.default_rng(7).random(60)
    np.testing.assert_allclose(operator.matvec(jnp.asarray(vector)), dense @ vector, rtol=rtol)
    np.testing.assert_allclose(operator.rmatvec(jnp.asarray(vector)), dense.T @ vector, rtol=rtol)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-11), (np.float32, 1e-5)])
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_rollout(world: twin.World, dtype: type, rtol: float) -> None:
    expected = twin.decade(world, parameters_of(world))
    inputs = product_parameters(parameters_of(world)), *country_of(world, dtype)
    states, moved = rollout.history(*inputs)
    np.testing.assert_allclose(states, expected.residents[1:], rtol=rtol)
    np.testing.assert_allclose(rollout.residents(*inputs), expected.residents[-1], rtol=rtol)
    for name in ("births", "deaths", "inflow", "outflow"):
        np.testing.assert_allclose(getattr(moved, name), getattr(expected, name), rtol=rtol, err_msg=name)


def test_accounts() -> None:
    inputs = product_parameters(parameters_of(HARD)), *country_of(HARD)
    states, moved = rollout.history(*inputs)
    closed = accounts.accounts(HARD.population, np.asarray(states), moved, operator_of(HARD, np.float64), HARD.east)
    expected = twin.decade(HARD, parameters_of(HARD))
    np.testing.assert_allclose(closed.inflow, expected.inflow, rtol=1e-11)
    np.testing.assert_allclose(closed.outflow, expected.outflow, rtol=1e-11)
    years = [twin.flows(HARD, parameters_of(HARD), opening) for opening in expected.residents[:-1]]
    crossing = [[flow[side][:, ~side].sum() for side in (HARD.east, ~HARD.east)] for flow in years]
    np.testing.assert_allclose(closed.cross_divide, crossing, rtol=1e-11)


def test_without_rates_the_product_returns_the_start() -> None:
    world = dataclasses.replace(PLAIN, birth_rate=np.zeros(60), death_rate=np.zeros(60))
    still = product_parameters({**parameters_of(world), "departure_level": -1e4})
    np.testing.assert_array_equal(rollout.residents(still, *country_of(world)), world.population)


def objective_of(world: twin.World) -> tuple[Objective, jax.Array]:
    """The fit's objective without priors, and the free parameters' vector; covariates are called 0, 1, 2."""
    columns = [tuple(str(k) for k in range(getattr(world, name).shape[1])) for name in twin.VECTORS]
    names = registry(Model(years=(2010, 2020), attraction=columns[0], departure=columns[1]), {}, POWER.parameters)
    objective = Objective(
        *country_of(world),
        observed=census(jnp.asarray(world.population), jnp.asarray(world.observed_end)),
        registry=names,
        targets=("growth", "national_total"),
        weights=(),
        priors=False,
        degrees_of_freedom=NOISE.degrees,
        national_sd=NOISE.national_sd,
    )
    return objective, names.vector(twin.flat(parameters_of(world), NOISE))


def test_objective_and_its_gradient() -> None:
    objective, natural = objective_of(LIVED_IN)
    value, gradient = jax.jit(jax.value_and_grad(objective))(natural)
    assert float(value) == pytest.approx(
        twin.negative_log_likelihood(LIVED_IN, parameters_of(LIVED_IN), NOISE), rel=1e-10
    )
    expected = twin.likelihood_slopes(LIVED_IN, parameters_of(LIVED_IN), NOISE)
    found = dict(zip((entry.name for entry in objective.registry.free), gradient.tolist(), strict=True))
    assert found == pytest.approx(expected, rel=1e-6)


def reading_weights(world: twin.World) -> np.ndarray:
    """A reading of residents in which every zone counts, an empty one too."""
    return np.random.default_rng(8).normal(size=len(world.population)) / 1e6


def read_through(
    run: Callable[..., jax.Array], world: twin.World, dtype: type = np.float64
) -> Callable[[Parameters], jax.Array]:
    """The reading of the residents at the end as a function of the product's parameters."""
    inputs, weight = country_of(world, dtype), jnp.asarray(reading_weights(world))
    return lambda parameters: jnp.dot(weight, run(parameters, *inputs))


def end_of_history(*inputs: object) -> jax.Array:
    return rollout.history(*inputs)[0][-1]


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-6), (np.float32, 1e-4)])
def test_gradient_of_residents_with_an_empty_zone_a_near_pair_and_a_lone_zone(dtype: type, rtol: float) -> None:
    read = read_through(rollout.residents, HARD, dtype)
    gradient = jax.jit(jax.grad(read))(product_parameters(parameters_of(HARD)))
    slopes = {"distance": gradient.decay[0]} | vars(gradient) | gradient.barriers
    found = {name: float(slopes[name]) for name in twin.SCALARS}
    found |= {f"{name}:{k}": float(x) for name in twin.VECTORS for k, x in enumerate(getattr(gradient, name))}
    weight = reading_weights(HARD)
    expected = twin.slopes(parameters_of(HARD), lambda p: float(weight @ twin.decade(HARD, p).residents[-1]))
    assert found == pytest.approx(expected, rel=rtol)


@pytest.mark.parametrize("zones", [169, 336, 337])
def test_custom_rule_equals_plain_reverse_mode(zones: int) -> None:
    world = twin.random_world(9, zones, years=3, empty_zone=True)
    parameters = product_parameters(parameters_of(world))
    custom, plain = (jax.jit(jax.grad(read_through(run, world))) for run in (rollout.residents, end_of_history))
    for found, expected in zip(*map(jax.tree.leaves, (custom(parameters), plain(parameters))), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_custom_rule_reaches_zones_and_years() -> None:
    zones, pairs, calendar = country_of(HARD)
    parameters, weight = product_parameters(parameters_of(HARD)), jnp.asarray(reading_weights(HARD))

    def slopes_through(run: Callable[..., jax.Array]) -> list[jax.Array]:
        def read(zones: Zones, calendar: Calendar) -> jax.Array:
            return jnp.dot(weight, run(parameters, zones, pairs, calendar))

        return jax.tree.leaves(jax.jit(jax.grad(read, (0, 1)))(zones, calendar))

    for found, expected in zip(slopes_through(rollout.residents), slopes_through(end_of_history), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def test_second_derivatives() -> None:
    objective, natural = objective_of(LIVED_IN)
    gradient, rows = jax.jit(jax.grad(objective)), np.eye(len(natural))
    curvature = np.asarray(jax.jit(jax.jacfwd(jax.grad(objective)))(natural))
    largest = np.abs(curvature).max()
    np.testing.assert_allclose(curvature, curvature.T, rtol=1e-9, atol=1e-13 * largest)
    for found, towards in zip(curvature, rows, strict=True):
        expected = twin.slope(lambda h, towards=towards: np.asarray(gradient(natural + h * towards)))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-10 * largest)
