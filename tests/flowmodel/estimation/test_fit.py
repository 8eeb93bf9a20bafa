"""The fit: it finds the truth again, from anywhere, and says what it does not know."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import worlds
import xarray as xr

from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.run import run as run_residents
from flowmodel.errors import ConfigError, NumericError, ZonesError
from flowmodel.estimation import calibrate, inference, metrics, search, synthetic
from flowmodel.estimation import objective as objectives
from flowmodel.zones import table as store

pytestmark = pytest.mark.usefixtures("compiled_quickly")


def quiet(*_):
    """No progress."""


@pytest.fixture(scope="module")
def world():
    return synthetic.observe(worlds.table(150), worlds.configuration())


def fitted(world, *settings, seed=0, dtype=jnp.float64):
    config = worlds.configuration(*settings)
    model = setup.build(world, config, dtype)
    goal = objectives.objective(model, config.fit)

    def run(natural):
        return run_residents(model, model.registry.parameters(natural))

    return calibrate.calibrate(goal, run, config.fit, seed, quiet)


def test_synthetic_census_is_whole_persons_and_says_so(world):
    assert world.population(2020).sum() == np.rint(world.population(2020)).sum()
    assert "known parameters" in world.data["population"].attrs["source"]
    np.testing.assert_array_equal(world.population(2010), worlds.table(150).population(2010))


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_free_truth_is_found_from_a_far_start(world, seed):
    found = fitted(world, "fit.start='draw'", seed=seed)
    assert found.outcome.verdict == "converged"
    names = found.objective.registry
    start, truth = names.values(names.draw(seed)), worlds.TRUTH
    assert max(abs(start[name] - truth[name]) for name in truth) > 0.3
    for name, value in names.values(found.outcome.natural).items():
        if name in truth:
            assert value == pytest.approx(truth[name], rel=1e-3), name


def test_derivatives_agree_with_differences(world):
    config = worlds.configuration("fit.priors=true", "parameters={}")
    goal = objectives.objective(setup.build(world, config, jnp.float64), config.fit)
    point = goal.registry.draw(5)
    gradient, hessian = map(np.asarray, search.gradient_and_hessian(goal, point))
    value, slope = jax.jit(lambda p: goal(p)), jax.jit(lambda p: jax.grad(goal)(p))
    for i, step in enumerate(1e-5 * np.eye(len(point))):
        difference = (value(point + step) - value(point - step)) / 2e-5
        assert gradient[i] == pytest.approx(float(difference), rel=1e-5, abs=1e-3)
        np.testing.assert_allclose(hessian[i], (slope(point + step) - slope(point - step)) / 2e-5, rtol=1e-4, atol=0.05)


def test_stopping_early_is_no_convergence(world):
    found = fitted(world, "fit.adam_steps=5", "fit.lbfgs_steps=5", "fit.start='draw'", seed=1)
    assert found.outcome.verdict == "max_steps"
    assert found.outcome.remaining > 1e-3


def test_a_parameter_pushed_to_its_bound_is_reported_there(world):
    found = fitted(world, "parameters.mass={upper=0.8, prior_mean=0.7}")
    status = dict(zip(found.inference.names, found.inference.status, strict=True))
    assert status["mass"] == "at_bound"
    assert "at_bound" in found.flags()
    assert any("mass is at its bound" in line for line in found.inference.warnings())
    rows = inference.table(found.objective.registry, found.outcome.natural, found.inference).set_index("name")
    assert np.isnan(rows.loc["mass", "se"])
    assert rows.loc["offset_km", "status"] == "fixed"
    assert rows.loc["distance", "status"] == "fitted"


def test_a_start_beside_a_bound_is_not_taken_for_an_optimum(world):
    found = fitted(world, "parameters.mass={prior_mean=1.95}")
    assert found.outcome.verdict == "converged"
    assert "at_bound" not in found.inference.status
    assert found.outcome.natural[0] == pytest.approx(worlds.TRUTH["mass"], rel=1e-3)


def test_a_log_normal_prior_is_compared_with_the_data_on_its_own_scale(world):
    # The data know the decay to about a tenth of itself; a prior of a twentieth says more, one of a fifth less.
    for log_sd, status in ((0.03, "not_identified"), (0.5, "fitted")):
        prior = f"{{prior_mean=3.0, prior_sd={log_sd}}}"
        found = fitted(world, "fit.priors=true", f"parameters.distance={prior}")
        position = found.inference.names.index("distance")
        assert found.inference.status[position] == status
        precision = (float(found.outcome.natural[position]) / found.inference.se[position]) ** 2 - 1 / log_sd**2
        assert (precision < 1 / log_sd**2) == (status == "not_identified")


def test_one_province_without_priors_is_not_identified_and_no_crash():
    table = worlds.table(60)
    table.data["province"][:] = "1"
    found = fitted(synthetic.observe(table, worlds.configuration()), "fit.lbfgs_steps=20")
    status = dict(zip(found.inference.names, found.inference.status, strict=True))
    assert status["other_province"] == "not_identified"
    assert found.outcome.verdict == "max_steps"
    assert calibrate.NO_OPTIMUM in found.identification()["warnings"]


def test_a_year_made_again_replaces_itself(world):
    again = synthetic.observe(world, worlds.configuration())
    assert again.data["year"].values.tolist() == [2010, 2020]
    np.testing.assert_array_equal(again.population(2020), world.population(2020))


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("population", np.inf, "E-ZONES-RANGE"),
        ("population", -1.0, "E-ZONES-RANGE"),
        ("population", np.nan, "E-ZONES-RANGE"),
        ("birth_rate", 12.0, "E-ZONES-RANGE"),
        ("lat", 400.0, "E-ZONES-RANGE"),
        ("lon", np.nan, "E-ZONES-NAN"),
    ],
)
def test_zones_that_cannot_be_are_refused(variable, value, code):
    data = worlds.table(5).data.copy(deep=True)
    data[variable].values.flat[3] = value
    with pytest.raises(ZonesError, match=f"{code}.*100003"):
        store.check(data, "zones.nc")


def test_a_zone_or_year_twice_is_refused():
    data = worlds.table(5).data
    for twice in (xr.concat([data, data.isel(zone=[2])], "zone", data_vars="minimal"), data.isel(year=[0, 0])):
        with pytest.raises(ZonesError, match="E-ZONES-DUP"):
            store.check(twice, "zones.nc")


def test_what_the_data_cannot_see_is_not_identified():
    # Everybody lives on one side: crossing the divide has no trace in the data.
    table = worlds.table(60)
    table.data["east"][:] = 1
    world = synthetic.observe(table, worlds.configuration())
    found = fitted(world, "fit.priors=true")
    status = dict(zip(found.inference.names, found.inference.status, strict=True))
    assert status["divide_east_west"] == status["divide_west_east"] == "not_identified"
    position = found.inference.names.index("divide_east_west")
    assert found.inference.se[position] == pytest.approx(0.5, rel=1e-6)
    assert any(line.startswith("divide_west_east: the data contain less") for line in found.inference.warnings())
    assert status["departure_level"] == "fitted"


def test_standard_errors_cover_the_truth(world):
    """Noise of known scale on the census: estimates miss the truth by about their standard errors."""
    rng = np.random.default_rng(8)
    start = world.population(2010)
    scale = np.sqrt(0.05**2 + 20**2 / start)
    data = world.data.copy(deep=True)
    scores = []
    for _ in range(3):
        noisy = world.population(2020) * np.exp(scale * rng.standard_t(4, len(start)))
        data["population"].loc[{"year": 2020}] = np.rint(noisy)
        settings = ("parameters={noise={fixed=0.05}, noise_size={fixed=20.0}}", "fit.targets=['growth']")
        found = fitted(dataclasses.replace(world, data=data.copy(deep=True)), *settings)
        truth = found.objective.registry.vector(worlds.TRUTH)
        scores.append((found.outcome.natural - np.asarray(truth)) / found.inference.se)
    assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.5


def test_growth_alone_is_said_to_be_growth_alone(world):
    found = fitted(world, "fit.adam_steps=20", "fit.lbfgs_steps=20")
    assert "growth_only" in found.flags()
    assert calibrate.GROWTH_ONLY in found.identification()["warnings"]
    worst = found.identification()["worst_correlation"]
    assert -1 <= worst["correlation"] <= 1


def test_an_objective_that_stops_being_finite_is_an_error(world):
    data = world.data.copy(deep=True)
    data["birth_rate"][3] = np.nan
    with pytest.raises(NumericError, match="E-FIT-NONFINITE"):
        fitted(dataclasses.replace(world, data=data), "fit.adam_steps=5")


def test_zones_that_were_or_become_empty_have_no_growth_but_are_counted(world):
    data = world.data.copy(deep=True)
    gone = float(data["population"].loc[{"year": 2020, "zone": "100003"}])
    data["population"].loc[{"year": 2020, "zone": "100003"}] = 0.0
    data["population"].loc[{"year": 2010, "zone": "100007"}] = 0.0
    found = fitted(dataclasses.replace(world, data=data), "fit.adam_steps=20", "fit.lbfgs_steps=40")
    observed = found.objective.observed
    assert np.flatnonzero(~np.asarray(observed.counted)).tolist() == [3, 7]
    assert float(observed.national) == world.population(2020).sum() - gone
    assert np.isfinite(found.outcome.value)
    assert np.isfinite(found.inference.se).all()
    assert found.accounts.closing[-1, 7] == found.accounts.inflow[:, 7].sum() == 0


def test_what_a_table_lacks_is_named(world):
    with pytest.raises(ZonesError, match="no covariate 'income'"):
        fitted(world, "model.attraction=['income']")
    with pytest.raises(ZonesError, match="no residents of 2030"):
        fitted(world, "model.years=[2010, 2030]")
    with pytest.raises(ConfigError, match="E-TRUTH"):
        synthetic.observe(worlds.table(20), worlds.configuration("model.departure=[]"))


def test_scores_by_hand():
    start, seen, said = np.array([100.0, 100.0]), np.array([110.0, 80.0]), np.array([121.0, 100.0])
    scores = metrics.growth(start, seen, said)
    assert scores["mape"] == pytest.approx(17.5)
    assert scores["malpe"] == pytest.approx(17.5)
    assert scores["sign"] == 0.5
    assert scores["rmse"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(1.25) ** 2) / 2))
    assert metrics.growth(start, seen, seen)["r2"] == 1.0


def test_ols_baseline_is_exact_where_growth_is_linear():
    start, covariate = np.array([50.0, 100.0, 200.0, 400.0, 500.0]), np.array([1.0, -1.0, 0.5, 2.0, 0.0])
    end = start * np.exp(0.1 + 0.02 * np.log(start) - 0.3 * covariate)
    found = metrics.baselines(start, end, start * 1.05, covariate[:, None])
    np.testing.assert_allclose(found["ols"], end, rtol=1e-10)
    np.testing.assert_allclose(found["uniform_national"].sum(), end.sum())
    np.testing.assert_array_equal(found["natural_increase"], start * 1.05)
