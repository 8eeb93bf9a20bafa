"""Measures this project against the best rival we could write, alternately in one run, and prints a JSON line each.

A ratio is peer_s / ours_s: above 1 we are faster. Seconds are medians, warm; a machine may be shared: quote ratios.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro
from _command import cli

_PAUSE_S = 0.05


def bench(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    repeats: int = 5,
    calls: int = 6,
    config: Path = Path("configs/china_2010_2020.toml"),
) -> None:
    """Runs the comparisons called NAMES, or all of them: forward_county, gradient_county, startup.

    Args:
        names: which comparisons.
        repeats: turns of each side.
        calls: timed calls of a turn, after as many that are not; fewer are for a test, not for a claim.
        config: whose zones are used; the real counties by default.
    """
    from flowmodel.errors import ConfigError

    turns = Turns(repeats, calls)
    known: dict[str, Callable[[Path, Turns], dict[str, Any]]] = {
        "forward_county": forward_county,
        "gradient_county": gradient_county,
        "startup": startup,
    }
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ConfigError("E-BENCH-NAME", f"no comparison {unknown}", f"choose among {sorted(known)}")
    for name in names or known:
        print(json.dumps({"name": name, **known[name](config, turns)}), flush=True)


class Turns(NamedTuple):
    """How often the sides take turns, and how many calls of a turn are timed."""

    repeats: int
    calls: int


def alternate(sides: dict[str, Callable[[], object]], turns: Turns) -> dict[str, float]:
    """Median seconds of each side, timed in turn.

    A turn begins with a pause, in which the other side's threads stop spinning for work, and calls that are not timed,
    which bring the side's arrays back into cache: neither side pays for the other. The first turn is not counted: the
    allocator learns from it.
    """
    import numpy as np

    for run in sides.values():
        for _ in range(2 * turns.calls):
            run()
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(turns.repeats):
        for side, run in sides.items():
            time.sleep(_PAUSE_S)
            for call in range(2 * turns.calls):
                started = time.perf_counter()
                run()
                if call >= turns.calls:
                    spent[side].append(time.perf_counter() - started)
    return {side: float(np.median(seconds)) for side, seconds in spent.items()}


def forward_county(config: Path, turns: Turns) -> dict[str, Any]:
    """Ten years of all real zones, kernel built and stored, float32 pairs: against NumPy in place on two threads."""
    import _rival_case
    import jax

    case = _rival_case.load(config)
    residents = jax.jit(lambda objective, natural: objective.residents(objective.registry.parameters(natural)))
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: residents(case.objective, case.natural).block_until_ready(),
        "peer": lambda: case.rival.residents(case.named),
    }
    difference = _rival_case.largest_difference(sides["ours"](), sides["peer"]())
    seconds = alternate(sides, turns)
    return _line(seconds, "NumPy, in place, two threads") | {"zones": case.zones, "largest_difference": difference}


def gradient_county(config: Path, turns: Turns) -> dict[str, Any]:
    """Value and gradient of the ten-year fit: against its own forward, and central differences of the NumPy model."""
    import _rival_case
    import jax

    case = _rival_case.load(config)
    value = jax.jit(lambda objective, natural: objective(natural))
    both = jax.jit(lambda objective, natural: jax.value_and_grad(objective)(natural))
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: jax.block_until_ready(both(case.objective, case.natural)),
        "forward": lambda: value(case.objective, case.natural).block_until_ready(),
        "peer": case.central_differences,
        "batched": case.batched_differences,
    }
    difference = _rival_case.largest_difference(both(case.objective, case.natural)[1], case.central_differences())
    seconds = alternate(sides, turns)
    return _line(seconds, "central differences of the NumPy model, one evaluation a side and parameter") | {
        "parameters": len(case.natural),
        "over_own_forward": seconds["ours"] / seconds["forward"],
        "ratio_to_batched_differences": seconds["batched"] / seconds["ours"],
        "largest_difference": difference,
        "peak_gb": case.own_peak_gb,
    }


def startup(config: Path, turns: Turns) -> dict[str, Any]:
    """Seconds to import either package, and to print the help of fit.py, each in a fresh interpreter."""

    def fresh(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    fit = str(Path(__file__).with_name("fit.py"))
    sides = {
        "interpreter": fresh("-c", "pass"),
        "flowmodel": fresh("-c", "import flowmodel"),
        "geo": fresh("-c", "import geo"),
        "fit_help": fresh(fit, "--help"),
    }
    return {f"{side}_s": seconds for side, seconds in alternate(sides, turns).items()}


def _line(seconds: dict[str, float], peer: str) -> dict[str, Any]:
    import numpy as np

    from flowmodel import runtime

    return {
        "ours_s": seconds["ours"],
        "peer": peer,
        "peer_s": seconds["peer"],
        "ratio": seconds["peer"] / seconds["ours"],
        "device": runtime.describe(),
        "cores": os.cpu_count(),
        "numpy": np.__version__,
    }


if __name__ == "__main__":
    cli(bench)
