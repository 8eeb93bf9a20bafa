"""Hold-outs: what a fold may not see changes nothing in it; a start does not matter; least squares are as blind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import stock_tables
import worlds

from flowmodel import config
from flowmodel.config import Temporal
from flowmodel.dynamics.registered import setup as stock_model
from flowmodel.dynamics.residents import setup
from flowmodel.estimation import objective, refit, search
from flowmodel.estimation import registered_objective as stock_objectives
from flowmodel.evaluation import baselines, placebo, province_pairs, scores, strata, temporal
from flowmodel.evaluation import folds as holding
from flowmodel.evaluation.scores import Resampling
from flowmodel.zones.table import ZoneTable

pytestmark = pytest.mark.usefixtures("compiled_quickly")


def quiet(*_):
    return None


def with_outcomes(table: ZoneTable, held: np.ndarray, factor: float) -> ZoneTable:
    """`table` with everything that 2020 counted in the zones `held` multiplied, each zone differently."""
    data = table.data.copy(deep=True)
    last = int(np.flatnonzero(data["year"].values == 2020)[0])
    by_zone = factor * (1 + np.arange(held.sum()) / 10)
    for name in ("population", "census_urban", "census_in_migrants"):
        values = data[name].values
        values[held, last] = np.rint(values[held, last] * by_zone.reshape(-1, *[1] * (values.ndim - 2)))
    return ZoneTable(data)


@pytest.fixture(scope="module")
def table():
    return stock_tables.table()


@pytest.fixture(scope="module")
def asked():
    return stock_tables.configuration()


@pytest.fixture(scope="module")
def folds(table):
    return holding.one_by_one(table.values("province"))


@pytest.fixture(scope="module")
def goal(table, asked):
    built = stock_model.build(table, asked, jnp.float64)
    return stock_objectives.objective(built, asked.fit)


@pytest.fixture(scope="module")
def whole(goal, asked):
    outcome = search.search(goal, goal.registry.prior_centres(), asked.fit, quiet)
    assert outcome.verdict == "converged"
    return outcome


@pytest.fixture(scope="module")
def anchor(goal, whole):
    return refit.anchored(goal, jnp.asarray(whole.natural))


def test_a_search_that_begins_at_its_optimum_stays_there(goal, whole, anchor, asked):
    again = refit.from_anchor(goal, anchor, asked.fit, quiet)
    assert again.verdict == "converged"
    assert again.steps <= 10
    np.testing.assert_allclose(again.natural, whole.natural, rtol=1e-3, atol=1e-4)


def test_what_a_fold_holds_out_does_not_change_its_prediction_by_a_bit(table, asked, folds, goal, anchor):
    fold = folds[2]
    bent = with_outcomes(table, fold.held, 3.0)
    other = stock_objectives.objective(stock_model.build(bent, asked, jnp.float64), asked.fit)
    fit = asked.fit.model_copy(update={"tolerance": 0.01})
    province = table.indices("province")
    one, two = (holding.held_out(of, [fold], anchor, fit, province, quiet) for of in (goal, other))
    assert np.array_equal(one.naturals, two.naturals)
    assert np.array_equal(one.predicted, two.predicted, equal_nan=True)
    # Not because nothing was bent: seen, it changes the fit.
    assert float(goal(jnp.asarray(one.naturals[0]))) != float(other(jnp.asarray(one.naturals[0])))


def test_a_fold_ends_in_the_same_place_wherever_it_begins(goal, folds, anchor, asked, table):
    fit = asked.fit.model_copy(update={"tolerance": 0.01})
    found = holding.held_out(goal, folds, anchor, fit, table.indices("province"), quiet)
    assert max(found.remaining) <= 0.01
    assert not np.isnan(found.predicted).any()
    apart = holding.from_priors(goal, folds[:1], found, anchor, fit, table.indices("province"))
    assert apart[0] < 2e-3
    # Folds do differ: each has seen something else.
    assert np.abs(found.naturals[0] - found.naturals[1]).max() > 1e-3


def test_the_jackknife_of_a_mean_is_its_variance():
    values = np.random.default_rng(3).normal(size=(20, 2))
    left_out = (values.sum(axis=0) - values) / 19
    np.testing.assert_allclose(holding.jackknife_covariance(left_out), np.cov(values.T) / 20, rtol=1e-12)


def test_pairs_of_a_province_held_out_are_not_seen(goal, table, folds):
    province = table.indices("province")
    part = holding.masked(goal, folds[1].held, province)
    seen = np.asarray(part.observed.pairs_seen)
    assert not seen[1].any()
    assert not seen[:, 1].any()
    count = len(folds)
    assert seen.sum() == (count - 1) * (count - 2)
    assert float(part.observed.census.national) == table.population(2020)[~folds[1].held].sum()


def test_blocks_hold_whole_prefectures_once(table):
    codes = table.values("prefecture")
    drawn = holding.blocks(codes, 5, 1)
    held = np.stack([fold.held for fold in drawn])
    assert (held.sum(axis=0) == 1).all()
    for code in np.unique(codes):
        assert (held[:, codes == code].any(axis=1)).sum() == 1
    assert held.sum(axis=1).max() - held.sum(axis=1).min() <= 4


def test_a_fold_of_residents_alone_is_blind_as_well():
    world, asked = stock_tables.table(), worlds.configuration()
    held = world.values("province") == "2"
    goals = [
        objective.objective(setup.build(one, asked, jnp.float64), asked.fit)
        for one in (world, with_outcomes(world, held, 2.0))
    ]
    start = refit.anchored(goals[0], goals[0].registry.prior_centres())
    ends = [
        holding.held_out(goal, [holding.Fold("2", held)], start, asked.fit, None, quiet).predicted[0, held]
        for goal in goals
    ]
    assert np.array_equal(*ends)


def test_baselines_never_see_what_is_held_out(table, folds):
    start, end = table.population(2010), table.population(2020)
    known = {"ols": np.stack([table.values("schooling"), table.values("housing")], axis=1)}

    def said(fold, outcome):
        return baselines.spatial(start, outcome, table.counted(2000), start, known, [fold])

    bent = end.copy()
    bent[folds[0].held] *= 7
    one, two = said(folds[0], end), said(folds[0], bent)
    for name, values in one.items():
        assert np.array_equal(values, two[name], equal_nan=True), name
    assert np.isnan(one["ols"][~folds[0].held]).all()
    columns = baselines.design(start, known["ols"])
    by_hand = start * np.exp(baselines.least_squares(columns, np.log(end / start), ~folds[0].held))
    np.testing.assert_array_equal(one["ols"][folds[0].held], by_hand[folds[0].held])


def temporal_section(**variant):
    section = {"since": 2000, "birth_rate": 0.012, "death_rate": 0.0065, "variants": {"v": variant}}
    return Temporal.model_validate(section)


@pytest.fixture(scope="module")
def hasty(asked):
    """A search that stops early: a forecast must be blind wherever it ended."""
    return asked.model_copy(update={"fit": asked.fit.model_copy(update={"adam_steps": 0, "lbfgs_steps": 10})})


@pytest.mark.parametrize("registered", [False, True])
def test_a_forecast_knows_nothing_of_the_end(table, hasty, registered):
    section = temporal_section(
        attraction=["log_potential", "schooling"], departure=["log_density_then"], registered=registered
    )
    everything = np.ones(len(table.codes), bool)
    ends = []
    for one in (table, with_outcomes(table, everything, 4.0)):
        found = temporal.forward(one, hasty, section, "v", jnp.float64, quiet)
        carried = temporal.with_persistence(one, section, 2010, found.predicted["v"], found.then)
        ols, _ = temporal.least_squares(one, section, "v", 2010)
        ends.append(np.stack([found.predicted["v"], carried, ols]))
    assert np.array_equal(*ends)
    assert np.isfinite(ends[0]).all()


def test_zones_not_counted_before_are_predicted_but_not_fitted(table, hasty):
    data = table.data.copy(deep=True)
    data["population"].values[:3, 0] = np.nan
    part = ZoneTable(data)
    section = temporal_section(attraction=["log_around"])
    found = temporal.forward(part, hasty, section, "v", jnp.float64, quiet)
    assert np.isnan(found.then[:3]).all()
    assert np.isfinite(found.predicted["v"]).all()
    assert np.isnan(temporal.baselines(part, section, 2010, table.population(2010))["half_trend"][:3]).all()


def test_half_a_residual_is_carried_on(table):
    section = temporal_section(attraction=["log_area"])
    then = table.population(2010) * np.where(np.arange(48) < 24, 1.0, 1.21)
    said = table.population(2010) * 1.05
    carried = temporal.with_persistence(table, section, 2010, said, then)
    ratio = carried / said
    np.testing.assert_allclose(ratio[24:] / ratio[0], 1 / 1.1)
    np.testing.assert_allclose(carried.sum(), said.sum())


def test_shuffled_growth_is_the_same_growth_elsewhere(goal, whole):
    dealt = placebo.shuffled(goal, whole.natural, 3)
    before, after = goal.observed.census, dealt.observed.census
    growths = [np.log(np.asarray(c.end) / np.asarray(c.start)) for c in (before, after)]
    shift = np.sort(growths[1]) - np.sort(growths[0])
    np.testing.assert_allclose(shift, shift[0], atol=1e-12)
    np.testing.assert_allclose(float(after.national), float(before.national))
    assert np.abs(np.corrcoef(growths)[0, 1]) < 0.5
    assert not np.allclose(np.asarray(dealt.observed.bands), np.asarray(goal.observed.bands))


def test_the_divide_turns_about_its_middle():
    lon = np.array([127.0, 121.5, 75.0, 91.0, 113.3, 114.0, 112.5])
    lat = np.array([45.0, 31.2, 39.5, 29.6, 23.1, 38.9, 38.9])
    data = worlds.table(7).data
    data["lon"].values[:], data["lat"].values[:] = lon, lat
    at = {degrees: placebo.rotated(ZoneTable(data), degrees).values("east").tolist() for degrees in (0, 90, 180)}
    assert at[0][:5] == [1, 1, 0, 0, 1]  # Harbin, Shanghai, Kashgar, Lhasa, Canton
    assert [1 - side for side in at[0]] == at[180]
    assert at[90][0] != at[90][4]  # the north-east and the south, both east of the real one, are parted
    assert at[90][1] != at[90][0] or at[90][1] != at[90][4]


def test_intervals_come_from_whole_blocks():
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(20), 30)
    start = np.full(600, 1000.0)
    observed = start * np.exp(np.repeat(rng.normal(0, 0.1, 20), 30))
    said = {"zero": start.copy(), "true": observed.copy()}
    strata_of = {"all": np.ones(600, bool)}
    alone, apart = (
        scores.scored("p", start, observed, said, strata_of, Resampling(b, 200, 1, 0.9), [("true", "zero")])
        for b in (block, np.arange(600))
    )

    def width(rows):
        row = rows[(rows["model"] == "zero") & (rows["metric"] == "rmse")].iloc[0]
        assert row["lower"] < row["value"] < row["upper"]
        return row["upper"] - row["lower"]

    # Zones of a block are copies of each other: drawn one by one they pretend to be thirty times as many.
    assert width(alone) > 3 * width(apart)
    both = alone[(alone["model"] == "true minus zero") & (alone["metric"] == "rmse")].iloc[0]
    assert both["upper"] < 0
    assert (alone["zones"] == 600).all()


def test_models_are_scored_where_all_of_them_speak():
    start = np.full(10, 100.0)
    observed = np.linspace(90, 120, 10)
    partly = np.where(np.arange(10) < 4, np.nan, 100.0)
    said, everywhere = {"a": start, "b": partly}, {"all": np.ones(10, bool)}
    rows = scores.scored("p", start, observed, said, everywhere, Resampling(np.arange(10), 20, 1, 0.9))
    assert set(rows["zones"]) == {6}


def test_strata_part_the_zones(table):
    found = strata.strata(table, table.population(2010), table.population(2020))
    for kind in ("residents", "log growth"):
        assert (sum(mask.astype(int) for name, mask in found.items() if name.startswith(kind)) == 1).all()
    assert (found["east"] ^ found["west"]).all()
    assert (found["city districts"] ^ found["counties"]).all()


def test_pairs_are_held_out_once_and_never_seen(table, asked, goal):
    stocks = stock_tables.between()
    fold = province_pairs.pair_folds(8, 5, 1)
    assert (np.diag(fold) == -1).all()
    assert sorted(np.bincount(fold[fold >= 0])) == [11, 11, 11, 11, 12]
    built = stock_model.build(table, asked, jnp.float64)
    bent = np.where(fold == 0, stocks * 9, stocks)
    margins, first = built.margins, built.years[0]
    one, two = (province_pairs.regressions(table, margins, first, of, fold) for of in (stocks, bent))
    for name, values in one.items():
        assert np.array_equal(values[fold == 0], two[name][fold == 0]), name
        assert not np.array_equal(values[fold == 1], two[name][fold == 1]), name


def test_a_fold_of_pairs_is_blind(table, monkeypatch):
    tables = stock_tables.settings()
    tables["fit"]["targets"].append("interprovincial")
    tables["fit"]["interprovincial"] = {"file": "x", "origin": "o", "destination": "d", "stock": "s"}
    wide = config.typed(config.Config, tables, "test")
    built = stock_model.build(table, wide, jnp.float64)
    stocks, fold = stock_tables.between(), province_pairs.pair_folds(8, 5, 1)
    bent = np.where(fold == 0, stocks * 9 + 50, stocks)
    value, values = jax.jit(lambda goal, natural: goal(natural)), []

    def only_look(goal, anchor, *_):
        values.append(float(value(goal, anchor.point)))
        return search.Outcome(np.asarray(anchor.point), 0.0, 0.0, "converged", 1, (0.0,))

    monkeypatch.setattr(refit, "from_anchor", only_look)
    start = refit.Anchor(*[built.registry.prior_centres()] * 4)
    with jax.numpy_dtype_promotion("standard"):
        for of in (stocks, bent):
            goal = stock_objectives.objective(built, wide.fit, of)
            found = province_pairs.held_out(goal, fold, start, wide.fit, quiet)
    # The first fold does not see what was bent in it; all others do.
    assert [one == other for one, other in zip(values[:5], values[5:], strict=True)] == [True, *[False] * 4]
    assert np.isnan(np.diag(found.predicted)).all()
    assert (found.predicted[fold >= 0] > 0).all()
