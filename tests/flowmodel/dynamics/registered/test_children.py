"""Children of people who float: the account in closed form, its identities, and the target that sums over zones."""

import children_tables
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from flowmodel.dynamics.registered import children
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered import setup as registered
from flowmodel.dynamics.registered.accounts import places
from flowmodel.dynamics.registered.census.families import Families
from flowmodel.dynamics.registered.children import Away, Comoving
from flowmodel.dynamics.registered.country import Decade
from flowmodel.errors import ConfigError
from flowmodel.estimation import registered_metrics, registered_objective
from flowmodel.parameters.registered import registered_parameters
from flowmodel.results import registered as stock_results

pytestmark = pytest.mark.usefixtures("compiled_quickly")

ZONES = 6
PROVINCE = np.array([0, 0, 1, 1, 1, 2])


@pytest.fixture(scope="module")
def table():
    return children_tables.table()


@pytest.fixture(scope="module")
def ran(table):
    """(model, account closed) at the centres of the priors."""
    model = registered.build(table, children_tables.configuration(), jnp.float64)
    return model, _run(model)


def _run(model):
    return registered_run.run(
        model, registered_parameters(model.registry, model.registry.prior_centres(), model.groups.names)
    )


# --- the account alone, on pairs written by hand ---


def _families(**changed):
    rng = np.random.default_rng(1)
    given = {
        "young": rng.uniform(0.1, 0.3, ZONES),
        "kids": rng.uniform(0.1, 0.3, ZONES),
        "growing": 100.0,
        "school": rng.normal(size=ZONES),
        "strictness": np.array([0, 0, 0.25, 0.5, 1, 1]),
        "floats": np.array([1.0, 1, 1, 0, 0, 0]),
        "urban": rng.uniform(0.2, 0.8, ZONES),
    }
    return Families(**(given | changed))


def _account(of, comove, city=None, growth=1.0):
    """The account of two groups away at random, and who they are [start and end, group, origin, residence]."""
    rng = np.random.default_rng(2)
    away = rng.uniform(10, 1000, (2, 2, ZONES, ZONES)) * (1 - np.eye(ZONES))
    pairs = [
        Away(group, when, rows, away[when, group, rows])
        for group in (0, 1)
        for rows in (slice(0, 4), slice(4, 6))
        for when in (children.START, children.END)
    ]
    within, residents = rng.uniform(10, 500, (2, 2, ZONES)), rng.uniform(1e3, 1e4, (2, 2, ZONES))
    city = np.full(ZONES, -1) if city is None else city
    return children.account(pairs, within, residents, growth, of, PROVINCE, city, comove), away, within


def _comove(of, **changed):
    return children.comoving(
        of, {"comove_level": 0.3, "comove_school": 0.5, "comove_hukou": 1.0, "children_away": 1.7} | changed
    )


def test_children_of_people_away_are_here_or_there():
    of = _families()
    city = np.array([-1, -1, -1, 0, 0, 1])
    found, away, within = _account(of, _comove(of), city, growth=1.1)
    away[:, :, 3, 4] = away[:, :, 4, 3] = 0
    floating = away.sum(axis=3) + within * of.floats
    theirs = 1.7 * floating * of.kids * np.array([1, 1.1])[:, None, None]
    np.testing.assert_allclose(found.brought + found.left_behind, theirs, rtol=1e-12)
    np.testing.assert_allclose(found.migrant.sum(axis=2), found.brought.sum(axis=2), rtol=1e-12)
    np.testing.assert_allclose(
        (found.of_near + found.of_far).sum(axis=2)
        + 1.7 * (within * of.floats * of.kids * np.array([1, 1.1])[:, None, None]).sum(axis=2),
        theirs.sum(axis=2),
        rtol=1e-12,
    )


def test_migrant_children_are_a_sum_over_origins():
    of = _families()
    found, away, within = _account(of, _comove(of))
    c = expit(0.3 + 0.5 * of.school - of.strictness)
    own = expit(0.3 + 0.5 * of.school)
    expected = np.einsum("wgoj,o,j->wgj", away, 1.7 * of.kids, c) + within * of.floats * 1.7 * of.kids * own
    np.testing.assert_allclose(found.migrant, expected, rtol=1e-12)
    apart = PROVINCE[:, None] != PROVINCE
    np.testing.assert_allclose(found.of_far, np.einsum("wgoj,oj,o->wgj", away, apart, 1.7 * of.kids), rtol=1e-12)
    left = np.einsum("wgoj,o,j->wgo", away, 1.7 * of.kids, 1 - c) + within * of.floats * 1.7 * of.kids * (1 - own)
    np.testing.assert_allclose(found.left_behind, left, rtol=1e-12)


