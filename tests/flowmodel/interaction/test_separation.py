"""Separated rows: against files whose answer is known, against one linear program over everything, and by hand."""

import numpy as np
import pandas as pd
import pytest
from long_tables import separated
from scipy.optimize import linprog

from flowmodel.errors import FlowsError
from flowmodel.interaction.separation import directions, separating_directions
from flowmodel.interaction.separation.rows import separated_pairs

TABLE = np.arange(12).reshape(3, 4)


def by_one_program(y, X, ids):
    """The definition at once: dummies of every level, z of every row, the most rows with z at least one."""
    columns = [X, np.ones((len(y), 1)), *((np.asarray(c)[:, None] == np.unique(c)).astype(float) for c in ids)]
    design = np.concatenate(columns, axis=1)
    design /= np.maximum(np.abs(design).max(axis=0), 1e-300)
    zero, count = y == 0, int((y == 0).sum())
    answer = linprog(
        np.concatenate([np.zeros(design.shape[1]), -np.ones(count)]),
        A_ub=np.concatenate([-design[zero], np.eye(count)], axis=1),
        b_ub=np.zeros(count),
        A_eq=np.concatenate([design[~zero], np.zeros((len(y) - count, count))], axis=1),
        b_eq=np.zeros(len(y) - count),
        bounds=[(None, None)] * design.shape[1] + [(0, 1)] * count,
    )
    found = np.zeros(len(y), bool)
    found[zero] = answer.x[design.shape[1] :] > 0.5
    return found


def random_rows(seed, effects):
    """Few levels or many, covariates of four kinds that often vanish or are collinear on positive rows, repeats."""
    rng = np.random.default_rng([seed, effects])
    n, width = rng.integers(2, 50), rng.integers(0, 4)
    ids = [rng.integers(0, rng.integers(1, 12), n) for _ in range(effects)]
    kinds = [rng.integers(-1, 3, (n, width)), rng.normal(size=(n, width)).round(4), rng.random((n, width)) < 0.4]
    X = [*kinds, rng.lognormal(0, 3, (n, width))][seed % 4].astype(float)
    y = rng.poisson(rng.choice([0.1, 0.3, 0.6, 1.5]), n)
    if width and rng.random() < 0.5:
        X[y > 0, 0] = 0.7
    if width > 1 and rng.random() < 0.5:
        X[y > 0, 1] = 2 * X[y > 0, 0] + sum(ids)[y > 0] if ids else 3
    again = np.concatenate([np.arange(n), rng.integers(0, n, rng.integers(0, 10))])
    return y[again] * (rng.random(len(again)) < 0.9), X[again], [column[again] for column in ids]


def columns_of(table, *starts):
    return [table[name] for name in table if name.startswith(starts)]


def poisson(y, X):
    """Coefficients by weighted least squares, of least norm where some are collinear."""
    eta = np.log(y + 0.5)
    for _ in range(50):
        root = np.exp(eta / 2)
        beta = np.linalg.lstsq(root[:, None] * X, root * (eta + y / root**2 - 1), rcond=1e-10)[0]
        eta = X @ beta
    return beta


@pytest.mark.parametrize("number", range(1, 13))
def test_files_with_a_known_answer(data_dir, number):
    table = pd.read_csv(data_dir / f"flows/separation/{number:02}.csv")
    X = table[[name for name in table if name.startswith("x")]]
    found = separated(table["y"], X, columns_of(table, "id"))
    np.testing.assert_array_equal(found, table["separated"] == 1)


def test_fe1_holds_the_rows_of_07_in_another_order(data_dir):
    table = pd.read_csv(data_dir / "flows/separation/fe1.csv")
    known = pd.read_csv(data_dir / "flows/separation/07.csv")
    table["found"] = separated(table["y"], table[["x1", "x2"]], table[["i", "j"]]).astype(int)
    in_order = [frame.sort_values(list(frame.columns)).to_numpy() for frame in (table, known)]
    np.testing.assert_array_equal(*in_order)


def test_without_its_separated_row_example1_has_the_published_estimates(data_dir):
    table = pd.read_csv(data_dir / "flows/separation/example1.csv")
    y, X = table["y"].to_numpy(), table[["x1", "x2", "x3", "x4"]].to_numpy(float)
    found = separated(y, X, None)
    assert list(np.flatnonzero(found)) == [4]
    full = np.concatenate([np.ones((len(y), 1)), X], axis=1)[~found]
    constant, *_, x3, x4 = poisson(y[~found], full)
    np.testing.assert_allclose([constant, x3, x4], [0.59095, -0.47085, -0.03779], atol=6e-6)


@pytest.mark.parametrize("effects", range(5))
@pytest.mark.parametrize("at_once", [2, 1 << 20])
def test_random_rows_against_one_program(monkeypatch, effects, at_once):
    monkeypatch.setattr(directions, "CELLS_AT_ONCE", at_once)
    monkeypatch.setattr(separating_directions, "ROWS_AT_ONCE", at_once)
    some = 0
    for seed in range(40):
        y, X, ids = random_rows(seed, effects)
        expected = by_one_program(y, X, ids)
        np.testing.assert_array_equal(separated(y, X, ids), expected, err_msg=f"{seed=} {effects=}")
        some += 0 < expected.sum() < (y == 0).sum()
    assert some >= 5


