"""Compares the fit and the balancing of synthetic flows with the package that people use for each.

Where the packages are not installed (see `peer_process`), our side is timed alone and the report says how to get them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import case_flows as cases
from benchmarks import ours_flows, peer_process
from benchmarks.peer_process import Worker
from benchmarks.timing import Rounds, alternate, line, timed

QUICK_ZONES = 60


def ppml_2000(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Poisson with origin and destination effects, 2,000 x 2,000 zones, with its SE: against pyfixest's fepois."""
    return ppml(QUICK_ZONES if rounds.quick else 2000, rounds)


def balance_2850(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Doubly constrained flows of 2,850 zones from distances: against AequilibraE's GravityApplication."""
    return balance(QUICK_ZONES if rounds.quick else 2850, rounds)


def ppml(zones: int, rounds: Rounds) -> dict[str, Any]:
    """The Poisson fit at any size: seconds, and differences of the exponents and of their standard errors."""
    case = cases.ppml(zones)
    run = ours_flows.ours_ppml(case)
    exponent, se = run()
    result = {"zones": zones, "zero_share": case.zero_share, "exponent": exponent, "se": se}
    with peer_process.prepared("ppml", zones=zones) as worker:
        result = _line(run, worker, {"peer": "fepois"}, rounds) | result
        if worker is None:
            return result
        peer = worker.answers["fepois"]
        return result | {
            "exponent_difference": abs(exponent - peer["exponent"]),
            "se_difference": abs(se / peer["se"] - 1),
            "peer_peak_gb": peer["peak_gb"],
        }


def balance(zones: int, rounds: Rounds) -> dict[str, Any]:
    """The balancing at any size: seconds, gaps of the margins, and the largest difference of the flows.

    `peer_s` is AequilibraE's whole call from distances, `balancing_s` its balancing alone of a kernel made before.
    """
    case = cases.balance(zones)
    run = ours_flows.ours_balance(case)
    flows = run()
    result = {"zones": zones, "tolerance": case.tolerance, "gap": cases.relative_gap(case, flows)}
    with peer_process.prepared("balance", zones=zones) as worker:
        result = _line(run, worker, {"peer": "application", "balancing": "ipf"}, rounds) | result
        if worker is None:
            return result
        peer = worker.answers["application"]
        return result | {
            "peer_gap": peer["gap"],
            "peer_sweeps": peer["sweeps"],
            "largest_difference": float(np.max(np.abs(flows[cases.probe(zones)] / np.asarray(peer["probe"]) - 1))),
            "peer_peak_gb": peer["peak_gb"],
        }


def _line(run: Callable[[], object], worker: Worker | None, peers: dict[str, str], rounds: Rounds) -> dict[str, Any]:
    """Times our call and the worker's runs, given by the names of their sides, in turn."""
    sides = {"ours": timed(run)}
    if worker is None:
        return line(alternate(sides, rounds.one_call()), None) | {"install": peer_process.INSTALL}
    sides |= {side: worker.side(name) for side, name in peers.items()}
    seconds = alternate(sides, rounds.one_call())
    others = {f"{side}_s": spent for side, spent in seconds.items() if side not in ("ours", "peer")}
    return line(seconds, worker.peer) | others