def test_nobody_is_left_behind_where_all_come_along():
    of = _families()
    everybody = Comoving(np.ones(ZONES), np.ones(ZONES), 1.0)
    found, away, within = _account(of, everybody)
    assert (found.left_behind == 0).all()
    np.testing.assert_allclose(found.brought, (away.sum(axis=3) + within * of.floats) * of.kids, rtol=1e-12)
    nobody, _, _ = _account(of, Comoving(np.zeros(ZONES), np.zeros(ZONES), 1.0))
    assert (nobody.migrant == 0).all()
    np.testing.assert_allclose(nobody.left_behind, found.brought, rtol=1e-12)


def test_districts_of_one_city_leave_nobody_behind():
    of = _families(floats=np.zeros(ZONES))
    found, _, _ = _account(of, _comove(of), city=np.zeros(ZONES, int))
    assert (found.migrant == 0).all()
    assert (found.left_behind == 0).all()


def test_schools_bring_children_and_strictness_keeps_them():
    of = _families()
    base = _comove(of)
    assert (_comove(of, comove_level=0.4).between > base.between).all()
    stricter = _comove(of, comove_hukou=2.0)
    assert (stricter.between[of.strictness > 0] < base.between[of.strictness > 0]).all()
    assert (stricter.between[of.strictness == 0] == base.between[of.strictness == 0]).all()
    assert (stricter.within == base.within).all()  # registration is the zone's own
    more = _comove(of, comove_school=1.0)
    assert ((more.between > base.between) == (of.school > 0)).all()


# --- what a census says of families ---


def test_children_are_those_under_eighteen(table, ran):
    model, of = ran[0], ran[0].families
    ages = table.census("residents_by_age", 2010).sum(axis=2)
    under = ages[:, :4].sum(axis=1) + 3 / 5 * ages[:, 4]
    np.testing.assert_allclose(of.young * table.population(2010), under, rtol=1e-12)
    growing = (ages[:, :2].sum(axis=1) + 3 / 5 * ages[:, 2]).sum()  # 0 to 7 in 2010
    np.testing.assert_allclose(of.growing, growing, rtol=1e-12)
    people = np.maximum(table.population(2010), model.margins.registered)
    np.testing.assert_allclose(of.kids, under / people, rtol=1e-12)
    assert (of.floats == (table.values("districts") == 0)).all()


def test_children_at_the_end_are_those_who_grow_up_and_those_born():
    of = _families(growing=50.0)
    residents, births = np.full(ZONES, 1000.0), np.full((25, ZONES), 3.0)
    factor = children.ageing(of, residents, births)
    assert (residents * of.young * factor).sum() == pytest.approx(50 + 18 * ZONES * 3)
    found, _, _ = _account(of, _comove(of), growth=factor)
    np.testing.assert_allclose(found.living[1] / (found.living + found.adults)[1], np.tile(of.young * factor, (2, 1)))
    np.testing.assert_allclose(found.living[0] / (found.living + found.adults)[0], np.tile(of.young, (2, 1)))


# --- a whole run ---


def test_the_account_of_a_run_closes(ran):
    model, closed = ran
    found, of = closed.children, model.families
    kids = model.registry["children_away"].fixed * of.kids
    growth = children.ageing(of, closed.closing[-1].sum(axis=0), closed.births.sum(axis=1))
    several = np.isin(city := places(model.table).city, _cities_of_several(city))
    assert 0 < several.sum() < len(city)
    for when, away, within in ((0, closed.away_start, closed.within_start), (1, closed.away[-1], closed.within[-1])):
        most = (away + within * of.floats) * kids * growth**when  # with those inside a city
        theirs = (found.brought + found.left_behind)[when]
        np.testing.assert_allclose(theirs[:, ~several], most[:, ~several], rtol=1e-9)
        assert (theirs[:, several] < most[:, several]).all()
        np.testing.assert_allclose(found.migrant[when].sum(), found.brought[when].sum(), rtol=1e-12)
    assert found.living[1].sum() == pytest.approx(of.growing + closed.births.sum())
    np.testing.assert_allclose((found.living + found.adults)[1], closed.closing[-1], rtol=1e-12)


def _cities_of_several(city):
    numbers, counts = np.unique(city[city >= 0], return_counts=True)
    return numbers[counts > 1]