@pytest.mark.parametrize("effects", range(4))
def test_neither_order_nor_names_nor_units_matter(effects):
    rng = np.random.default_rng(effects)
    for seed in range(40, 60):
        y, X, ids = random_rows(seed, effects)
        order = rng.permutation(len(y))
        mixed = 1e5 * X @ (np.eye(X.shape[1]) + 0.5) + 2010
        named = [[f"level {code}" for code in column[order]] for column in reversed(ids)]
        np.testing.assert_array_equal(separated(y[order], mixed[order], named), separated(y, X, ids)[order])


def test_covariates_of_zones_add_nothing_to_their_effects():
    rng = np.random.default_rng(1)
    for _ in range(20):
        i, j = rng.integers(0, 40, (2, 300))
        y = rng.random(300) < 0.15
        of_zones = rng.lognormal(12, 2, 40)[i], np.log(rng.lognormal(12, 2, 40))[j], rng.normal(size=40)[i]
        X = np.stack([*of_zones, (of_zones[2] / 3).round(10)], axis=1)
        np.testing.assert_array_equal(separated(y, X, [i, j]), separated(y, None, [i, j]))


def test_a_pair_between_two_islands_is_separated_unless_another_goes_back():
    origin, destination = [0, 0, 1, 1, 2, 2, 3, 3, 0], [0, 1, 0, 1, 2, 3, 2, 3, 2]
    y = [1] * 8 + [0]
    assert list(separated(y, None, [origin, destination])) == [False] * 8 + [True]
    assert not separated([*y, 0], None, [[*origin, 3], [*destination, 1]]).any()


def test_a_covariate_that_opens_the_way_back():
    """Neither pair between the islands alone, and both where a covariate raises one, however little."""
    origin, destination = [0, 0, 1, 1, 2, 2, 3, 3, 0, 3], [0, 1, 0, 1, 2, 3, 2, 3, 2, 1]
    y, x = [1] * 8 + [0, 0], np.zeros((10, 1))
    x[9] = 1e-12
    assert list(np.flatnonzero(separated(y, x, [origin, destination]))) == [8, 9]


def test_rows_first_looked_at_that_cannot_rise_do_not_end_the_search(monkeypatch):
    monkeypatch.setattr(
        separating_directions, "ROWS_AT_ONCE", 2
    )  # of six rows the first and the fourth, which are opposite
    moves = np.array([[1.0, 0], [0, 1], [0, 1], [-1, 0], [0, 1], [0, 1]])
    none = np.zeros(6, int)
    assert list(np.flatnonzero(separating_directions.raised(moves, none, none, 1))) == [1, 2, 4, 5]
    rows = separating_directions.Rows(moves, np.zeros(6), none, none, 1)
    assert moves.sum(axis=0) @ separating_directions.farthest(rows.take([0, 3]), rows.total())[:2] > 0


def test_an_outlier_elsewhere_does_not_blur_the_rows_with_flows():
    y = np.array([1, 2, 3, 0, 0])
    X = np.array([[1.0, 2, 3, 2, 1e15]]).T
    assert not separated(y, X, None).any()


def test_small_values_beside_large_ones_are_seen():
    y = np.array([1, 2, 3, 0, 0, 0])
    X = np.array([[0.0, 0, 0, 1e-9, 1e9, 0]]).T
    assert list(np.flatnonzero(separated(y, X, None))) == [3, 4]


def test_without_zeros_nothing_and_without_flows_everything():
    X = np.array([[1.0, 2, 3]]).T
    assert not separated([1, 2, 3], X, None).any()
    assert separated([0, 0, 0], X, None).all()
    assert separated([0, 0, 0], X, [["a", "a", "b"]]).all()
    assert separated([0, 0, 1], X, [["a", "a", "b"]]).tolist() == [True, True, False]


@pytest.mark.parametrize("origin_effects", [False, True])
@pytest.mark.parametrize("destination_effects", [False, True])
def test_a_table_and_its_list_of_pairs_agree(origin_effects, destination_effects):
    some = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        flow, allowed = rng.poisson(0.3, (9, 7)) * 1.0, rng.random((9, 7)) < 0.8
        flow[~allowed] = rng.choice([np.nan, -1.0, 5.0], (~allowed).sum())
        dummy = (rng.random((9, 7)) < 0.5) * np.where(flow > 0, 0.0, 1.0 + (seed % 3 - 1) * rng.random((9, 7)) * 4)
        columns = [dummy, rng.normal(size=(9, 1)), rng.normal(size=(1, 7))]
        origin, destination = (side[allowed] for side in np.indices((9, 7)))
        ids = [origin] * origin_effects + [destination] * destination_effects
        X = np.stack([np.broadcast_to(column, (9, 7))[allowed] for column in columns], axis=1)
        found = separated_pairs(
            flow, allowed, columns, origin_effects=origin_effects, destination_effects=destination_effects
        )
        assert not found[~allowed].any()
        np.testing.assert_array_equal(found[allowed], separated(flow[allowed], X, ids))
        some += found.any()
    assert some >= 5


@pytest.mark.parametrize(
    ("flow", "allowed", "code"),
    [
        (TABLE, np.ones((4, 3), bool), "E-FLOWS-SHAPE"),
        (-TABLE, np.ones((3, 4), bool), "E-FLOWS-VALUE"),
        (np.where(TABLE == 5, np.nan, 1.0), np.ones((3, 4), bool), "E-FLOWS-VALUE"),
    ],
)
def test_what_is_no_table_is_refused(flow, allowed, code):
    with pytest.raises(FlowsError, match=rf"^{code} .*; fix: "):
        separated_pairs(flow, allowed, [], origin_effects=True, destination_effects=True)
