"""All comparisons by name, and how one or several of them are run."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    compare_flows,
    compare_grid,
    compare_model,
    compare_registered,
    compare_startup,
    compare_step,
    compare_townships,
)
from benchmarks.timing import Rounds
from flowmodel.config import Runtime
from flowmodel.errors import ConfigError
from flowmodel.runs.start import prepare

Comparison = Callable[[Path, Rounds], dict[str, Any]]

COMPARISONS: Mapping[str, Comparison] = {
    "forward_county": compare_model.forward_county,
    "gradient_county": compare_model.gradient_county,
    "startup": compare_startup.startup,
    "step_township": compare_townships.step_township,
    "scaling": compare_townships.scaling,
    "registered_tiles": compare_registered.registered_tiles,
    "grid_1km": compare_grid.grid_1km,
    "grid_5km": compare_grid.grid_5km,
    "ppml_2000": compare_flows.ppml_2000,
    "balance_2850": compare_flows.balance_2850,
    "step_county": compare_step.step_county,
    "machine_limits": compare_step.limits,
}


def run(names: Sequence[str], config: Path, rounds: Rounds, device: str | None, arguments: Sequence[str]) -> int:
    """Runs comparisons and prints a line of JSON for each; several run in processes of their own.

    Returns:
        The exit status: 0, or that of the first process that failed.

    Raises:
        ConfigError: E-BENCH-NAME, a name is unknown.
        ResourceError: E-DEVICE, the device is not there.
    """
    unknown = sorted(set(names) - set(COMPARISONS))
    if unknown:
        raise ConfigError("E-BENCH-NAME", f"no comparison {unknown}", f"choose among {sorted(COMPARISONS)}")
    if len(names) != 1:
        options = [argument for argument in arguments if argument not in names]
        return _each_alone(names or tuple(COMPARISONS), options)
    (name,) = names
    prepare(Runtime.model_validate({"device": device or "auto"}))
    print(json.dumps({"name": name, "quick": rounds.quick} | COMPARISONS[name](config, rounds)), flush=True)
    return 0


def _each_alone(names: Sequence[str], options: Sequence[str]) -> int:
    """Each comparison in a new process, so that memory taken by one does not change the times of the next."""
    for name in names:
        status = subprocess.run([sys.executable, sys.argv[0], name, *options], check=False).returncode
        if status:
            return status
    return 0
