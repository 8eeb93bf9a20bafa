"""The step that county speed is measured on: every side, NumPy's two methods, the machine's limits, the report."""

import json

import bench
import numpy as np
import pytest
from benchmarks import case_step, compare_step, machine_limits, ours_step, peer_process
from benchmarks.case_step import StepCase
from benchmarks.compare_step import NUMPY, PACKAGES
from benchmarks.numpy_step import NumpyStep, compact_order
from benchmarks.timing import Rounds

from flowmodel.errors import NumericError

ONCE = Rounds(repeats=1, calls=1, warm_up=0, quick=True)
ZONES = 600  # more than three blocks of rows


@pytest.fixture(scope="module")
def case():
    return case_step.step(ZONES)


@pytest.fixture(scope="module")
def expected(case):
    return case_step.twin(case)


def _three():
    """Two zones an eighth of a turn apart on the equator, and the pole."""
    position = np.array([[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [0, 0, 1]], np.float32)
    return StepCase(position, np.array([1, 2, 3], np.float32), np.array([10, 20, 30], np.float32), 2.0)


@pytest.mark.parametrize(
    ("distance", "near", "far"), [("chord", 2 - 2**0.5, 2.0), ("arc", (np.pi / 4) ** 2, (np.pi / 2) ** 2)]
)
def test_three_zones_by_hand(distance, near, far):
    # S = 1 / d^2, and the pole is as far from one as from the other.
    reach = [2 / near + 3 / far, 1 / near + 3 / far, 1 / far + 2 / far]
    push = [10 / reach[0], 20 / reach[1], 30 / reach[2]]
    inflow = [push[1] / near + push[2] / far, 2 * (push[0] / near + push[2] / far), 3 * (push[0] + push[1]) / far]
    np.testing.assert_allclose(case_step.twin(_three(), distance), inflow, rtol=1e-6)


def test_zones_lie_in_the_box_and_none_on_another(case):
    again = case_step.step(ZONES)
    np.testing.assert_array_equal(case.position, again.position)
    assert len(case.mass) == ZONES
    np.testing.assert_allclose(np.linalg.norm(case.position, axis=1), 1, atol=1e-6)
    lon, lat = case.degrees
    assert (lon > 70).all()
    assert (lon < 139).all()
    assert (lat > 15).all()
    assert (lat < 57).all()
    position = case.position.astype(float)
    apart = np.linalg.norm(position[:, None] - position, axis=2) + np.eye(ZONES)
    assert apart.min() * 6371 > 1.5


def test_everybody_who_leaves_arrives(case, expected):
    assert expected.sum() == pytest.approx(case.leavers.astype(float).sum(), rel=1e-12)


@pytest.mark.parametrize(("threads", "method"), NUMPY.values())
def test_numpy_does_the_step(case, expected, threads, method):
    step = NumpyStep(case, threads, method)
    for _ in range(2):  # a call leaves nothing to the next
        assert case_step.largest_difference(step(), expected) < 5e-5


def test_close_pairs_are_not_lost_to_float32():
    """Without them the product alone is wrong by more than is allowed."""
    case = case_step.step(compare_step.ZONES)
    assert case_step.largest_difference(NumpyStep(case, 1, "blocks")(), case_step.twin(case)) < 5e-5


@pytest.mark.parametrize("method", ["half", "blocks"])
def test_numpy_refuses_zones_in_one_place(case, method):
    position = case.position.copy()
    position[3] = position[4]
    with pytest.raises(FloatingPointError, match="too close"):
        NumpyStep(StepCase(position, case.mass, case.leavers, case.exponent), 1, method)()


def test_an_order_takes_every_zone_once(case):
    np.testing.assert_array_equal(np.sort(compact_order(case.position, 64)), np.arange(ZONES))


def test_ours_does_the_step(case, expected):
    assert case_step.largest_difference(ours_step.ours(case)(), expected) < 1e-5


def test_limits_are_of_this_machine():
    found = machine_limits.measure(quick=True)
    assert {found.exp_log_by, found.product_by, found.copy_by} <= {"XLA", "NumPy"}
    assert 1e6 < found.exp_log < 1e15
    assert 1e-2 < found.copy_gb_s < 1e6
    assert 1e-2 < found.product_gflop_s < 1e8


def test_the_line_says_all_and_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peer_process, "ROOT", tmp_path)
    bench.bench(("step_county",), quick=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["quick"], told["zones"]) == ("step_county", True, compare_step.QUICK_ZONES)
    assert set(told["missing"]) == set(PACKAGES)
    assert all("bash scripts/peers.sh" in why for why in told["missing"].values())
    for name in PACKAGES:
        assert told[f"{name}_s"] is told[f"ratio_to_{name}"] is told[f"{name}_difference"] is None
    for name in NUMPY:
        assert told[f"ratio_to_{name}"] == pytest.approx(told[f"{name}_s"] / told["ours_s"])
        assert told[f"{name}_difference"] < 1e-3
    assert told["ours_difference"] < 1e-3
    pairs = compare_step.QUICK_ZONES**2
    assert told["limit_ratio"] == pytest.approx(told["ours_s"] / (pairs / told["limit"]))
    assert told["peer_s"] in (told["numpy_2_s"], told["numpy_blocks_2_s"])
    assert 0.05 < told["peak_gb"] < 2
    assert {"platform", "device", "jax"} <= set(told["device"])
    assert {"cores", "numpy", "exponent"} <= set(told)


def test_a_side_that_does_something_else_is_not_timed(monkeypatch):
    monkeypatch.setattr(ours_step, "ours", lambda case: lambda: 1.01 * case_step.twin(case))
    with pytest.raises(NumericError, match=r"E-BENCH-ANSWER.*ours differs .* 1\.0e-02"):
        compare_step.step(60, ONCE)


@pytest.mark.peers
def test_every_package_does_the_step():
    told = compare_step.step(60, ONCE)
    assert set(told["packages"]) | set(told["missing"]) == set(PACKAGES)
    for name in told["packages"]:
        assert told[f"{name}_difference"] < 1e-3
        assert told[f"ratio_to_{name}"] > 0
