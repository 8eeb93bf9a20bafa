"""A world with registration gives back the values it was made with, and intervals hold as often as they say.

Every replicate draws its truth from the priors and its census from the likelihoods, and is fitted as a user's would be,
from the centres of the priors. So the claim is the one that a user reads: an interval with priors is right for nine in
ten of the worlds that the priors allow. A truth that stayed in one place would be pulled towards the priors' centres
in every replicate alike, and flat priors are not what is shipped. What the data do not know is right by construction;
therefore most intervals must also be far narrower than their priors.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import recovery_worlds

from flowmodel.dynamics.registered import setup as registered
from flowmodel.errors import ConfigError
from flowmodel.estimation import inference, registered_objective, search, synthetic
from flowmodel.estimation.census import census

pytestmark = pytest.mark.usefixtures("compiled_quickly")


@pytest.fixture(scope="module")
def world():
    """Zones with a last census free of errors, the configuration and the objective."""
    parsed = recovery_worlds.configuration()
    table = synthetic.observe(recovery_worlds.table(), parsed)
    model = registered.build(table, parsed, jnp.float32)
    return table, parsed, registered_objective.objective(model, parsed.fit)


@pytest.fixture(scope="module")
def expected(world):
    """Residents and bands at the end as the model has them."""

    def counted(goal, natural):
        end = goal.decade(natural)
        return end.residents.sum(axis=0), registered_objective.banded(end, goal.country)

    return jax.jit(counted)


def from_priors(registry, rng):
    """Values of the free parameters, drawn within their bounds."""

    def one(entry):
        value = entry.from_score(rng.normal())
        return value if entry.lower < value < entry.upper else one(entry)

    return np.array([one(entry) for entry in registry.free])


def counted_at_random(goal, expected, truth, fit, rng):
    """The objective of a census drawn around `truth`."""
    start = np.asarray(goal.observed.census.start)
    residents, bands = map(np.asarray, expected(goal, jnp.asarray(truth)))
    values = goal.registry.values(truth)
    end = np.rint(synthetic.drawn_residents(rng, start, residents, values, fit))
    bands = synthetic.drawn_bands(rng, bands, values, fit)
    seen = census(jnp.asarray(start), jnp.asarray(end))
    return dataclasses.replace(goal, observed=dataclasses.replace(goal.observed, census=seen, bands=jnp.asarray(bands)))


def replicate(goal, expected, fit, seed):
    """Truth, both ends of every interval, and standard errors, from one fit to one census."""
    rng = np.random.default_rng([7, seed])
    truth = from_priors(goal.registry, rng)
    drawn = counted_at_random(goal, expected, truth, fit, rng)
    found = search.search(drawn, goal.registry.prior_centres(), fit, lambda *_: None)
    assert found.verdict == "converged", f"replicate {seed}"
    known = inference.infer(drawn, jnp.asarray(found.natural), found.derivatives)
    rows = zip(goal.registry.free, found.natural, known.se, strict=True)
    ends = np.array([inference.interval(entry, value, se) for entry, value, se in rows])
    return truth, ends[:, 0], ends[:, 1], known.se


@pytest.mark.parametrize(
    ("replicates", "range_of_all", "least_of_one"),
    [(8, (0.8, 1.0), 0.5), pytest.param(50, (0.85, 0.95), 0.76, marks=pytest.mark.long)],
)
def test_intervals_hold_the_truth_nine_times_in_ten(world, expected, replicates, range_of_all, least_of_one):
    _, parsed, goal = world
    truth, lower, upper, se = np.stack([replicate(goal, expected, parsed.fit, i) for i in range(replicates)], axis=1)
    names = [entry.name for entry in goal.registry.free]
    holds = (lower <= truth) & (truth <= upper)
    by_name = dict(zip(names, holds.mean(axis=0), strict=True))
    assert len(names) == 18
    assert np.isfinite(se).mean() > 0.99
    least, most = range_of_all
    assert least <= holds.mean() <= most, by_name
    assert min(by_name.values()) >= least_of_one, by_name
    narrower = np.nanmedian(se, axis=0) / np.asarray(goal.registry.prior_sds())
    assert (narrower < 0.4).sum() >= 16, dict(zip(names, narrower, strict=True))


def test_the_made_census_is_what_the_objective_expects(world, expected):
    table, parsed, goal = world
    truth = goal.registry.vector(parsed.truth)
    residents, bands = map(np.asarray, expected(goal, truth))
    np.testing.assert_allclose(residents, table.population(2020), rtol=1e-5, atol=1)
    np.testing.assert_allclose(bands, goal.observed.bands, rtol=1e-5, atol=1)
    assert (table.census("in_migrants", 2020, band="same_county") % 1 == 0).all()
    before = recovery_worlds.table()
    np.testing.assert_array_equal(table.census("registered", 2010), before.census("registered", 2010))
    assert not table.asked("registered", 2020)


def test_errors_are_those_of_the_likelihoods(world):
    table, parsed, _ = world
    start, truth = table.population(2010), parsed.truth
    made = [synthetic.observe(table, parsed, noise=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0].population(2020), made[1].population(2020))
    assert (made[0].population(2020) != made[2].population(2020)).all()
    scale = np.sqrt(truth["noise"] ** 2 + truth["noise_size"] ** 2 / start)
    for one in made[1:]:
        errors = np.log(one.population(2020) / table.population(2020)) / scale
        # The median size of a t with 4 degrees of freedom is 0.741.
        assert np.median(np.abs(errors)) == pytest.approx(0.741, abs=0.15)
        total = np.log(one.population(2020).sum() / table.population(2020).sum())
        assert 0 < abs(total) < 5 * parsed.fit.national_sd
        for band in ("same_county", "other_county", "other_province"):
            ratio = one.census("in_migrants", 2020, band=band) / table.census("in_migrants", 2020, band=band)
            assert np.var(ratio) == pytest.approx(truth[f"dispersion_{band}"], rel=0.4)


def test_errors_without_a_size_are_refused(world):
    table, parsed, _ = world
    less = {name: value for name, value in parsed.truth.items() if name != "dispersion_other_county"}
    with pytest.raises(ConfigError, match=r"E-TRUTH.*lacks \['dispersion_other_county'\]"):
        synthetic.observe(table, parsed.model_copy(update={"truth": less}), noise=1)
