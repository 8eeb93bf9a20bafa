"""Families, thresholds and standard errors against the dense twin; what is held out, held, or cannot be fitted."""

import dataclasses
import functools

import interaction_twin as twin
import jax.numpy as jnp
import numpy as np
import pytest
from interaction_worlds import DESTINATIONS, LAWS, ORIGINS, rectangle

from flowmodel.errors import ConfigError, FlowsError
from flowmodel.gravity import chosen_law
from flowmodel.interaction import bootstrap, inference, local
from flowmodel.interaction.calibrate import calibrate
from flowmodel.interaction.compare import compare, held_out
from flowmodel.interaction.model import laws
from flowmodel.interaction.model.pair import Pair, as_arrays
from flowmodel.interaction.model.table import Censoring, FlowTable, Specification
from flowmodel.interaction.scoring.scores import deviance
from flowmodel.interaction.search import estimate
from flowmodel.results import flow_effects

pytestmark = pytest.mark.usefixtures("compiled_quickly")
KINDS = ("model", "robust", "cluster_origin", "cluster_destination", "two_way")
WORLD = rectangle("power")
BELOW = 12


def _close(found, expected, relative=1e-8):
    np.testing.assert_allclose(found, expected, rtol=relative, atol=relative * np.max(np.abs(expected), initial=0))


def _same(found, expected, relative=1e-8):
    """Estimates in standard errors, covariances over them, likelihoods and counts of parameters."""
    error = np.sqrt(np.diagonal(expected.covariance("model")))
    assert found.optimum.converged
    assert found.built.names == expected.problem.names
    assert np.max(np.abs(found.estimates - list(expected.estimates.values())) / error) < relative
    scale = np.outer(error, error)
    for kind in KINDS:
        _close(found.covariance(kind) / scale, expected.covariance(kind) / scale, 10 * relative)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-9)
    assert found.deviance == pytest.approx(expected.deviance, rel=1e-8, abs=1e-8 * abs(expected.log_likelihood))
    assert found.aic == pytest.approx(expected.aic, rel=1e-9)
    assert found.degrees == expected.parameters


def _censored(below, per_unit=1.0):
    """The table with a threshold: what lies under it is not listed, and its flow is not told."""
    listed = per_unit * below <= WORLD.flow
    flow = np.where(listed, WORLD.flow, 0.0)
    table = dataclasses.replace(WORLD.table(), flow=np.where(listed, WORLD.flow, 1e5 * ~WORLD.allowed), listed=listed)
    return table, dataclasses.replace(WORLD.problem("power", "production"), flow=flow, listed=listed)


def test_negative_binomial():
    found = calibrate(WORLD.table(), WORLD.specification("power", "production", family="negative_binomial"))
    expected = twin.fit_binomial(WORLD.problem("power", "production"))
    _same(found, expected, 1e-6)
    assert float(found.family.dispersion) == pytest.approx(expected.scatter.alpha, rel=1e-6)
    assert found.dispersion_se == pytest.approx(expected.alpha_se, rel=1e-5)


