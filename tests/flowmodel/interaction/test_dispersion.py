"""Tests of overdispersion against spint, least squares, and counts whose dispersion is known."""

import dataclasses
import json

import interaction_twin as twin
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from columbus import HOUSING, poisson_fit
from interaction_worlds import rectangle

from flowmodel.errors import FlowsError
from flowmodel.interaction.calibrate import calibrate
from flowmodel.interaction.scoring.dispersion import overdispersion, pearson_dispersion

SHAPE = (20, 25)
SEEDS = 400
LEVEL = 0.05
CHANCE = 1e-6
"""Chance that a test of many seeds fails although what it tests holds."""


def test_values_of_spint():
    y, mu, allowed = HOUSING[:, None], poisson_fit()[:, None], np.ones((49, 1), bool)
    linear = overdispersion(y, mu, allowed, variance="nb1")
    square = overdispersion(y, mu, allowed, variance="nb2")
    assert (linear.alpha, linear.t, linear.p) == pytest.approx((4.39968689, 2.3230411, 0.01008847), abs=1e-8)
    assert (square.alpha, square.t, square.p) == pytest.approx((0.10690133, 2.24709978, 0.01231683), abs=1e-8)


def test_quasi_poisson_of_spint(data_dir):
    folder = data_dir / "flows" / "spint_austria"
    y = pd.read_csv(folder / "austria_72_pairs.csv")[["flow"]].to_numpy()
    expected = json.loads((folder / "expected_from_test_gravity.json").read_text())
    plain, quasi = expected["test_BaseGravity_exp"], expected["test_QuasiPoisson"]
    mu = np.array(quasi["yhat"])[:, None]
    phi = pearson_dispersion(y, mu, np.ones((72, 1), bool), parameters=1)
    assert phi == pytest.approx(quasi["cov_params"][0][0] / plain["cov_params"][0][0], rel=1e-5)  # as printed
    assert phi == pytest.approx((quasi["std_err"][0] / plain["std_err"][0]) ** 2, rel=1e-6)


def test_least_squares_and_loops():
    rng = np.random.default_rng(4)
    mu = rng.gamma(1.0, 5.0, SHAPE)
    y = rng.poisson(mu * rng.gamma(2.0, 0.5, SHAPE))
    allowed = rng.random(SHAPE) < 0.7
    y[0, 0] = mu[0, 0] = 0  # says nothing, is left out
    allowed[0, 0] = True
    pairs = [(float(a), float(b)) for a, b in zip(y[allowed], mu[allowed], strict=True) if b > 0]
    z = np.array([((a - b) ** 2 - a) / b for a, b in pairs])
    x = np.array([b for _, b in pairs])
    mu[~allowed] = np.nan
    for variance, column in (("nb2", x), ("nb1", np.ones(len(x)))):
        (alpha,), (left,), *_ = np.linalg.lstsq(column[:, None], z, rcond=None)
        t = alpha / np.sqrt(left / (len(z) - 1) / (column @ column))
        found = overdispersion(y, mu, allowed, variance=variance)
        assert (found.alpha, found.t, found.p) == pytest.approx((alpha, t, scipy.stats.norm.sf(t)), rel=1e-10)
    phi = sum((a - b) ** 2 / b for a, b in pairs) / (len(pairs) - 7)
    assert pearson_dispersion(y, mu, allowed, parameters=7) == pytest.approx(phi, rel=1e-12)


def _worlds(alpha):
    """Counts with variance μ + α μ², their means, and means fitted by maximum likelihood: origins free, pulls known."""
    pull = np.random.default_rng(0).gamma(2.0, 1.0, SHAPE)
    for seed in range(SEEDS):
        rng = np.random.default_rng(1000 + seed)
        true = 5 * pull / pull.mean()
        y = rng.poisson(true * (rng.gamma(1 / alpha, alpha, SHAPE) if alpha else 1.0))
        yield y, true, pull * (y.sum(axis=1) / pull.sum(axis=1))[:, None]


@pytest.mark.parametrize("variance", ["nb1", "nb2"])
def test_poisson_counts_are_rejected_no_more_often_than_the_level(variance):
    allowed = np.ones(SHAPE, bool)
    rejected = sum(overdispersion(y, mu, allowed, variance=variance).p < LEVEL for y, _, mu in _worlds(0))
    assert rejected <= scipy.stats.binom.isf(CHANCE, SEEDS, LEVEL)


def test_overdispersed_counts_are_found_and_measured():
    allowed = np.ones(SHAPE, bool)
    found, known = [], []
    for y, true, mu in _worlds(0.3):
        found.append([overdispersion(y, mu, allowed, variance=variance).p for variance in ("nb1", "nb2")])
        known.append(overdispersion(y, true, allowed, variance="nb2").alpha)
    assert np.mean(np.array(found) < LEVEL, axis=0).min() > 0.99
    se = np.std(known, ddof=1) / np.sqrt(SEEDS)
    assert abs(np.mean(known) - 0.3) < -scipy.stats.norm.ppf(CHANCE / 2) * se
    assert se < 0.01


def test_pearson_dispersion_of_poisson_counts_is_one():
    allowed = np.ones(SHAPE, bool)
    phi = [pearson_dispersion(y, mu, allowed, parameters=SHAPE[0]) for y, _, mu in _worlds(0)]
    se = np.std(phi, ddof=1) / np.sqrt(SEEDS)
    assert abs(np.mean(phi) - 1) < -scipy.stats.norm.ppf(CHANCE / 2) * se
    assert se < 0.005


@pytest.mark.parametrize(
    ("observed", "fitted", "code"),
    [
        ([[1, 2]], [[0.0, 2.0]], "E-FLOWS-IMPOSSIBLE"),
        ([[0, 2]], [[0.0, 2.0]], "E-FLOWS-TOO-FEW"),
        ([[1, 2]], [[1.0, np.nan]], "E-FLOWS-VALUE"),
    ],
)
def test_fits_that_cannot_be_tested(observed, fitted, code):
    tables = np.array(observed), np.array(fitted), np.ones((1, 2), bool)
    for asked in (lambda: overdispersion(*tables, variance="nb2"), lambda: pearson_dispersion(*tables, parameters=1)):
        with pytest.raises(FlowsError) as caught:
            asked()
        assert caught.value.code == code


def test_counts_that_scatter_less_than_poisson_have_no_dispersion():
    """The score of a vanishing dispersion is all rounding: this needs the compiler's usual options."""
    world = rectangle("power")
    mean = twin.fit(world.problem("power", "production")).fitted
    even = dataclasses.replace(world.table(), flow=np.round(mean))
    model = world.specification("power", "production", family="negative_binomial")
    with pytest.raises(FlowsError, match="E-FAMILY-DISPERSION"):
        calibrate(even, model)
