"""Compares one year of 41,000 townships and its derivative, and measures how time grows with the number of zones."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import case_grid, case_step, case_townships, machine_limits, ours_step, peak_memory
from benchmarks.numpy_step import NumpyStep
from benchmarks.timing import Rounds, alternate, line, timed

SIZES = (1_000, 2_000, 4_000, 8_000, 16_000, 41_000)
QUICK_SIZES = (200, 400)
SIDES, QUICK_SIDES = (250, 500, 1_000, 2_000), (16, 32)


def step_township(config: Path, rounds: Rounds) -> dict[str, Any]:
    """One year of the whole model, S made in tiles: against NumPy's step of the distance alone, and the limit."""
    from flowmodel import runtime
    from flowmodel.config import Runtime

    zones = case_townships.QUICK_ZONES if rounds.quick else case_townships.ZONES
    runtime.configure(Runtime())
    step, gradient = case_townships.programs(case_townships.townships(zones))
    case = case_step.step(zones)
    distance_only, peer = ours_step.ours(case), NumpyStep(case, 2, "blocks")
    difference = case_step.largest_difference(distance_only(), peer().astype(float))
    limit = machine_limits.exp_log_sides(zones**2)
    sides = {
        "ours": timed(step),
        "gradient": timed(gradient),
        "distance_only": timed(distance_only),
        "peer": timed(peer),
    }
    seconds = alternate(sides | {f"limit: {by}": side for by, side in limit.items()}, rounds.one_call())
    fastest = min(seconds[f"limit: {by}"] for by in limit)
    report = line(seconds, "NumPy, in place, two threads, blocks: distance alone, no borders")
    return report | {
        "zones": zones,
        "pairs_a_second": zones**2 / seconds["ours"],
        "gradient_s": seconds["gradient"],
        "over_own_forward": seconds["gradient"] / seconds["ours"],
        "distance_only_s": seconds["distance_only"],
        "distance_only_ratio": seconds["peer"] / seconds["distance_only"],
        "largest_difference": difference,
        "limit": zones**2 / fastest,
        "limit_ratio": seconds["ours"] / fastest,
        "peak_gb": runtime.peak_memory_gb() if rounds.quick else peak_memory.alone("townships", zones),
    }


def scaling(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Seconds of a step by zones, in tiles, and of a product by cells, by transforms: the exponents of growth."""
    sizes, sides = (QUICK_SIZES, QUICK_SIDES) if rounds.quick else (SIZES, SIDES)
    steps = {str(size): timed(ours_step.ours(case_step.step(size))) for size in sizes}
    grids = {str(side**2): timed(case_grid.square(side)) for side in sides}
    tiled, spectral = alternate(steps, rounds.fewer()), alternate(grids, rounds.fewer())
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
