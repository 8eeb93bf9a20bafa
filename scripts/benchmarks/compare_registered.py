"""The model with registration in tiles, against the same model with S as a matrix: memory, seconds and values."""

import json
import subprocess
import sys
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
    """What a process says that runs the model once and nothing else."""
    call = [sys.executable, "-m", "benchmarks.memory_registered", storage, str(zones)]
    folder = Path(__file__).parents[1]
    done = subprocess.run(call, check=True, capture_output=True, text=True, cwd=folder)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
