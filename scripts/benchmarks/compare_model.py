"""Compares the model on the zones of a configuration, and its gradient, with the NumPy model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from benchmarks import case_fit
from benchmarks.case_fit import Case
from benchmarks.timing import Rounds, alternate, line, timed
from flowmodel import runtime

DEMO = Path(__file__).resolve().parents[2] / "configs" / "demo.toml"


def forward_county(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Ten years of all real zones with a dense float32 kernel: against NumPy in place on two threads."""
    case = _load(config, rounds)
    residents = runtime.program(lambda objective, natural: objective.residents(objective.registry.parameters(natural)))
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: residents(case.objective, case.natural).block_until_ready(),
        "peer": lambda: case.numpy.residents(case.named),
    }
    difference = case_fit.largest_difference(sides["ours"](), sides["peer"]())
    seconds = alternate({side: timed(run) for side, run in sides.items()}, rounds)
    return line(seconds, "NumPy, in place, two threads") | {"zones": case.zones, "largest_difference": difference}


def gradient_county(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Value and gradient of the ten-year fit: against its value alone, and central differences of the NumPy model."""
    case = _load(config, rounds)
    value = runtime.program(lambda objective, natural: objective(natural))
    both = runtime.program(lambda objective, natural: jax.value_and_grad(objective)(natural))
    sides: dict[str, Callable[[], object]] = {
        "ours": lambda: jax.block_until_ready(both(case.objective, case.natural)),
        "forward": lambda: value(case.objective, case.natural).block_until_ready(),
        "peer": case.central_differences,
        "batched": case.batched_differences,
    }
    difference = case_fit.largest_difference(both(case.objective, case.natural)[1], case.central_differences())
    seconds = alternate({side: timed(run) for side, run in sides.items()}, rounds)
    return line(seconds, "central differences of the NumPy model, one evaluation a side and parameter") | {
        "parameters": len(case.natural),
        "over_own_forward": seconds["ours"] / seconds["forward"],
        "ratio_to_batched_differences": seconds["batched"] / seconds["ours"],
        "largest_difference": difference,
        "peak_gb": case.own_peak_gb,
    }


def _load(config: Path, rounds: Rounds) -> Case:
    """The zones of a configuration; in a quick run those of the built-in country, ten a province."""
    return case_fit.load(DEMO, ["zones.counties=310"]) if rounds.quick else case_fit.load(config)
