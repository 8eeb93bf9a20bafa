"""Values of the free parameters from a table, from `[truth]` or from the centres of the priors."""

from pathlib import Path

import pandas as pd

from flowmodel.errors import ConfigError
from flowmodel.parameters.registry import Registry


def values(registry: Registry, truth: dict[str, float], parameters: Path | None) -> dict[str, float]:
    """Natural values of the free parameters: from the table if there is one, else from the truth, else prior centres.

    Raises:
        ConfigError: the table cannot be read, lacks a parameter, has a value out of bounds, or another `offset_km`.
    """
    centres = {entry.name: entry.prior_mean for entry in registry.free}
    if parameters is None:
        return centres | {name: value for name, value in truth.items() if name in centres}
    try:
        given = pd.read_csv(parameters).set_index("name")["estimate"].astype(float).to_dict()
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError("E-PARAMETER-FILE", f"{parameters}: {error}", "name the parameters.csv of a run") from None
    lacking = sorted(set(centres) - set(given))
    if lacking:
        raise ConfigError("E-PARAMETER-LACKING", f"{parameters} lacks {lacking}", "name a table of the same model")
    for entry in registry.free:
        if not entry.lower <= given[entry.name] <= entry.upper:
            what = f"{parameters}: {entry.name} = {given[entry.name]} outside [{entry.lower}, {entry.upper}]"
            raise ConfigError("E-PARAMETER-BOUND", what, "correct the value, or the bound in [parameters]")
    offset_km = registry["offset_km"].fixed
    if given.get("offset_km", offset_km) != offset_km:
        what = f"{parameters} was made with offset_km = {given['offset_km']}, this configuration has {offset_km}"
        raise ConfigError("E-PARAMETER-OFFSET", what, "set parameters.offset_km.fixed to the table's")
    return {name: float(given[name]) for name in centres}
