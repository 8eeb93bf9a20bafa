"""Far more zones than counties: one year of 41,000 townships and its derivative, and how cost grows with zones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import case_grid, case_step, case_townships, machine_limits, ours_step
from benchmarks.numpy_step import RivalStep
from benchmarks.timing import Turns, alternate, line, timed

SIZES = (1_000, 2_000, 4_000, 8_000, 16_000, 41_000)
QUICK_SIZES = (200, 400)
SIDES, QUICK_SIDES = (250, 500, 1_000, 2_000), (16, 32)


def step_township(config: Path, turns: Turns) -> dict[str, Any]:
    """One year of the whole model, S made in tiles: against NumPy's step of the distance alone, and the ceiling."""
    from flowmodel import runtime
    from flowmodel.config import Runtime

    zones = case_townships.QUICK_ZONES if turns.quick else case_townships.ZONES
    runtime.configure(Runtime())
    step, gradient = case_townships.programs(case_townships.town(zones))
    case = case_step.step(zones)
    bare, rival = ours_step.ours(case), RivalStep(case, 2, "blocks")
    difference = case_step.largest_difference(bare(), rival().astype(float))
    ceiling = machine_limits.exp_log_sides(zones**2)
    sides = {"ours": timed(step), "gradient": timed(gradient), "bare": timed(bare), "peer": timed(rival)}
    seconds = alternate(sides | {f"ceiling: {by}": side for by, side in ceiling.items()}, turns.of_seconds())
    fastest = min(seconds[f"ceiling: {by}"] for by in ceiling)
    told = line(seconds, "NumPy, in place, two threads, blocks: distance alone, no borders")
    return told | {
        "zones": zones,
        "pairs_a_second": zones**2 / seconds["ours"],
        "gradient_s": seconds["gradient"],
        "over_own_forward": seconds["gradient"] / seconds["ours"],
        "bare_s": seconds["bare"],
        "bare_ratio": seconds["peer"] / seconds["bare"],
        "largest_difference": difference,
        "ceiling": zones**2 / fastest,
        "ceiling_ratio": seconds["ours"] / fastest,
        "peak_gb": runtime.peak_memory_gb() if turns.quick else peak_gb("_town_alone.py", str(zones)),
    }


def scaling(config: Path, turns: Turns) -> dict[str, Any]:
    """Seconds of a step by zones, in tiles, and of a product by cells, by transforms: the exponents of growth."""
    sizes, sides = (QUICK_SIZES, QUICK_SIDES) if turns.quick else (SIZES, SIDES)
    steps = {str(size): timed(ours_step.ours(case_step.step(size))) for size in sizes}
    grids = {str(side**2): timed(case_grid.square(side)) for side in sides}
    tiled, spectral = alternate(steps, turns.fewer()), alternate(grids, turns.fewer())
    return {
        "tiled_s": tiled,
        "tiled_exponent": _exponent(tiled),
        "tiled_exponent_from_8000": _exponent({n: s for n, s in tiled.items() if int(n) >= 8_000} or tiled),
        "spectral_s": spectral,
        "spectral_exponent": _exponent(spectral),
    }


def _exponent(seconds: dict[str, float]) -> float:
    """The slope of log seconds over log size."""
    sizes = np.log([float(size) for size in seconds])
    return float(np.polyfit(sizes, np.log(list(seconds.values())), 1)[0])


def peak_gb(script: str, *arguments: str) -> float:
    """Largest resident memory of a process that does nothing else, GB."""
    call = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    return float(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