def test_the_table_has_a_row_for_every_zone_and_census(ran):
    model, closed = ran
    table = stock_results.children_table(model, closed)
    assert list(table.columns[:4]) == ["zone", "name", "year", "children"]
    assert len(table) == 2 * len(model.table.codes)
    np.testing.assert_allclose(table["left_behind_rural"] + table["left_behind_town"], table["left_behind"])
    last = table[table["year"] == 2020]
    np.testing.assert_allclose(last["migrant_children"], closed.children.migrant[1].sum(axis=0))


def test_figures_stand_beside_their_year_only(ran):
    model, closed = ran
    report = registered_metrics.national_children(model, closed.children)
    assert "published" not in report["2010"]["children"]
    migrant = report["2020"]["migrant_children"]
    assert migrant["published"] == 71.09e6
    assert migrant["ratio"] == pytest.approx(migrant["modelled"] / 71.09e6)
    assert report["2020"]["left_behind"]["published_range"] == [60e6, 67e6]


def test_no_children_unless_asked(table):
    config = children_tables.configuration()
    stock = config.model.stock.model_copy(update={"children": None})
    config = config.model_copy(update={"model": config.model.model_copy(update={"stock": stock})})
    model = registered.build(table, config, jnp.float64)
    assert model.families is None
    assert not [entry for entry in model.registry.entries if entry.name.startswith("comove")]


# --- as a target ---


@pytest.fixture(scope="module")
def goal(table):
    """(model, objective) of a fit to children."""
    config = children_tables.configuration('fit.targets=["growth", "national_total", "children"]')
    model = registered.build(table, config, jnp.float64)
    return model, registered_objective.objective(model, config.fit)


def test_the_target_frees_what_two_figures_tell(goal):
    free = {entry.name for entry in goal[0].registry.free}
    assert free >= {"comove_level", "children_away"}
    assert not free & {"comove_school", "comove_hukou"}


def test_the_target_agrees_with_the_account_of_pairs(goal):
    model, objective = goal
    centres = {entry.name: entry.prior_mean for entry in model.registry.free}
    both = jax.jit(lambda natural: (objective.decade(natural), objective.terms(natural)["children"]))
    for changed, tolerance in (
        ({"comove_level": -1.0, "children_away": 2.5}, 1e-9),  # as at the centres: children move nobody
        ({"distance": 1.3, "departure_level": -3.7, "return_level": -2.7}, 0.01),
    ):
        natural = model.registry.vector(centres | changed)
        parameters, (end, term) = objective.parameters(natural), both(natural)
        said = objective.children.predicted(end, parameters.observed)
        assert term == pytest.approx(float(objective.children.term(end, parameters.observed)), rel=1e-9)
        found = registered_run.run(model, parameters).children
        np.testing.assert_allclose(said, [found.migrant[1].sum(), found.left_behind[1].sum()], rtol=tolerance)


def test_the_target_is_normal_in_the_log_and_has_its_slope(goal):
    model, objective = goal
    rng = np.random.default_rng(4)
    pools = jnp.asarray(rng.uniform(1e4, 1e6, (3, 1, len(model.table.codes))))
    names = ("comove_level", "comove_school", "comove_hukou", "children_away")
    values = jnp.asarray([0.2, 0.3, 0.8, 1.5])

    def term(pools, values):
        end = Decade(pools[0], *pools, None)
        return objective.children.term(end, dict(zip(names, values, strict=True)))

    said = objective.children.predicted(Decade(pools[0], *pools, None), dict(zip(names, values, strict=True)))
    expected = np.sum((np.log(said) - np.log([71.09e6, 63.5e6])) ** 2) / (2 * 0.01**2)
    assert term(pools, values) == pytest.approx(expected, rel=1e-9)
    by_pools, by_values = jax.grad(term, argnums=(0, 1))(pools, values)
    direction, turn = pools * rng.normal(size=pools.shape), jnp.asarray(rng.normal(size=4))
    step = 1e-6
    numeric = (
        term(pools + step * direction, values + step * turn) - term(pools - step * direction, values - step * turn)
    ) / (2 * step)
    assert jnp.sum(by_pools * direction) + by_values @ turn == pytest.approx(float(numeric), rel=1e-5)
    assert (by_values != 0).all()


def test_the_target_needs_the_account_and_its_year():
    with pytest.raises(ConfigError, match=r"children needs \[model.stock.children\]"):
        children_tables.configuration('fit.targets=["children"]', "model.stock={}")
    with pytest.raises(ConfigError, match="the published numbers are of 2015"):
        children_tables.configuration('fit.targets=["children"]', "model.stock.children.published.year=2015")
