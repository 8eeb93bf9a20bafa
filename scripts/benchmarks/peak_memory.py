"""Prints the largest resident memory of one computation in a process of its own, GB.

Run as `python -m benchmarks.peak_memory NAME ARGUMENT...` by `alone`. Each computation imports only what it needs, so
that neither the other side's arrays nor a map library count.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]


def alone(name: str, *arguments: object) -> float:
    """Largest resident memory of a process that only does the computation of this name, GB.

    Raises:
        subprocess.CalledProcessError: the computation failed.
    """
    call = [sys.executable, "-m", "benchmarks.peak_memory", name, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    return float(subprocess.run(call, check=True, capture_output=True, text=True, env=environment).stdout)


def step(zones: str) -> None:
    """One step of so many synthetic zones."""
    from benchmarks import case_step, ours_step

    ours_step.ours(case_step.step(int(zones)))()


def townships(zones: str) -> None:
    """One year of so many townships, and its derivative."""
    from benchmarks import case_townships
    from flowmodel import runtime
    from flowmodel.config import Runtime

    runtime.configure(Runtime())
    for program in case_townships.programs(case_townships.townships(int(zones))):
        program()


def grid(config: str, cell_m: str, borders: str, *settings: str) -> None:
    """Two years of a grid from the same start, the first of which compiles.

    Args:
        config: the configuration.
        cell_m: side of a cell, metres.
        borders: a key of `case_grid.BORDERS`.
        settings: overrides of the configuration.
    """
    from benchmarks import case_grid
    from flowmodel import runtime
    from flowmodel.config import Runtime

    runtime.configure(Runtime())
    year = case_grid.country(Path(config), float(cell_m), settings).year(borders)
    year()
    year()


def gradient(config: str, zones: str, device: str) -> None:
    """Three evaluations of value and gradient of a configuration's fit at the centres of the priors."""
    import jax

    from flowmodel import runtime
    from flowmodel.dynamics.residents import setup
    from flowmodel.estimation import objective as objectives
    from flowmodel.runs.request import read_config
    from flowmodel.zones import table

    asked = read_config(Path(config), device=device)
    runtime.configure(asked.config.runtime)
    model = setup.build(table.read_zones(Path(zones)), asked.config, runtime.kernel_dtype(asked.config.runtime))
    objective = objectives.objective(model, asked.config.fit)
    both = runtime.program(lambda objective, natural: jax.value_and_grad(objective)(natural))
    for _ in range(3):
        jax.block_until_ready(both(objective, model.registry.prior_centres()))


COMPUTATIONS: dict[str, Callable[..., None]] = {
    "step": step,
    "townships": townships,
    "grid": grid,
    "gradient": gradient,
}


if __name__ == "__main__":
    from flowmodel import runtime

    COMPUTATIONS[sys.argv[1]](*sys.argv[2:])
    print(runtime.peak_memory_gb())
