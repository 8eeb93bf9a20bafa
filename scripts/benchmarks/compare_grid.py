"""Compares one year of all cells of the country: with the divide, with provinces too, with all borders."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import case_grid, compare_model, machine_limits, peak_memory
from benchmarks.numpy_grid import NumpyGrid
from benchmarks.timing import Rounds, alternate, line, timed

QUICK = 30_000.0, compare_model.DEMO, ("zones.counties=310",)


def grid_1km(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Cells of a kilometre."""
    return _grid(config, rounds, 1_000.0)


def grid_5km(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Cells of five kilometres."""
    return _grid(config, rounds, 5_000.0)


def _grid(config: Path, rounds: Rounds, cell_m: float) -> dict[str, Any]:
    """Against SciPy's transforms; the machine's limit is one copy for each pass of a transform over its field."""
    from flowmodel import runtime
    from flowmodel.config import Runtime

    runtime.configure(Runtime())
    size, zones, settings = QUICK if rounds.quick else (cell_m, config, ())
    case = case_grid.country(zones, size, settings)
    # A quick run has only the compared side: each of the others compiles its own program.
    others = {} if rounds.quick else {f"{name}_s": timed(case.year(name)) for name in ("province", "county")}
    sides = {"divide_s": timed(case.year("divide"))} | others
    if not rounds.quick:
        sides["float32_s"] = timed(case.year("divide", "float32"))
    first = case.year("divide")()
    peer, leavers, pull = _numpy(case, first)
    difference = float(np.max(np.abs(peer.year(leavers, pull) - np.asarray(first.inflow))) / np.max(first.inflow))
    seconds = alternate(sides | {"peer": timed(lambda: peer.year(leavers, pull))}, rounds.one_call())
    copied = _passed_gb(case.cells.shape) / machine_limits.measure(quick=rounds.quick).copy_gb_s
    name = f"SciPy's real transforms, {os.cpu_count()} threads: the two products alone"
    report = line(seconds | {"ours": seconds["divide_s"]}, name)
    alone = zones, size, "divide", *settings
    return report | {
        "cell_m": size,
        "cells": case.cells.zone.size,
        "zones": int((case.cells.zone >= 0).sum()),
        "float32_s": seconds.get("float32_s"),
        "with_provinces_s": seconds.get("province_s"),
        "with_all_borders_s": seconds.get("county_s"),
        "largest_difference": difference,
        "limit_s": copied,
        "limit_ratio": seconds["divide_s"] / copied,
        "peak_gb": runtime.peak_memory_gb() if rounds.quick else peak_memory.alone("grid", *alone),
    }


def _numpy(case: case_grid.GridCase, first: Any) -> tuple[NumpyGrid, np.ndarray, np.ndarray]:
    """SciPy's grid, and the leavers and pull of the same year."""
    p, cells = case.parameters, case.cells
    east_west, west_east = (float(p.barriers[name]) for name in ("divide_east_west", "divide_west_east"))
    offset = float(case.model.registry["offset_km"].fixed or 0)
    grid = NumpyGrid(
        cells.east,
        cells.zone >= 0,
        cells.cell_km,
        float(p.decay[0]),
        offset,
        (east_west + west_east) / 2,
        os.cpu_count() or 1,
    )
    from flowmodel.dynamics.cells import downscaling

    ground = downscaling.support(cells, case.model.table, case.model.zones, p, case.model.covariates)
    pull = np.asarray(downscaling.pull(p, ground, cells.population), np.float32)
    return grid, np.asarray(first.outflow, np.float32), pull


def _passed_gb(shape: tuple[int, int]) -> float:
    """Two products of two fields: each is read and written by rows and, padded, by columns, there and back, float32."""
    rows, columns = shape
    return 2 * 2 * 4 * (2 * (rows * 2 * columns) * 2 + 2 * (2 * rows * 2 * columns) * 2) / 1e9