def test_quasi_poisson():
    """Pearson's dispersion scales the model's covariance alone; zeros that nobody listed count like the others."""
    world = WORLD.with_flow(WORLD.flow // 6)
    assert np.sum((world.flow == 0) & world.allowed) > 5
    table = dataclasses.replace(world.table(), listed=world.flow > 0)
    found = calibrate(table, world.specification("power", "production", family="quasi_poisson"))
    expected = twin.fit(world.problem("power", "production"))
    assert found.pearson == pytest.approx(expected.pearson, rel=1e-8)
    _close(found.covariance("model"), expected.pearson * expected.covariance("model"))
    _close(found.covariance("robust"), expected.covariance("robust"))


@pytest.mark.parametrize(
    ("unlisted", "below", "per_unit", "binomial"),
    [
        ("censored", BELOW, 1.0, False),
        ("censored", 5, 2.3, False),
        ("truncated", BELOW, 1.0, False),
        ("truncated", 5, 2.3, False),
        # A threshold of six takes half the time of twelve to compile.
        ("censored", 6, 1.0, True),
        ("truncated", 6, 1.0, True),
    ],
)
def test_thresholds(unlisted, below, per_unit, binomial):
    """Pairs not listed are below the threshold, or nothing is known of them."""
    table, problem = _censored(below, per_unit)
    assert 8 < np.sum(WORLD.allowed & ~problem.listed) < 40
    if unlisted == "truncated":
        problem = dataclasses.replace(problem, allowed=problem.allowed & problem.listed)
    family = "negative_binomial" if binomial else "poisson"
    model = WORLD.specification("power", "production", family=family, censoring=Censoring(below, per_unit, unlisted))
    found = calibrate(table, model)
    scatter = {"below": below, "unlisted": unlisted, "per_unit": per_unit}
    expected = twin.fit_binomial(problem, **scatter) if binomial else twin.fit(problem, twin.Scatter(**scatter))
    _same(found, expected, 1e-6 if binomial else 1e-8)
    if binomial:
        assert float(found.family.dispersion) == pytest.approx(expected.scatter.alpha, rel=1e-6)
        assert found.dispersion_se == pytest.approx(expected.alpha_se, rel=1e-5)


def test_what_a_threshold_hides_is_recovered():
    """Over many draws the mean error is within four standard errors of zero; that of neglect is five away or more."""
    draws, below, truth = 60, 4, {"ln_distance": -0.9, "pair:border": 0.4}
    world = WORLD.world
    eta = truth["ln_distance"] * np.log(world.distance) + truth["pair:border"] * WORLD.pairs["border"]
    mean = np.exp(eta + 0.4 * WORLD.pairs["known"])
    mean *= 5 / mean.mean()
    errors = {"censored": [], "truncated": [], "zero": [], "missing": []}
    for seed in range(draws):
        flow = np.random.default_rng(seed).poisson(mean).astype(float)
        listed = flow >= below
        shown = dataclasses.replace(WORLD.table(), flow=np.where(listed, flow, 0.0), listed=listed)
        for way, found in errors.items():
            censoring = Censoring(below, 1.0, way) if way in ("censored", "truncated") else None
            table = dataclasses.replace(shown, allowed=shown.allowed & listed) if way == "missing" else shown
            fit = calibrate(table, WORLD.specification("power", "total", censoring=censoring), tolerance=1e-6)
            estimates = dict(zip(fit.built.names, fit.estimates, strict=True))
            found.append([estimates[name] - value for name, value in truth.items()])
    t = {way: np.mean(each, axis=0) / (np.std(each, axis=0) / np.sqrt(draws)) for way, each in errors.items()}
    assert np.max(np.abs([t["censored"], t["truncated"]])) < 4
    assert np.min(np.abs([t["zero"], t["missing"]])) > 5


@pytest.mark.parametrize("constraint", ["production", "doubly"])
def test_variance_of_contrasts_of_effects(constraint):
    """Of sums of effects that any two pairs differ by, where the twin has dummies."""
    fit, expected = (
        calibrate(WORLD.table(), WORLD.specification("power", constraint)),
        twin.fit(WORLD.problem("power", constraint)),
    )
    covariance = inference.effect_covariance(fit.built.design, fit.optimum.sums, fit.bread)
    origin, destination = expected.problem.rows
    dummies = expected.matrix[:, expected.count :]
    columns = np.zeros((len(origin), 7 + 9))
    columns[np.arange(len(origin)), origin] = 1
    columns[np.arange(len(origin)), 7 + destination] = constraint == "doubly"
    for one, other in ((0, 9), (3, 40), (12, 50)):
        dummy = dummies[one] - dummies[other]
        found = columns[one] - columns[other]
        whole = np.concatenate([np.zeros(expected.count), dummy])
        assert found @ covariance @ found == pytest.approx(whole @ expected.bread @ whole, rel=1e-8)
    assert dummies.shape[1] == fit.effects


def test_an_origin_drawn_twice_counts_twice():
    """Weights of a replicate are a table with rows left out and repeated."""
    fit = calibrate(WORLD.table(), WORLD.specification("power", "attraction"))
    drawn = np.array([2, 0, 1, 1, 3, 0, 1])
    again = dataclasses.replace(fit.built.design, weight=jnp.asarray(drawn[:, None], float))
    optimum = estimate.fit(again, fit.family, at=fit.optimum.at)
    whole = WORLD.problem("power", "attraction")
    rows = np.repeat(np.arange(7), drawn)
    columns = {name: column[rows] for name, column in whole.columns.items()}
    repeated = dataclasses.replace(
        whole, flow=whole.flow[rows], allowed=whole.allowed[rows], columns=columns, offset=whole.offset[rows]
    )
    _close(fit.built.natural(np.asarray(optimum.at.coefficients)), list(twin.fit(repeated).estimates.values()), 1e-7)


def test_bootstrap_agrees_with_clusters():
    """Of 60 origins and 300 draws: within a quarter, where both are rough to about a tenth."""
    rng = np.random.default_rng(3)
    shape = (60, 5)
    one, other = rng.normal(size=shape), rng.normal(size=shape) + rng.normal(size=shape[0])[:, None]
    noise = rng.gamma(4, 1 / 4, shape) * np.exp(0.5 * rng.normal(size=shape[0])[:, None] * other)
    flow = rng.poisson(20 * np.exp(0.4 * one + 0.3 * other) * noise).astype(float)
    names = tuple(f"o{i}" for i in range(60)), tuple(f"d{i}" for i in range(5))
    table = FlowTable(*names, flow, np.ones(shape, bool), np.ones(shape, bool), Pair(np.exp(one)))
    fit = calibrate(table, Specification("production", LAWS["power"], pairs={"other": other}))
    drawn = bootstrap.estimates(fit, 300, seed=5)
    assert np.all(np.isfinite(drawn))
    found = np.sqrt(np.diagonal(bootstrap.covariance(drawn)))
    clustered = np.sqrt(np.diagonal(fit.covariance("cluster_origin")))
    assert np.max(np.abs(np.log(found / clustered))) < np.log(1.25)
    assert np.max(np.abs(np.log(clustered / np.sqrt(np.diagonal(fit.covariance("model")))))) > np.log(1.5)


def test_local_fits_are_separate_regressions():
    flow, allowed = WORLD.flow.copy(), WORLD.allowed.copy()
    columns = {"ln_distance": np.log(WORLD.world.distance), "border": WORLD.pairs["border"]}
    flow[1] = 0  # no maximum
    allowed[2, 3:] = False  # as many pairs as parameters
    allowed[2, :3] = True
    columns["border"] = columns["border"].copy()
    columns["border"][4] = 2 * columns["ln_distance"][4] - 1  # collinear
    flow[5] = np.where(columns["border"][5] == columns["border"][5].max(), 30.0, 0.0)  # separated
    allowed[5] = True
    frame = local.fit(flow, allowed, columns, ORIGINS).set_index(["zone", "name"])
    for row, zone in enumerate(ORIGINS):
        found = frame.loc[zone]
        if row in (1, 4, 5):
            assert set(found.status) == {"not_identified"}, zone
            assert found.estimate.isna().all()
            continue
        part = {name: column[row : row + 1] for name, column in columns.items()}
        expected = twin.fit(twin.Problem(flow[row : row + 1], allowed[row : row + 1], part, ""))
        _close(found.estimate.to_numpy(), list(expected.estimates.values()), 1e-6)
        _close(found.se.to_numpy(), np.sqrt(np.diagonal(expected.covariance("model"))), 1e-6)


def test_held_out_pairs_say_nothing():
    """Estimates are those of a table without them, whatever flows they have; their means are the model's."""
    model = WORLD.specification("power", "production")
    out = held_out(WORLD.allowed, 0.2, seed=4)
    assert 3 < out.sum() < WORLD.allowed.sum() / 3
    other = dataclasses.replace(WORLD.table(), flow=np.where(out, 9e3, WORLD.flow))
    found, again = (calibrate(table, model, without=out) for table in (WORLD.table(), other))
    expected = twin.fit(dataclasses.replace(WORLD.problem("power", "production"), allowed=WORLD.allowed & ~out))
    _close(found.estimates, again.estimates, 1e-12)
    _same(found, expected)
    row = compare(WORLD.table(), {"power": model}, share=0.2, seed=4, report=lambda name: None).iloc[0]
    assert row.held_out_pairs == out.sum()
    bare = dataclasses.replace(WORLD.table(), listed=~out)  # zeros that no list names are flows as well
    assert (
        compare(bare, {"power": model}, share=0.2, seed=4, report=lambda name: None).iloc[0].held_out_pairs == out.sum()
    )
    assert row.held_out_deviance == pytest.approx(deviance(WORLD.flow, found.fitted, out), rel=1e-6)
    assert np.all(found.fitted[out] > 0)


def test_a_zone_whose_only_flow_is_held_out_has_no_mean():
    """Its pairs are counted apart, for no law can tell them; the others are judged, by a number."""
    out, flow = held_out(WORLD.allowed, 0.2, seed=4), WORLD.flow.copy()
    origin, destination = np.argwhere(out)[0]
    flow[origin] = 0
    flow[origin, destination] = 7
    table = dataclasses.replace(WORLD.table(), flow=flow)
    model = WORLD.specification("power", "production")
    row = compare(table, {"power": model}, share=0.2, seed=4, report=lambda name: None).iloc[0]
    assert row.held_out_unreached == out[origin].sum()
    assert row.held_out_pairs == out.sum() - out[origin].sum()
    assert np.isfinite(row.held_out_deviance)


def test_a_law_without_parameters_of_its_own():
    """Radiation under production: flows are shares of what leaves, and no covariance has an entry."""
    world = rectangle("radiation")
    fit = calibrate(world.table(), Specification("production", LAWS["radiation"]))
    share = np.exp(twin.factor("radiation", world.world)) * world.allowed
    leaving = np.where(world.allowed, world.flow, 0).sum(axis=1)
    _close(fit.fitted, share / share.sum(axis=1, keepdims=True) * leaving[:, None], 1e-10)
    assert all(fit.covariance(kind).shape == (0, 0) for kind in KINDS)


def _told(table, model, code, *names):
    with pytest.raises(FlowsError) as caught:
        calibrate(table, model)
    assert caught.value.code == code
    for name in names:
        assert name in str(caught.value)
    return str(caught.value)


def test_columns_that_cannot_be_told_apart():
    """Twice the same, a sum with what effects take in, and a constant beside the constant; others are not named."""
    model, rng = WORLD.specification("power", "production"), np.random.default_rng(1)
    twice = dataclasses.replace(model, pairs={**model.pairs, "copy": 3 * WORLD.pairs["border"] - 2})
    said = _told(WORLD.table(), twice, "E-MODEL-COLLINEAR", "pair:border", "pair:copy")
    assert "ln_distance" not in said
    swept = dataclasses.replace(model, pairs={**model.pairs, "copy": np.tile(rng.normal(size=(7, 1)), 9)})
    said = _told(WORLD.table(), swept, "E-MODEL-COLLINEAR", "pair:copy")
    assert "border" not in said
    flat = WORLD.specification("power", "total")
    flat = dataclasses.replace(flat, pairs={**flat.pairs, "copy": np.full(WORLD.flow.shape, 2.5)})
    _told(WORLD.table(), flat, "E-MODEL-COLLINEAR", "pair:copy")


def test_laws_that_cannot_be():
    table, model = WORLD.table(), functools.partial(WORLD.specification, constraint="production")
    at = tuple(np.argwhere(WORLD.allowed)[10])
    pair = f"{ORIGINS[at[0]]} → {DESTINATIONS[at[1]]}"
    for value in (0.0, np.nan, np.inf):
        distance = table.pair.distance_km.copy()
        distance[at] = value
        wrong = dataclasses.replace(table, pair=dataclasses.replace(table.pair, distance_km=distance))
        _told(wrong, model("power"), "E-LAW-DOMAIN", "distance_km", "1 pairs", pair)
    bare = dataclasses.replace(table, pair=Pair(table.pair.distance_km))
    for law in ("radiation", "generalised_radiation", "schneider", "stouffer", "competing_destinations"):
        _told(bare, model(law), "E-LAW-NEEDS", law, LAWS[law].needs[-1] if law == "competing_destinations" else "")
    mass = table.pair.destination_mass.copy()
    mass[4] = 0
    wrong = dataclasses.replace(table, pair=dataclasses.replace(table.pair, destination_mass=mass))
    _told(wrong, model("schneider"), "E-LAW-DOMAIN", "destination_mass", f"→ {DESTINATIONS[4]}")
    border = WORLD.pairs["border"].copy()
    border[at] = -np.inf
    _told(table, dataclasses.replace(model("power"), pairs={"b": border}, held={}), "E-MODEL-DOMAIN", "pair:b", pair)
    unknown = dataclasses.replace(model("generalised_radiation"), held={"exponent": 1.0})
    with pytest.raises(ConfigError, match=r"E-MODEL-HELD.*exponent"):
        calibrate(table, unknown)
    _told(dataclasses.replace(table, flow=0 * table.flow), model("power"), "E-FLOWS-NONE")
    with pytest.raises(FlowsError, match=r"E-LAW-START.*width"):
        chosen_law.of_function(lambda distance_km, width: -distance_km / width, "mine")
    units = dataclasses.replace(model("power"), family="negative_binomial", censoring=Censoring(3, 2.0, "censored"))
    _told(table, units, "E-FAMILY-UNITS")


@pytest.mark.parametrize("constraint", ["production", "attraction", "doubly"])
def test_the_mean_is_made_again_from_what_is_written(constraint):
    """η = level + effects + coefficients times columns, with the centred effects of the file."""
    model = dataclasses.replace(WORLD.specification("power", constraint), held={})
    fit = calibrate(WORLD.table(), model)
    eta = np.full(WORLD.flow.shape, flow_effects.level(fit))
    written = flow_effects.effects(fit)
    for side, shape in (("origin", (-1, 1)), ("destination", (1, -1))):
        if len(values := written.loc[written["side"] == side, "effect"]):
            eta = eta + values.to_numpy().reshape(shape)
    known = {"ln_distance": np.log(np.where(WORLD.allowed, WORLD.table().pair.distance_km, 1.0))}
    known |= {f"pair:{name}": values for name, values in model.pairs.items()}
    known |= {f"origin:{name}": values[:, None] for name, values in model.origin.items()}
    known |= {f"destination:{name}": values for name, values in model.destination.items()}
    for name, slope in zip(fit.built.names, fit.estimates, strict=True):
        eta = eta + slope * known[name]
    np.testing.assert_allclose(np.exp(eta[fit.in_fit]), fit.fitted[fit.in_fit], rtol=1e-9)


def test_populations_to_a_power_go_on_through_zero():
    """Of a table made with λ = −0.2 the fit finds it again: the law has a value, and a slope, at zero and below."""
    model = WORLD.specification("generalised_radiation", "doubly")
    table = WORLD.table()
    eta = laws.generalised_radiation(jnp.array([-0.2]), as_arrays(table.pair))
    made = dataclasses.replace(table, flow=np.where(table.allowed, 1e4 * np.exp(np.asarray(eta)), 0.0))
    fit = calibrate(made, dataclasses.replace(model, pairs={}, held={}))
    assert fit.optimum.converged
    assert fit.estimates[-1] == pytest.approx(-0.2, abs=1e-8)


def test_the_held_out_fit_has_not_seen_the_whole(monkeypatch):
    """A search that takes no step leaves no scores: those of the fit to all pairs would be in sample."""
    seen = []

    def spy(*arguments, at=None, **named):
        seen.append(at)
        return calibrate(*arguments, at=at, **named)

    monkeypatch.setattr("flowmodel.interaction.compare.calibrate", spy)
    model = WORLD.specification("power", "production")
    compare(WORLD.table(), {"power": model}, share=0.2, seed=4, report=lambda name: None)
    assert seen == [None, None]
    row = compare(WORLD.table(), {"power": model}, share=0.2, seed=4, report=lambda name: None, most_steps=1).iloc[0]
    assert row.verdict == "max_steps"
    assert np.isnan(row.aic)
    assert np.isnan(row.held_out_cpc)


def test_a_poisson_regression_finds_its_coefficients():
    rng = np.random.default_rng(1)
    columns = np.column_stack([np.ones(400), rng.normal(size=400)])
    counts = np.exp(columns @ [2.0, -0.5])
    np.testing.assert_allclose(local.poisson(columns, counts), [2.0, -0.5], atol=1e-6)
    assert np.isnan(local.poisson(columns[:, [0, 1, 1]], counts)).all()
