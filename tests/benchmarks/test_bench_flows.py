"""The comparisons on synthetic flows: what both sides are given, whose seconds count, and a bench without peers."""

import json
import sys
import textwrap
import time

import numpy as np
import pytest
from benchmarks import case_flows, compare_flows, ours_flows, peer_process
from benchmarks.timing import Rounds, alternate

from flowmodel.errors import ResourceError

ONCE = Rounds(repeats=1, calls=1, warm_up=0)
SLEEP_S = 0.2


def test_both_sides_get_the_same_case():
    one, two = case_flows.ppml(60), case_flows.ppml(60)
    np.testing.assert_array_equal(one.flow, two.flow)
    np.testing.assert_array_equal(one.distance, two.distance)
    assert 0.1 < one.zero_share < 0.9
    assert not one.flow.diagonal().any()


def test_no_two_zones_lie_on_top_of_each_other():
    distance = case_flows.balance(300).distance
    assert distance[~np.eye(300, dtype=bool)].min() == case_flows.NEAREST_KM
    assert not distance.diagonal().any()
    np.testing.assert_array_equal(distance, distance.T)


def test_no_zone_of_a_fit_is_without_flow():
    with pytest.raises(ValueError, match="sends or receives nothing"):
        case_flows.ppml(60, mean_flow=0.01)


def test_margins_agree_and_the_kernel_is_masses_times_a_power():
    case = case_flows.balance(60)
    assert case.inflow.sum() == pytest.approx(case.outflow.sum(), rel=1e-12)
    kernel = case_flows.kernel(case)
    assert not kernel.diagonal().any()
    assert kernel[3, 7] == pytest.approx(case.outflow[3] * case.inflow[7] / case.distance[3, 7] ** 1.3, rel=1e-12)
    row, column = case_flows.probe(60)
    assert (row != column).all()


def test_the_gap_is_the_worst_factor_either_way():
    case = case_flows.BalanceCase(np.zeros((2, 2)), np.array([4.0, 5.0]), np.array([6.0, 3.0]), -1.3, 1e-6)
    assert case_flows.relative_gap(case, np.array([[4.0, 0.0], [2.0, 3.0]])) == 0
    assert case_flows.relative_gap(case, np.array([[3.0, 0.0], [2.0, 3.0]])) == pytest.approx(4 / 3 - 1)


def test_sides_alternate_and_only_their_own_seconds_count():
    called = []

    def side(name, seconds):
        spent = iter(seconds)
        return lambda: (called.append(name), next(spent))[1]

    # The first of three calls is a warm-up; the first round is not counted.
    sides = {"a": side("a", [9, 9, 9, 9, 1, 2, 9, 3, 4]), "b": side("b", [7, 7, 7, 7, 5, 5, 7, 5, 5])}
    assert alternate(sides, Rounds(repeats=2, calls=2, warm_up=1)) == {"a": 2.5, "b": 5.0}
    assert "".join(called) == "aaabbb" + "aaabbb" * 2


@pytest.fixture
def toy(tmp_path):
    """The command of a worker whose case prints, answers slowly, fails or ends."""
    script = tmp_path / "toy.py"
    script.write_text(
        f"SLEEP_S = {SLEEP_S}\n"
        + textwrap.dedent("""
            import os, sys, time
            from benchmarks.peer_worker import Prepared, Run, own_output, serve

            def toy(size):
                print("a package that talks")
                runs = {
                    "twice": Run(lambda: 2 * size, lambda found: time.sleep(SLEEP_S) or {"found": found}),
                    "fails": Run(lambda: 1 / 0, lambda found: {}),
                    "dies": Run(lambda: os._exit(3), lambda found: {}),
                }
                return Prepared("toy 1.0", runs)

            serve({"toy": toy}, own_output())
        """)
    )
    return [sys.executable, str(script)]


def test_seconds_are_the_workers_own(toy):
    with peer_process.prepared("toy", line=toy, size=21) as worker:
        assert worker.peer == "toy 1.0"
        started = time.perf_counter()
        seconds = worker.side("twice")()
        assert time.perf_counter() - started > seconds + SLEEP_S
        assert worker.answers["twice"]["found"] == 42
        assert worker.answers["twice"]["peak_gb"] > 0.01


@pytest.mark.parametrize(("run", "why"), [("fails", "ZeroDivisionError"), ("dies", "ended with 3")])
def test_a_peer_that_fails_is_said_to_have_failed(toy, run, why):
    with (
        pytest.raises(ResourceError, match=f"E-BENCH-PEER.*{why}.*fix: .*peers.sh"),
        peer_process.prepared("toy", line=toy, size=21) as worker,
    ):
        worker.side(run)()


def test_without_peers_ours_is_timed_and_the_line_tells_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(peer_process, "ROOT", tmp_path)
    monkeypatch.setattr(ours_flows, "ours_ppml", lambda case: lambda: ours_flows.PowerFit(-1.3, 1e-3))
    monkeypatch.setattr(ours_flows, "ours_balance", lambda case: lambda: case_flows.kernel(case))
    for result in (compare_flows.ppml(60, ONCE), compare_flows.balance(60, ONCE)):
        assert result["peer"] is result["peer_s"] is result["ratio"] is None
        assert result["install"] == "bash scripts/peers.sh"
        assert result["ours_s"] > 0
        assert json.dumps(result)


@pytest.mark.peers
def test_pyfixest_finds_what_newton_finds(monkeypatch):
    monkeypatch.setattr(ours_flows, "ours_ppml", lambda case: lambda: _newton(case))
    result = compare_flows.ppml(60, ONCE)
    assert result["peer"].startswith("pyfixest")
    assert result["exponent_difference"] < 1e-7
    assert result["se_difference"] < 1e-4
    assert result["ratio"] > 0


@pytest.mark.peers
def test_aequilibrae_finds_what_furness_finds(monkeypatch):
    monkeypatch.setattr(ours_flows, "ours_balance", lambda case: lambda: _furness(case))
    result = compare_flows.balance(60, ONCE)
    assert result["peer"].startswith("AequilibraE")
    assert result["peer_gap"] < result["tolerance"]
    assert result["largest_difference"] < 1e-5
    assert result["peer_sweeps"] > 1
    assert result["balancing_s"] > 0


def _newton(case):
    """The Poisson fit with a dummy a zone and side, the first destination's left out."""
    zones = len(case.flow)
    row, column = np.nonzero(case.distance)
    eye = np.eye(zones)
    design = np.column_stack([np.log(case.distance[row, column]), eye[row], eye[column][:, 1:]])
    flow = case.flow[row, column]
    beta = np.linalg.lstsq(design, np.log(flow + 0.5), rcond=None)[0]
    for _ in range(12):
        mean = np.exp(design @ beta)
        information = design.T @ (design * mean[:, None])
        beta = beta + np.linalg.solve(information, design.T @ (flow - mean))
    return ours_flows.PowerFit(float(beta[0]), float(np.sqrt(np.linalg.inv(information)[0, 0])))


def _furness(case):
    """Rows and columns scaled in turn, until nothing moves."""
    flows = case_flows.kernel(case)
    for _ in range(500):
        flows *= (case.outflow / flows.sum(axis=1))[:, None]
        flows *= case.inflow / flows.sum(axis=0)
    return flows
