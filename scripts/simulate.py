"""Runs the model of a configuration forward from given parameter values, without fitting, and closes its accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from _command import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    from _inputs import Request

    from flowmodel.parameters import Registry


def simulate(
    config: Config, parameters: Path | None = None, set_: Settings = (), device: Device = None, out: Out = None
) -> None:
    """Runs CONFIG forward and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        parameters: a parameters.csv to take values from; else fixed values, the [truth], or the centres of the priors.
        set_: overrides one value of the configuration; may be repeated.
        device: what computes, whatever the configuration says; one that is not there is an error.
        out: the run folder; runs/NAME if not given.
    """
    import _inputs

    asked = _inputs.request(config, on_device(set_, device), out)
    with run_folder(asked.out) as folder:
        _simulate(asked, folder, parameters)


def _simulate(asked: Request, folder: RunFolder, parameters: Path | None) -> None:
    import _inputs
    import jax.numpy as jnp

    from flowmodel.fit import inference

    prepare(asked.config.runtime)
    table = _inputs.obtain(asked, folder)
    kind = _inputs.kind(asked.config)
    model = kind.build(table, asked.config, jnp.float64)
    kind.announce(model)
    values = _values(model.registry, asked.config.truth, parameters)
    rows = inference.given(model.registry, values)
    closed = kind.run(model, model.registry.vector(values))
    _inputs.write_run(asked, folder, kind, model, closed)
    folder.write("parameters.csv", lambda path: rows.to_csv(path, index=False))
    residents = float(kind.end(closed).sum())
    folder.log("simulated", residents=residents)
    print(f"{model.years[1]}: {residents:,.0f} residents; written to {folder.path}")


def _values(registry: Registry, truth: dict[str, float], parameters: Path | None) -> dict[str, float]:
    """Natural values of the free parameters, from what is given first: a table, the truth, the priors.

    Raises:
        ConfigError: the table cannot be read, lacks a parameter, has one out of its bounds, or another distance offset.
    """
    import pandas as pd

    from flowmodel.errors import ConfigError

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


if __name__ == "__main__":
    cli(simulate)
