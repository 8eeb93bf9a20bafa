"""The model with registration in tiles, against the same model with S as a matrix: memory, seconds and values."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Rounds

ZONES, QUICK_ZONES = 10_000, 300


def registered_tiles(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Objective, gradient, years and closed accounts of 10,000 invented zones, each storage in a process of its own."""
    zones = QUICK_ZONES if rounds.quick else ZONES
    tiled, dense = (_alone(storage, zones) for storage in ("tiled", "dense"))
    slopes = np.asarray(tiled["gradient"]), np.asarray(dense["gradient"])
    return {
        "zones": zones,
        "seconds": {"tiled": tiled["seconds"], "dense": dense["seconds"]},
        "peak_gb": {"tiled": tiled["peak_gb"], "dense": dense["peak_gb"]},
        "memory_ratio": tiled["peak_gb"] / dense["peak_gb"],
        "objective_difference": abs(tiled["objective"] / dense["objective"] - 1),
        "gradient_difference": float(np.max(np.abs(slopes[0] - slopes[1])) / np.max(np.abs(slopes[1]))),
        "residents_difference": abs(tiled["residents"] / dense["residents"] - 1),
        "national_residual": max(tiled["national_residual"], dense["national_residual"]),
    }


def _alone(storage: str, zones: int) -> dict[str, Any]:
    """The line of a process that runs the model once and nothing else."""
    call = [sys.executable, "-m", "benchmarks.compare_registered", storage, str(zones)]
    folder = Path(__file__).parents[1]
    done = subprocess.run(call, check=True, capture_output=True, text=True, cwd=folder)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def once(storage: str, zones: int) -> None:
    """Builds the model, evaluates its objective and gradient, runs it, and prints seconds, memory and values."""
    import jax

    from benchmarks import case_registered
    from flowmodel import runtime
    from flowmodel.models.registered import Registered

    config = case_registered.configuration(storage)
    runtime.configure(config.runtime)
    table = case_registered.table(zones)
    seconds, before = {}, time.perf_counter()
    model = Registered.build(table, config, Path(), runtime.kernel_dtype(config.runtime))
    seconds["build"], before = time.perf_counter() - before, time.perf_counter()
    both = runtime.program(lambda objective, natural: jax.value_and_grad(objective)(natural))
    natural = model.registry.prior_centres()
    value, slope = jax.block_until_ready(both(model.objective(), natural))
    seconds["gradient"], before = time.perf_counter() - before, time.perf_counter()
    closed = model.run(natural)
    seconds["run"] = time.perf_counter() - before
    found = {
        "seconds": seconds,
        "peak_gb": runtime.peak_memory_gb(),
        "objective": float(value),
        "gradient": [float(one) for one in slope],
        "residents": float(model.end(closed).sum()),
        "national_residual": float(abs(closed.national_residual()).max()),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    once(sys.argv[1], int(sys.argv[2]))
