"""Scores of fitted flows against published values of spint and scikit-mobility, and against loops over pairs."""

import json
import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from flowmodel.errors import FlowsError
from flowmodel.interaction.scoring.by_distance import distance_histogram
from flowmodel.interaction.scoring.scores import deviance, scores

AUSTRIA = ("BaseGravity_exp", "BaseGravity_pow", "QuasiPoisson", "Gravity", "Production", "Attraction", "Doubly")
ALLOWED = ~np.eye(9, dtype=bool)


@pytest.fixture(scope="module")
def austria(data_dir):
    folder = data_dir / "flows" / "spint_austria"
    table = pd.read_csv(folder / "austria_72_pairs.csv")
    return table, json.loads((folder / "expected_from_test_gravity.json").read_text())


def _square(table, values):
    """Nine by nine, with what nobody may read where a region meets itself."""
    regions = sorted(table["origin"].unique())
    square = np.full((9, 9), np.nan)
    square[table["origin"].map(regions.index), table["dest"].map(regions.index)] = values
    return square


def _without_totals(observed, fitted):
    """Deviance as spint sums it, 2 Σ y ln(y / μ): it leaves Σ (y − μ) out, which is 0 in fits with a constant alone."""
    return deviance(observed, fitted, ALLOWED) + 2 * (observed - fitted)[ALLOWED].sum()


@pytest.mark.parametrize("model", AUSTRIA)
def test_values_of_spint(austria, model):
    table, expected = austria
    expected = expected[f"test_{model}"]
    observed, fitted = _square(table, table["flow"]), _square(table, expected["yhat"])
    agreement = scores(observed, fitted, ALLOWED, None)
    found = {"SSI": agreement["ssi"], "SRMSE": agreement["srmse"], "deviance": _without_totals(observed, fitted)}
    compared = found.keys() & expected.keys()
    assert {name: found[name] for name in compared} == pytest.approx({name: expected[name] for name in compared}, 1e-8)
    if model in ("Gravity", "Production", "Attraction", "Doubly"):
        assert deviance(observed, fitted, ALLOWED) == pytest.approx(expected["deviance"], rel=1e-7)


def test_two_indices_of_sorensen_differ(austria):
    table, expected = austria
    fitted = np.array(expected["test_Gravity"]["yhat"])[:, None]
    found = scores(table[["flow"]].to_numpy(), fitted, np.ones((72, 1), bool), table[["dist_km"]].to_numpy())
    assert found["cpc"] == pytest.approx(0.818635824, abs=5e-10)
    assert found["ssi"] == pytest.approx(0.727061712, abs=5e-10)


@pytest.mark.parametrize(
    ("fitted", "expected"),
    [
        ([2, 2, 2], {"r2": 0, "nrmse_sum": 0.1360827635, "kl": 0.0872080239607, "cpc": 0.83333333333}),
        ([3, 2, 1], {"r2": -3, "nrmse_sum": math.sqrt(2.6666666666) / 6, "kl": 0.3662040962227, "cpc": 0.66666666666}),
    ],
)
def test_values_of_scikit_mobility(fitted, expected):
    found = scores(np.array([[1, 2, 3]]), np.array([fitted]), np.ones((1, 3), bool), None)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-10)


