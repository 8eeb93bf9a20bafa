"""A run of a model at given parameter values, without a fit."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp

from flowmodel.config import Config, GridRun
from flowmodel.estimation import inference
from flowmodel.gravity.chosen_law import chosen
from flowmodel.models.model import Model
from flowmodel.parameters import given
from flowmodel.runs import console, grid, provenance
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import Maps, needed
from flowmodel.runs.request import Request
from flowmodel.runs.run import Run
from flowmodel.runs.start import prepare, with_model
from flowmodel.runs.zones import Zones, obtain


def simulate(
    config: Request[Any],
    *,
    parameters: Path | str | None = None,
    zones: Zones | None = None,
    maps: Maps | None = None,
    out: Path | str | None = None,
) -> Run:
    """Runs the model of a configuration forward, and writes a run folder.

    A configuration with a section `[grid]` runs the cells of a raster with the parameters of a finished county run.

    Args:
        config: of `read_config`.
        parameters: a parameters.csv; if not given, the fixed values, the `[truth]`, or the centres of the priors, and
            for a grid those of its county run.
        zones: zones in memory; those of `[zones]` if not given.
        maps: reads the sources of `[zones]` or `[grid]`, such as `geo.Maps()`.
        out: the run folder; runs/NAME if not given.

    Raises:
        ConfigError: the configuration or the table of parameters is wrong.
        DataError: the sources are wrong.
        NumericError: a value is not finite, or people are lost.
        ResourceError: a device or memory is missing.
    """
    values = None if parameters is None else Path(parameters)
    prepare(config.config.runtime)
    with run_folder(config.folder(out)) as folder:
        if config.config.kind == "cells":
            return _simulate_cells(config, folder, values, needed(maps, "[grid]"))
        return _simulate(config, folder, values, zones, maps)


def _simulate(
    request: Request[Config], folder: RunFolder, parameters: Path | None, zones: Zones | None, maps: Maps | None
) -> Run:
    chosen(request.config.model.law)  # a wrong law is an error before zones are built
    table = obtain(request, folder, maps, zones)

    def run(model: Model) -> Any:
        values = given.values(model.registry, request.config.truth, parameters)
        return inference.given(model.registry, values), model.run(model.registry.vector(values))

    model, (rows, closed) = with_model(table, request.config, request.base, jnp.float64, run)
    _write(folder, model, closed)
    folder.write_csv("parameters.csv", rows)
    inputs = [*table.inputs, *provenance.of_law(request.config.model.law)]
    provenance.write(folder, request.resolved(), request.config.run.seed, inputs, synthetic=table.synthetic)
    return _finished(folder, model, closed)


def _simulate_cells(request: Request[GridRun], folder: RunFolder, parameters: Path | None, maps: Maps) -> Run:
    with console.progress() as progress:
        model, values = grid.model(request, folder, maps, parameters, progress)
        for line in model.announce():
            console.warn(line)
        closed = model.run(model.registry.vector(values))
        for line in model.summary(closed):
            console.say(line)
        _write(folder, model, closed)
    folder.write_csv("parameters.csv", inference.given(model.registry, values))
    folder.write_json("metrics.json", model.report(closed) | console.memory())
    cells = model.zones.cells
    inputs = [*cells.inputs, *model.table.inputs]
    provenance.write(folder, request.resolved(), request.config.run.seed, inputs, synthetic=cells.synthetic)
    return _finished(folder, model, closed)


def _write(folder: RunFolder, model: Model, closed: Any) -> None:
    for name, writer in model.files(closed):
        folder.write(name, writer)


def _finished(folder: RunFolder, model: Model, closed: Any) -> Run:
    residents = float(model.end(closed).sum())
    folder.log("simulated", residents=residents)
    console.say(f"{model.years[1]}: {residents:,.0f} residents; written to {folder.path}")
    return Run(folder.path)
