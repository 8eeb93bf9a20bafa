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
from _command import cli
from _turns import Side, Turns, alternate, line, timed

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def bench(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    repeats: int = 5,
    calls: int = 6,
    config: Path | None = None,
    *,
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> None:
    """Runs the comparisons called NAMES, or all.

    forward_county, gradient_county: the model on real zones. startup. ppml_2000, balance_2850, step_county: synthetic
    zones, with peers that scripts/peers.sh installs. ceilings: what the machine can do at best.

    Args:
        names: which comparisons.
        repeats: turns of each side.
        calls: timed calls of a turn, after as many that are not; fewer are for a test, not for a claim.
        config: whose zones are used; configs/china_2010_2020.toml by default, quickly configs/demo.toml.
        quick: small cases and one call each, for a test: the seconds say nothing then.
    """
    import _bench_flows
    import _bench_step

    from flowmodel.errors import ConfigError

    turns = Turns(1, 1, 0, quick=True) if quick else Turns(repeats, calls, idle=calls)
    zones = config or CONFIGS / ("demo.toml" if quick else "china_2010_2020.toml")
    known: dict[str, Callable[[Path, Turns], dict[str, Any]]] = {
        "forward_county": forward_county,
        "gradient_county": gradient_county,
        "startup": startup,
        "ppml_2000": _bench_flows.ppml_2000,
        "balance_2850": _bench_flows.balance_2850,
        "step_county": _bench_step.step_county,
        "ceilings": _bench_step.ceilings,
    }
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ConfigError("E-BENCH-NAME", f"no comparison {unknown}", f"choose among {sorted(known)}")
    for name in names or known:
        print(json.dumps({"name": name, "quick": quick} | known[name](zones, turns)), flush=True)


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
    seconds = alternate({side: timed(run) for side, run in sides.items()}, turns)
    return line(seconds, "NumPy, in place, two threads") | {"zones": case.zones, "largest_difference": difference}


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
    seconds = alternate({side: timed(run) for side, run in sides.items()}, turns)
    return line(seconds, "central differences of the NumPy model, one evaluation a side and parameter") | {
        "parameters": len(case.natural),
        "over_own_forward": seconds["ours"] / seconds["forward"],
        "ratio_to_batched_differences": seconds["batched"] / seconds["ours"],
        "largest_difference": difference,
        "peak_gb": case.own_peak_gb,
    }


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
