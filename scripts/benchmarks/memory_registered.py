"""Builds a model with registration, evaluates its objective and a gradient, runs it and closes its accounts.

Prints a JSON line: seconds of each, and the largest resident memory of this process. A process of its own, so that
nothing else counts: `memory_registered.py STORAGE ZONES`, with STORAGE "dense" or "tiled".
"""

import json
import sys
import time
from pathlib import Path

import jax

from benchmarks import case_registered
from flowmodel import runtime
from flowmodel.models.registered import Registered


def main(storage: str, zones: int) -> None:
    """One evaluation of each."""
    config = case_registered.configuration(storage)
    runtime.configure(config.runtime)
    table = case_registered.table(zones)
    seconds, before = {}, time.perf_counter()
    model = Registered.build(table, config, Path(), runtime.kernel_dtype(config.runtime))
    seconds["build"], before = time.perf_counter() - before, time.perf_counter()
    both = runtime.program(lambda objective, natural: jax.value_and_grad(objective)(natural))
    natural = model.registry.prior_centres()
    value, slope = jax.block_until_ready(both(model.objective(), natural))
    seconds["gradient"], before = time.perf_counter() - before, time.perf_counter()
    closed = model.run(natural)
    seconds["run"] = time.perf_counter() - before
    told = {
        "seconds": seconds,
        "peak_gb": runtime.peak_memory_gb(),
        "objective": float(value),
        "gradient": [float(one) for one in slope],
        "residents": float(model.end(closed).sum()),
        "national_residual": float(abs(closed.national_residual()).max()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
