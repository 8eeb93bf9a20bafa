"""The model of a grid run: cells that maps make, and the county run whose parameters they take."""

from pathlib import Path

import jax.numpy as jnp

from flowmodel.config import Config, GridRun
from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.errors import ConfigError
from flowmodel.models.cells import Cells, GridZones, Progress
from flowmodel.parameters import given
from flowmodel.runs import console
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.maps import BuiltGrid, Maps
from flowmodel.runs.reading import read
from flowmodel.runs.request import Request, read_config
from flowmodel.zones import cells as grids
from flowmodel.zones import table as labelled


def model(
    request: Request[GridRun], folder: RunFolder, maps: Maps, parameters: Path | None, progress: Progress
) -> tuple[Cells, dict[str, float]]:
    """The model of `[grid]`, and natural values of its parameters.

    Raises:
        ConfigError: `[grid]` is wrong, or names a run with registration (E-GRID-RUN).
        DataError: the sources are wrong.
    """
    built = _built(request, folder, maps)
    asked = built.config
    county = _county(asked.run, built.years)
    values = given.values(county.registry, {}, parameters or asked.run / "parameters.csv")
    cells = grids.read(folder.file("grid.nc"), len(county.table.codes))
    zones = GridZones(cells, county, asked.within, asked.pairs, built.degrees())
    return Cells(zones, request.config.runtime.kernel, progress), values


def _built(request: Request[GridRun], folder: RunFolder, maps: Maps) -> BuiltGrid:
    """Writes grid.nc; problems go to issues.csv."""
    tables = request.config.grid
    with console.steps("grid") as step:
        for file in request.inputs(maps, "grid", tables):
            folder.check_outside(file)
        built = read(folder, maps, lambda: maps.grid(tables, request.base, folder.file(".grid.nc"), step))
    folder.declare("grid.nc")
    folder.file(".grid.nc").replace(folder.file("grid.nc"))
    folder.write_csv("distortion.csv", built.distortion)
    for rule in built.rules:
        console.warn(f"declared rule: {rule}")
    for line in built.summary():
        console.say(line)
    return built


def _county(run: Path, years: tuple[int, int]) -> Setup:
    """The county run that the cells follow, for the years of the grid run.

    Raises:
        ConfigError: E-GRID-RUN, it is a run with registration.
    """
    config: Config = read_config(run / "config.toml").config
    if config.model.stock is not None:
        what = f"{run.name} is a run with registration"
        raise ConfigError("E-GRID-RUN", what, "name a run of residents alone: one without [model.stock]")
    config = config.model_copy(update={"model": config.model.model_copy(update={"years": years})})
    return setup.build(labelled.read_zones(run / "zones.nc"), config, jnp.float32)
