"""Drawn tables against the distributions they are drawn from, and their margins, to the person."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from flowmodel.errors import FlowsError
from flowmodel.interaction.draws import draw

SHAPE = (4, 5)
DRAWS = 2000
ALLOWED = np.ones(SHAPE, bool)
ALLOWED[[0, 1, 3], [0, 1, 4]] = False  # among them the very last pair
ALLOWED[2] = False
CHANCE = 1e-6
"""Chance that a right draw fails a test of all its entries: a normal bound, shared equally among them."""


def _fitted():
    """Whole sums of origins and destinations, NaN where nobody may read, a zone without anybody, a pair without."""
    fitted = np.full(SHAPE, np.nan)
    fitted[ALLOWED] = np.round(np.random.default_rng(11).gamma(1.0, 8.0, ALLOWED.sum()) + 0.5)
    fitted[0, 1] = 0
    fitted[0, 2] += 0.25  # one circle of four pairs: the sums stay whole
    fitted[0, 3] -= 0.25
    fitted[1, 2] -= 0.25
    fitted[1, 3] += 0.25
    return fitted


def _covariance(hold, mean):
    """Of the flattened table: Poisson, less what is known of it by each held sum."""
    index = np.arange(mean.size).reshape(mean.shape)
    parts = {"total": [index.ravel()], "origin": list(index), "destination": list(index.T), None: []}[hold]
    flat = mean.ravel()
    covariance = np.diag(flat)
    for part in parts:
        if flat[part].sum() > 0:
            covariance[np.ix_(part, part)] -= np.outer(flat[part], flat[part]) / flat[part].sum()
    return covariance


@pytest.mark.parametrize("hold", ["total", "origin", "destination", None])
def test_mean_and_covariance_of_many_draws(hold):
    fitted, kind = _fitted(), "poisson" if hold is None else "multinomial"
    draws = np.array([draw(fitted, ALLOWED, seed=seed, hold=hold, kind=kind).ravel() for seed in range(DRAWS)])
    mean = np.where(ALLOWED, fitted, 0.0)
    centred = draws - mean.ravel()
    _within(centred, np.zeros(mean.size))
    products = centred[:, :, None] * centred[:, None, :]
    upper = np.triu_indices(mean.size)
    _within(products[:, *upper], _covariance(hold, mean)[upper])


def _within(samples, expected):
    """Means of columns lie within so many standard errors that CHANCE of all of them do not; constants are exact."""
    se = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    bound = -NormalDist().inv_cdf(CHANCE / 2 / samples.shape[1])
    assert np.all(np.abs(samples.mean(axis=0) - expected) <= bound * se + 1e-9)


def test_margins_are_held_to_the_person():
    fitted = _fitted()
    mean = np.where(ALLOWED, fitted, 0.0)
    for seed in range(20):
        by = {hold: draw(fitted, ALLOWED, seed=seed, hold=hold) for hold in ("total", "origin", "destination")}
        assert by["total"].sum() == mean.sum()
        assert by["origin"].sum(axis=1).tolist() == mean.sum(axis=1).tolist()
        assert by["destination"].sum(axis=0).tolist() == mean.sum(axis=0).tolist()
        for table in by.values():
            assert table.dtype == np.int64
            assert table.min() >= 0
            assert not table[~ALLOWED].any()
            assert not table[mean == 0].any()


def test_nobody_lands_where_rounding_would_put_them():
    """So many people that the rounding of a sum of shares is some of them, and a last pair that is not allowed."""
    fitted = np.random.default_rng(2).gamma(0.3, 1.0, (3, 1001))
    allowed = np.ones(fitted.shape, bool)
    allowed[:, -1] = False
    fitted *= 4e15 / np.where(allowed, fitted, 0).sum(axis=1, keepdims=True)
    for seed in range(20):
        drawn = draw(fitted, allowed, seed=seed, hold="origin")
        assert drawn.sum(axis=1).tolist() == [4 * 10**15] * 3
        assert not drawn[~allowed].any()


def test_same_seed_same_bytes():
    fitted = _fitted()
    for hold in ("total", "origin", "destination", None):
        kind = "poisson" if hold is None else "multinomial"
        first, again, other = (draw(fitted, ALLOWED, seed=seed, hold=hold, kind=kind) for seed in (7, 7, 8))
        assert first.tobytes() == again.tobytes()
        assert first.tobytes() != other.tobytes()


def test_the_noise_of_a_fit_is_rounded_away_and_no_more():
    allowed = np.ones((2, 2), bool)
    nearly = np.array([[100.0, 200.0], [0.0, 50.0]]) * (1 + 5e-7)
    assert draw(nearly, allowed, seed=1, hold="origin").sum(axis=1).tolist() == [300, 50]
    broken = np.array([[100.0, 200.0], [0.3, 50.0]])
    with pytest.raises(FlowsError, match=r"1 origin sums .*: 1 \(50\.3\)") as caught:
        draw(broken, allowed, seed=1, hold="origin")
    assert (caught.value.code, caught.value.exit_status) == ("E-FLOWS-WHOLE", 3)
    with pytest.raises(FlowsError, match=r"1 destination sums .*: 0 \(100\.3\)"):
        draw(broken, allowed, seed=1, hold="destination")
    with pytest.raises(FlowsError, match=r"the total: 0 \(350\.3\)"):
        draw(broken, allowed, seed=1, hold="total")
    with pytest.raises(FlowsError, match=r"12 origin sums .* 9 \(0\.5\) and 2 more"):
        draw(np.full((12, 1), 0.5), np.ones((12, 1), bool), seed=1, hold="origin")


@pytest.mark.parametrize(("hold", "kind"), [("origin", "poisson"), (None, "multinomial")])
def test_a_kind_holds_what_it_can(hold, kind):
    with pytest.raises(FlowsError) as caught:
        draw(np.ones((2, 2)), np.ones((2, 2), bool), seed=1, hold=hold, kind=kind)
    assert caught.value.code == "E-FLOWS-HOLD"
