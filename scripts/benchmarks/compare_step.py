"""Compares one production-constrained step from positions with NumPy, other packages and the machine's limit.

S is made anew in every call. Every side's result is compared with a loop in float64 before anything is timed. A
package that is not installed, or fails, is listed under "missing" with the reason; its values are None.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import case_step as cases
from benchmarks import machine_limits, ours_step, peak_memory, peer_process
from benchmarks.case_step import Distance, Float64, StepCase
from benchmarks.numpy_step import Method, NumpyStep
from benchmarks.peer_process import Worker
from benchmarks.timing import Rounds, alternate, line, timed
from flowmodel.errors import NumericError, ResourceError

ZONES, QUICK_ZONES = 2850, 300
TOLERANCE = 1e-3
LARGEST_HALF = 2e9  # bytes that NumPy may keep; above it (31,000 zones) a step is only made in blocks
DISTANCE: Distance = "chord"


class Package(NamedTuple):
    """A package: the folder it is installed in, the distance it uses, and whether a call takes seconds."""

    place: str = ""
    distance: Distance = DISTANCE
    slow: bool = False


PACKAGES = {
    "keops": Package(),
    "ott": Package(),
    "numba": Package(),
    "mobility": Package("mobility", "arc", slow=True),
}
NUMPY: dict[str, tuple[int, Method]] = {
    "numpy_1": (1, "half"),
    "numpy_2": (2, "half"),
    "numpy_blocks_1": (1, "blocks"),
    "numpy_blocks_2": (2, "blocks"),
}


def step_county(config: Path, rounds: Rounds) -> dict[str, Any]:
    """The step of `case_step` for 2,850 zones."""
    return step(QUICK_ZONES if rounds.quick else ZONES, rounds)


def limits(config: Path, rounds: Rounds) -> dict[str, Any]:
    """The limits of this machine: exponential and logarithm of pairs, copying, a product of matrices."""
    return machine_limits.measure(quick=rounds.quick)._asdict() | {"cores": os.cpu_count()}


def step(zones: int, rounds: Rounds, packages: dict[str, Package] = PACKAGES) -> dict[str, Any]:
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
        sides |= {_limit(by): side for by, side in machine_limits.exp_log_sides(pairs).items()}
        sides |= {name: worker.side("step") for name, worker in workers.items() if name not in slow}
        seconds = alternate(sides, rounds)
        # A slow package made its first call when its result was compared.
        seconds |= {name: worker.side("step")() for name, worker in slow.items()}
        versions = {name: worker.peer for name, worker in workers.items()}
        peaks = {f"{name}_peak_gb": worker.answers["step"]["peak_gb"] for name, worker in workers.items()}
    return _report(case, seconds, differences, packages) | peaks | {"packages": versions, "missing": missing}


def _own_calls(case: StepCase) -> dict[str, Callable[[], object]]:
    """Our step, and NumPy's by both methods on one thread and on two."""
    calls: dict[str, Callable[[], object]] = {"ours": ours_step.ours(case)}
    fits = 2 * len(case.mass) ** 2 < LARGEST_HALF
    return calls | {name: NumpyStep(case, *how) for name, how in NUMPY.items() if fits or how[1] == "blocks"}


def _workers(
    stack: contextlib.ExitStack, zones: int, packages: dict[str, Package], missing: dict[str, str]
) -> dict[str, Worker]:
    """A worker for each package, run once; the others are written to `missing` with the reason."""
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
        NumericError: it computes something else.
    """
    difference = cases.largest_difference(np.asarray(inflow), expected)
    if not difference < TOLERANCE:
        what = f"{name} differs from the float64 step by {difference:.1e}, more than {TOLERANCE}"
        raise NumericError("E-BENCH-ANSWER", what, "a comparison of times needs equal results")
    return difference


def _report(
    case: StepCase, seconds: dict[str, float], differences: dict[str, float], packages: dict[str, Package]
) -> dict[str, Any]:
    """The report: `peer` is the faster NumPy on two threads; the limit is for as many pairs as a step has."""
    zones = len(case.mass)
    limit, by = min((seconds.pop(name), name) for name in list(seconds) if name.startswith(_limit("")))
    fastest = min(seconds.keys() & {"numpy_2", "numpy_blocks_2"}, key=seconds.__getitem__)
    report = line(seconds | {"peer": seconds[fastest]}, f"NumPy, in place, two threads, {NUMPY[fastest][1]}")
    for name in (*NUMPY, *packages):
        spent = seconds.get(name)
        report |= {f"{name}_s": spent, f"ratio_to_{name}": None if spent is None else spent / seconds["ours"]}
    report |= {f"{name}_difference": differences.get(name) for name in ("ours", *NUMPY, *packages)}
    return report | {
        "zones": zones,
        "exponent": case.exponent,
        "limit": zones**2 / limit,
        "limit_by": by.removeprefix(_limit("")),
        "limit_ratio": seconds["ours"] / limit,
        "peak_gb": peak_memory.alone("step", zones),
    }


def _limit(by: str) -> str:
    """The name of the machine's limit as a side."""
    return f"limit: {by}"