def _by_loops(observed, fitted, allowed, distance, bin_km):
    """Every score, one pair after another, from its definition."""
    pairs = [(o, d) for o in range(len(observed)) for d in range(len(observed[0])) if allowed[o, d]]
    y, mu, km = ([float(table[pair]) for pair in pairs] for table in (observed, fitted, distance))
    n, total, said = len(pairs), math.fsum(y), math.fsum(mu)
    squares = math.fsum((a - b) ** 2 for a, b in zip(y, mu, strict=True))
    bins = {}
    for a, b, k in zip(y, mu, km, strict=True):
        seen, fit = bins.get(k // bin_km, (0.0, 0.0))
        bins[k // bin_km] = (seen + a, fit + b)
    share = [(a / total, b / said) for a, b in zip(y, mu, strict=True)]
    links = [(a > 0, b >= 0.5) for a, b in zip(y, mu, strict=True)]
    return {
        "cpc": 2 * math.fsum(map(min, y, mu)) / (total + said),
        "cpc_d": 2 * math.fsum(min(both) for both in bins.values()) / (total + said),
        "cpl": 2 * sum(a and b for a, b in links) / sum(a + b for a, b in links),
        "srmse": math.sqrt(squares / n) / (total / n),
        "nrmse_mean": math.sqrt(squares / n) / (total / n),
        "nrmse_sum": math.sqrt(squares / n) / total,
        "ssi": math.fsum(2 * min(a, b) / (a + b) for a, b in zip(y, mu, strict=True)) / n,
        "kl": math.fsum(p * math.log(p / q) for p, q in share if p > 0),
        "r2": 1 - squares / math.fsum((a - total / n) ** 2 for a in y),
        "mean_distance_observed": math.fsum(a * k for a, k in zip(y, km, strict=True)) / total,
        "mean_distance": math.fsum(b * k for b, k in zip(mu, km, strict=True)) / said,
        "median_distance_observed": _median(km, y),
        "median_distance": _median(km, mu),
        "movers": total,
        "pairs": n,
    }


def _median(km, flow):
    reached, half = 0.0, math.fsum(flow) / 2
    for k, w in sorted(zip(km, flow, strict=True)):
        reached += w
        if w > 0 and reached >= half:
            return k
    raise AssertionError


@pytest.mark.parametrize(
    ("shape", "bin_km"),
    [((30, 40), 2.0), ((30, 40), 0.7), ((30, 40), 1000.0), ((1, 7), 2.0), ((300, 310), 2.0)],  # the last in two blocks
)
def test_loops_over_pairs(shape, bin_km):
    rng = np.random.default_rng(8)
    fitted = rng.gamma(0.5, 2.0, shape)
    observed = rng.poisson(fitted)
    allowed = rng.random(shape) < 0.8
    distance = np.round(rng.uniform(0, 300, shape))  # with ties
    expected = _by_loops(observed, fitted, allowed, distance, bin_km)
    for table in (fitted, distance):
        table[~allowed] = np.nan
    found = scores(observed, fitted, allowed, distance, bin_km=bin_km)
    assert found == pytest.approx(expected, rel=1e-11)


def test_histogram_by_hand():
    observed, fitted = np.array([[3, 1, 9], [0, 4, 9]]), np.array([[1.0, 2.0, 9.0], [3.0, 0.5, 9.0]])
    distance = np.array([[0.0, 1.999, np.nan], [2.0, 6.0, 1.0]])
    allowed = np.array([[True, True, False], [True, True, False]])
    bins = distance_histogram(observed, fitted, allowed, distance)

    assert bins.pairs.tolist() == [2, 1, 0, 1]
    assert bins.observed.tolist() == [4, 0, 0, 4]
    assert bins.fitted.tolist() == [3, 3, 0, 0.5]
    assert bins.common_part() == pytest.approx(2 * 3.5 / 14.5)


def test_a_perfect_fit():
    table = np.random.default_rng(3).gamma(1.0, 100.0, (20, 20)) + 1
    found = scores(table, table, np.ones((20, 20), bool), table)
    assert {name: found[name] for name in ("cpc", "cpc_d", "cpl", "ssi", "r2")} == dict.fromkeys(
        ("cpc", "cpc_d", "cpl", "ssi", "r2"), pytest.approx(1.0, rel=1e-14)
    )
    assert found["srmse"] == found["kl"] == deviance(table, table, np.ones((20, 20), bool)) == 0
    for factor in np.arange(0.1, 5, 0.1):
        assert 0 <= scores(table, factor * table, np.ones((20, 20), bool), None)["kl"] < 1e-14


def test_zeros_that_scores_cannot_hide():
    allowed = np.ones((1, 3), bool)
    with_both_zero = scores(np.array([[0, 2, 3]]), np.array([[0.0, 2.0, 3.0]]), allowed, None)
    assert math.isnan(with_both_zero["ssi"])
    assert with_both_zero["cpc"] == with_both_zero["cpl"] == 1
    impossible = np.array([[1, 2, 3]]), np.array([[0.0, 3.0, 3.0]])
    assert scores(*impossible, allowed, None)["kl"] == np.inf
    assert deviance(*impossible, allowed) == np.inf
    nobody = scores(np.zeros((1, 3)), np.ones((1, 3)), allowed, np.ones((1, 3)))
    assert all(math.isnan(nobody[name]) for name in ("srmse", "nrmse_sum", "kl", "r2", "mean_distance_observed"))
    assert math.isnan(nobody["median_distance_observed"])
    assert (nobody["movers"], nobody["cpc"], nobody["median_distance"]) == (0, 0, 1)


def test_deviance_where_nothing_was_observed():
    allowed = np.ones(2, bool)
    assert deviance(np.array([0, 4]), np.array([1.5, 4.0]), allowed) == pytest.approx(3.0)
    assert deviance(np.array([0, 4]), np.array([0.0, 2.0]), allowed) == pytest.approx(2 * (4 * math.log(2) - 2))


def test_scores_need_no_second_table():
    table = np.random.default_rng(1).gamma(1.0, 50.0, (1500, 1500))
    allowed = ~np.eye(1500, dtype=bool)
    tracemalloc.start()
    scores(table, table, allowed, table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < table.nbytes / 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fitted": np.ones((2, 3))}, "E-FLOWS-SHAPE"),
        ({"allowed": np.zeros((2, 2), bool)}, "E-FLOWS-NO-PAIRS"),
        ({"fitted": np.array([[1, np.nan], [1, 1]])}, "E-FLOWS-VALUE"),
        ({"fitted": np.array([[1, np.inf], [1, 1]])}, "E-FLOWS-VALUE"),
        ({"observed": np.array([[1, -1], [1, 1]])}, "E-FLOWS-VALUE"),
        ({"distance_km": np.array([[1, np.nan], [1, 1]])}, "E-FLOWS-VALUE"),
        ({"distance_km": np.full((2, 2), 3e6)}, "E-FLOWS-BINS"),  # metres
        ({"bin_km": 0.0}, "E-FLOWS-BINS"),
    ],
)
def test_tables_that_have_no_score(change, code):
    ones = np.ones((2, 2))
    given = {"observed": ones, "fitted": ones, "allowed": ones > 0, "distance_km": ones, "bin_km": 2.0} | change
    with pytest.raises(FlowsError) as caught:
        scores(**given)
    assert (caught.value.code, caught.value.exit_status) == (code, 3)


def test_a_bad_pair_is_named():
    fitted = np.ones((3, 4))
    fitted[1, 2] = -5
    with pytest.raises(FlowsError, match=r"1 allowed pairs of the fitted table .* \(1, 2\): -5"):
        scores(np.ones((3, 4)), fitted, np.ones((3, 4), bool), None)
