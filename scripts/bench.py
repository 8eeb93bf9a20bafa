"""Measures this project against the best rival we could write, alternately in one run, and prints a JSON line each.

A ratio is peer_s / ours_s: above 1 we are faster. Seconds are medians, warm; a machine may be shared: quote ratios.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import tyro
from benchmarks.timing import Side, Turns, alternate, timed

from flowmodel.runs.command import Device, cli
from flowmodel.runs.start import prepare


def bench(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    repeats: int = 5,
    calls: int = 6,
    config: Path = Path("configs/china_2010_2020.toml"),
    device: Device = None,
    *,
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Runs the comparisons called NAMES, or all.

    forward_county, gradient_county, grid_1km, grid_5km: real zones. step_county, ppml_2000, balance_2850: synthetic
    zones, with peers that scripts/peers.sh installs. step_township, scaling, registered_tiles: many zones. startup.
    ceilings: what the machine can do at best.

    Args:
        names: which comparisons.
        repeats: turns of each side.
        calls: timed calls of a turn, after as many that are not; fewer are for a test, not for a claim.
        config: whose zones are used; the real counties by default.
        device: what computes our side; one that is not there is an error.
        quick: small cases and one call each, for a test, with zones of the built-in country: the seconds say nothing.
    """
    from benchmarks import (
        compare_flows,
        compare_grid,
        compare_model,
        compare_registered,
        compare_step,
        compare_townships,
    )

    from flowmodel.config import Runtime
    from flowmodel.errors import ConfigError

    turns = Turns(1, 1, 0, quick=True) if quick else Turns(repeats, calls, idle=calls)
    known: dict[str, Callable[[Path, Turns], dict[str, Any]]] = {
        "forward_county": compare_model.forward_county,
        "gradient_county": compare_model.gradient_county,
        "startup": startup,
        "step_township": compare_townships.step_township,
        "scaling": compare_townships.scaling,
        "registered_tiles": compare_registered.registered_tiles,
        "grid_1km": compare_grid.grid_1km,
        "grid_5km": compare_grid.grid_5km,
        "ppml_2000": compare_flows.ppml_2000,
        "balance_2850": compare_flows.balance_2850,
        "step_county": compare_step.step_county,
        "ceilings": compare_step.ceilings,
    }
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ConfigError("E-BENCH-NAME", f"no comparison {unknown}", f"choose among {sorted(known)}")
    if len(names) != 1:
        _each_alone(names or tuple(known))
        return
    prepare(Runtime(device=device or "auto"))
    print(json.dumps({"name": names[0], "quick": quick} | known[names[0]](config, turns)), flush=True)


def _each_alone(names: tuple[str, ...]) -> None:
    """Each comparison in a process of its own, with this one's options: none finds the heap that another one left."""
    options = [argument for argument in sys.argv[1:] if argument not in names]
    for name in names:
        ended = subprocess.run([sys.executable, __file__, name, *options], check=False).returncode
        if ended:
            sys.exit(ended)


def startup(config: Path, turns: Turns) -> dict[str, Any]:
    """Seconds to import either package, and to print the help of fit.py, each in a fresh interpreter."""

    def fresh(*arguments: str) -> Side:
        return timed(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True))

    fit = str(Path(__file__).with_name("fit.py"))
    sides = {
        "interpreter": fresh("-c", "pass"),
        "flowmodel": fresh("-c", "import flowmodel"),
        "geo": fresh("-c", "import geo"),
        "fit_help": fresh(fit, "--help"),
    }
    return {f"{side}_s": seconds for side, seconds in alternate(sides, turns).items()}


if __name__ == "__main__":
    cli(bench)
