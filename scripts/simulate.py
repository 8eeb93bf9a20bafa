"""Runs the model of a configuration forward from given parameter values, without fitting, and closes its accounts.

A configuration with a section [grid] runs the cells of a raster with the parameters of a finished county run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowmodel.runs.folder import Config, Device, Out, RunFolder, Settings, cli, on_device, prepare, run_folder

if TYPE_CHECKING:
    from flowmodel.runs.request import Request


def simulate(
    config: Config, parameters: Path | None = None, set_: Settings = (), out: Out = None, device: Device = None
) -> None:
    """Runs CONFIG forward and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        parameters: a parameters.csv to take values from; else fixed values, the [truth], or the centres of the priors.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    from flowmodel import config as configuration
    from flowmodel.runs import request

    settings = on_device(set_, device)
    tables = configuration.overridden(config, settings)
    if "grid" in tables:
        from flowmodel.runs import cells

        cells.simulate(tables, config, out, parameters)
        return
    asked = request.request(config, settings, out)
    with run_folder(asked.out) as folder:
        _simulate(asked, folder, parameters)


def _simulate(asked: Request, folder: RunFolder, parameters: Path | None) -> None:
    import jax.numpy as jnp

    from flowmodel.estimation import inference
    from flowmodel.parameters import given
    from flowmodel.runs import request

    prepare(asked.config.runtime)
    table = request.obtain(asked, folder)
    kind = request.kind(asked.config)

    def run(model: Any) -> Any:
        values = given.values(model.registry, asked.config.truth, parameters)
        return inference.given(model.registry, values), kind.run(model, model.registry.vector(values))

    model, (rows, closed) = request.in_tiles(asked, table, jnp.float64, run)
    request.write_run(asked, folder, kind, model, closed)
    folder.write("parameters.csv", lambda path: rows.to_csv(path, index=False))
    residents = float(kind.end(closed).sum())
    folder.log("simulated", residents=residents)
    print(f"{model.years[1]}: {residents:,.0f} residents; written to {folder.path}")


if __name__ == "__main__":
    cli(simulate)
