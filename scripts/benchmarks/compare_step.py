"""One production-constrained step, S made from positions in every call: against NumPy, other packages, the machine.

Every side's answer is compared with a loop in float64 before anything is timed. A package that is not there, or fails,
stands in the line under "missing" with the reason; what is told of it is None.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import case_step as cases
from benchmarks import machine_limits, ours_step, peer_process
from benchmarks.case_step import Distance, Float64, StepCase
from benchmarks.numpy_step import RivalStep, Way
from benchmarks.peer_process import Worker
from benchmarks.timing import Turns, alternate, line, timed
from flowmodel.errors import NumericError, ResourceError

ZONES, QUICK_ZONES = 2850, 300
TOLERANCE = 1e-3
LARGEST_HALF = 2e9  # bytes that NumPy may keep; above it (31,000 zones) a step is only made in blocks
DISTANCE: Distance = "chord"


class Package(NamedTuple):
    """A case of the worker: where it is installed, the distance it takes, and whether a call takes seconds."""

    place: str = ""
    distance: Distance = DISTANCE
    slow: bool = False


PACKAGES = {
    "keops": Package(),
    "ott": Package(),
    "numba": Package(),
    "mobility": Package("mobility", "arc", slow=True),
}
NUMPY: dict[str, tuple[int, Way]] = {
    "numpy_1": (1, "half"),
    "numpy_2": (2, "half"),
    "numpy_blocks_1": (1, "blocks"),
    "numpy_blocks_2": (2, "blocks"),
}


def step_county(config: Path, turns: Turns) -> dict[str, Any]:
    """Who arrives where, of those who leave 2,850 zones, from positions: see `_step_case`."""
    return step(QUICK_ZONES if turns.quick else ZONES, turns)


def ceilings(config: Path, turns: Turns) -> dict[str, Any]:
    """What the machine can do at best: exponential and logarithm of pairs, copying, a product of matrices."""
    return machine_limits.measure(quick=turns.quick)._asdict() | {"cores": os.cpu_count()}


def step(zones: int, turns: Turns, packages: dict[str, Package] = PACKAGES) -> dict[str, Any]:
    """The comparison at any size: seconds of each side, ratios to ours, and differences from the float64 loop."""
    case = cases.step(zones)
    own = _own_calls(case)
    expected = {
        kind: cases.twin(case, kind) for kind in {DISTANCE, *(package.distance for package in packages.values())}
    }
    differences = {name: _agreeing(name, call(), expected[DISTANCE]) for name, call in own.items()}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        workers = _workers(stack, zones, packages, missing)
        for name, worker in workers.items():
            differences[name] = _agreeing(name, worker.answers["step"]["inflow"], expected[packages[name].distance])
        slow = {name: worker for name, worker in workers.items() if packages[name].slow}
        pairs = zones**2
        sides = {name: timed(call) for name, call in own.items()}
        sides |= {_ceiling(by): side for by, side in machine_limits.exp_log_sides(pairs).items()}
        sides |= {name: worker.side("step") for name, worker in workers.items() if name not in slow}
        seconds = alternate(sides, turns)
        # A slow one has had its first call when its answer was compared.
        seconds |= {name: worker.side("step")() for name, worker in slow.items()}
        told = {name: worker.peer for name, worker in workers.items()}
        peaks = {f"{name}_peak_gb": worker.answers["step"]["peak_gb"] for name, worker in workers.items()}
    return _told(case, seconds, differences, packages) | peaks | {"packages": told, "missing": missing}


def _own_calls(case: StepCase) -> dict[str, Callable[[], object]]:
    """Ours, and NumPy's in both ways on one thread and on two."""
    calls: dict[str, Callable[[], object]] = {"ours": ours_step.ours(case)}
    fits = 2 * len(case.mass) ** 2 < LARGEST_HALF
    return calls | {name: RivalStep(case, *how) for name, how in NUMPY.items() if fits or how[1] == "blocks"}


def _workers(
    stack: contextlib.ExitStack, zones: int, packages: dict[str, Package], missing: dict[str, str]
) -> dict[str, Worker]:
    """A worker for each package, run once; `missing` gets the others and why they are missing."""
    workers = {}
    for name, package in packages.items():
        try:
            worker = stack.enter_context(peer_process.prepared(name, place=package.place, zones=zones))
            if worker is None:
                missing[name] = f"not installed: {peer_process.INSTALL}"
                continue
            worker.side("step")()
            workers[name] = worker
        except ResourceError as error:
            missing[name] = str(error)
    return workers


def _agreeing(name: str, inflow: object, expected: Float64) -> float:
    """The largest relative difference of a side's inflow.

    Raises:
        NumericError: it is not the same function.
    """
    difference = cases.largest_difference(np.asarray(inflow), expected)
    if not difference < TOLERANCE:
        what = f"{name} differs from the float64 step by {difference:.1e}, more than {TOLERANCE}"
        raise NumericError("E-BENCH-ANSWER", what, "its time says nothing until it computes the same")
    return difference


def _told(
    case: StepCase, seconds: dict[str, float], differences: dict[str, float], packages: dict[str, Package]
) -> dict[str, Any]:
    """The line: `peer` is the faster NumPy on two threads; the ceiling's seconds are for as many pairs as a step's."""
    zones = len(case.mass)
    ceiling, by = min((seconds.pop(name), name) for name in list(seconds) if name.startswith(_ceiling("")))
    fastest = min(seconds.keys() & {"numpy_2", "numpy_blocks_2"}, key=seconds.__getitem__)
    told = line(seconds | {"peer": seconds[fastest]}, f"NumPy, in place, two threads, {NUMPY[fastest][1]}")
    for name in (*NUMPY, *packages):
        spent = seconds.get(name)
        told |= {f"{name}_s": spent, f"ratio_to_{name}": None if spent is None else spent / seconds["ours"]}
    told |= {f"{name}_difference": differences.get(name) for name in ("ours", *NUMPY, *packages)}
    return told | {
        "zones": zones,
        "exponent": case.exponent,
        "ceiling": zones**2 / ceiling,
        "ceiling_by": by.removeprefix(_ceiling("")),
        "ceiling_ratio": seconds["ours"] / ceiling,
        "peak_gb": _peak_gb(zones),
    }


def _ceiling(by: str) -> str:
    """The name of the ceiling as a side."""
    return f"ceiling: {by}"


def _peak_gb(zones: int) -> float:
    """Largest resident memory of a process that does nothing but our step, GB."""
    line = [sys.executable, str(Path(__file__).with_name("_step_alone.py")), str(zones)]
    return float(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
