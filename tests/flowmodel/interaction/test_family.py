"""What one pair says of its mean, against probabilities of counts and against differences of its own likelihood."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from scipy.special import logsumexp

from flowmodel.interaction.likelihood.family import Family, evidence

pytestmark = pytest.mark.usefixtures("compiled_quickly")
MEANS = np.geomspace(1e-3, 1e4, 29)
BELOW = (1, 2, 10, 40)
ALPHAS = (0.0, 0.05, 1.5, 20.0)
CASES = list(product(BELOW, ALPHAS))
FAR = 3000
"""Counts beyond the threshold that are summed where few reach it."""

_evidence = jax.jit(evidence)


def _family(alpha, below=None, unlisted="censored", per_unit=1.0):
    return Family(jnp.asarray(alpha), jnp.asarray(per_unit), binomial=alpha > 0, below=below, unlisted=unlisted)


def _law(alpha, mean):
    return scipy.stats.nbinom(1 / alpha, 1 / (1 + alpha * mean)) if alpha else scipy.stats.poisson(mean)


def _found(family, flow, *, listed, means=MEANS):
    wide = np.broadcast_to(flow, means.shape).astype(float)
    result = _evidence(family, jnp.log(means), jnp.asarray(wide), jnp.full(means.shape, listed))
    return tuple(np.asarray(part) for part in result)


def _moments(alpha, counts, means=MEANS):
    """Logarithm of the chance of some counts, mean and variance among them."""
    log_pmf = _law(alpha, means).logpmf(counts[:, None])
    log_chance = logsumexp(log_pmf, axis=0)
    share = np.exp(log_pmf - log_chance)
    mean = (share * counts[:, None]).sum(axis=0)
    return log_chance, mean, (share * (counts[:, None] - mean) ** 2).sum(axis=0)


def _above(alpha, below):
    """The same of all counts from the threshold on: by sums where they are rare, else by what is left."""
    law, spread = _law(alpha, MEANS), MEANS * (1 + alpha * MEANS)
    chance = law.sf(below - 1)
    rest = np.arange(below)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = (MEANS - (rest * law.pmf(rest)).sum(axis=0)) / chance
        variance = (spread + MEANS**2 - (rest**2 * law.pmf(rest)).sum(axis=0)) / chance - mean**2
        common = np.log(chance), mean, variance
    return [
        np.where(chance > 1e-3, *both) for both in zip(common, _moments(alpha, below + np.arange(FAR)), strict=True)
    ]


@pytest.mark.parametrize(("below", "alpha"), CASES)
def test_a_flow_below_the_threshold(below, alpha):
    family, spread = _family(alpha, below), 1 + alpha * MEANS
    log_chance, mean, variance = _moments(alpha, np.arange(below))
    likelihood, score, weight = _found(family, 0.0, listed=False)
    np.testing.assert_allclose(likelihood, log_chance, rtol=1e-10, atol=1e-10 * MEANS.min())

    np.testing.assert_allclose(score, (mean - MEANS) / spread, rtol=1e-10, atol=1e-13)
    informed = (MEANS * (1 + alpha * mean) - variance) / spread**2
    np.testing.assert_allclose(weight, informed, rtol=1e-8, atol=1e-12)
    assert np.all(weight >= 0)
    # Where hardly any flow reaches the threshold those are differences of like numbers, and these are not.
    push = np.exp(np.log(below) + _law(alpha, MEANS).logpmf(below) - log_chance)
    np.testing.assert_allclose(score, -push, rtol=1e-9, atol=1e-290)
    few = below / 2 > MEANS
    np.testing.assert_allclose(weight[few], (push * ((below - MEANS) / spread + push))[few], rtol=1e-9, atol=1e-290)


@pytest.mark.parametrize(("below", "alpha"), [*CASES, (100, 0.0), (100, 1.5)])
def test_a_flow_that_reached_the_threshold(below, alpha):
    spread, flow = 1 + alpha * MEANS, below + 3.0
    log_chance, mean, variance = _above(alpha, below)
    likelihood, score, weight = _found(_family(alpha, below, "truncated"), flow, listed=True)
    seen = _found(_family(alpha), flow, listed=True)[0]
    np.testing.assert_allclose(likelihood, seen - log_chance, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(score, (flow - mean) / spread, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(weight, variance / spread**2, rtol=1e-7, atol=1e-11)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_flow_that_is_seen(alpha):
    for flow in (0, 1, 40, 12_345):
        likelihood, score, weight = _found(_family(alpha), flow, listed=True)
        expected = _law(alpha, MEANS).logpmf(flow)
        gained = np.abs(expected - expected[0])
        assert np.all(np.abs((likelihood - likelihood[0]) - (expected - expected[0])) <= 1e-9 * (1 + gained + flow))
        spread = 1 + alpha * MEANS
        np.testing.assert_allclose(score, (flow - MEANS) / spread, rtol=1e-12)
        np.testing.assert_allclose(weight, MEANS * (1 + alpha * flow) / spread**2, rtol=1e-12)


@pytest.mark.parametrize("unlisted", ["censored", "truncated"])
@pytest.mark.parametrize("below", [2, 40])
def test_scores_and_weights_are_derivatives(below, unlisted):
    """Of the likelihood itself, five points; the weight of a truncated negative binomial flow is expected."""
    step = 2e-3
    for alpha, per_unit in ((0.0, 1.0), (0.0, 2.3), (0.7, 1.0)):
        family = _family(alpha, below, unlisted, per_unit)
        at = partial(_found, family, per_unit * (below + 1.0), listed=unlisted == "truncated")
        far_left, left, here, right, far_right = (at(means=MEANS * np.exp(k * step)) for k in (-2, -1, 0, 1, 2))
        size = 1e-9 * (np.abs(here[0]) + per_unit * below)
        slope = (8 * (right[0] - left[0]) - (far_right[0] - far_left[0])) / (12 * step)
        assert np.all(np.abs(here[1] - slope) <= 1e-8 * (np.abs(here[1]) + MEANS) + size)
        if alpha == 0 or unlisted == "censored":
            curve = -(8 * (right[1] - left[1]) - (far_right[1] - far_left[1])) / (12 * step)
            assert np.all(np.abs(here[2] - curve) <= 1e-8 * (here[2] + MEANS + size))


def test_units_of_several_persons():
    """A list that counts households of p persons: everything is p times that of the households."""
    small, large = _family(0.0, 10), _family(0.0, 10, per_unit=2.5)
    for listed in (False, True):
        one = _found(small, 14.0, listed=listed)
        many = _found(large, 2.5 * 14.0, listed=listed, means=2.5 * MEANS)
        for single, all_of_it in zip(one[1:], many[1:], strict=True):
            np.testing.assert_allclose(2.5 * single, all_of_it, rtol=1e-11)
