"""Evaluates value and gradient of a configuration's fit a few times, and prints the largest resident memory, GB.

A process of its own, so that neither the rival's arrays nor a map library count:
`_gradient_alone.py CONFIG ZONES DEVICE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jax

from flowmodel import runtime
from flowmodel.dynamics.residents import setup
from flowmodel.estimation import objective as objectives
from flowmodel.runs.request import read_config
from flowmodel.zones import table


def main(config: Path, zones: Path, device: str) -> None:
    """Prints the peak of three evaluations at the centres of the priors."""
    asked = read_config(config, device=device)
    runtime.configure(asked.config.runtime)
    model = setup.build(table.read_zones(zones), asked.config, runtime.kernel_dtype(asked.config.runtime))
    objective = objectives.objective(model, asked.config.fit)
    both = runtime.program(lambda objective, natural: jax.value_and_grad(objective)(natural))
    for _ in range(3):
        jax.block_until_ready(both(objective, model.registry.prior_centres()))
    print(runtime.peak_memory_gb())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
