"""A run whose zones are the cells of a raster: from `[grid]` of a configuration to its run folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flowmodel import config as configuration
from flowmodel.config import Config
from flowmodel.config.grid import GridRun, parse_grid_run
from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder, prepare, run_folder
from flowmodel.runs.provenance import provenance, write_issues
from flowmodel.zones import table as store

if TYPE_CHECKING:
    import pandas as pd

    from flowmodel.dynamics.residents.setup import Setup
    from flowmodel.parameters.registry import Parameters
    from flowmodel.zones.cells import GridCells
    from geo.config import GridConfig
    from geo.grid.build import Built


ROWS = 8
"""Cells whose reach is summed one by one, a second each where there are ten million."""


@dataclasses.dataclass(frozen=True)
class County:
    """A finished county run: its model, its parameters and its table of zones."""

    config: Config
    model: Setup
    parameters: Parameters


def simulate(tables: dict[str, Any], file: Path, out: Path | None, parameters: Path | None) -> None:
    """Runs the cells of a configuration and writes the run folder.

    Args:
        tables: the configuration's.
        file: where they stand.
        out: the run folder; runs/NAME if not given.
        parameters: a parameters.csv of the same model; that of the county run if not given.
    """
    config = parse_grid_run(tables, str(file))
    section = _section(config, file)
    prepare(config.runtime)
    with run_folder(out or Path("runs") / config.run.name) as folder:
        _simulate(config, section, folder, parameters or section.run / "parameters.csv")


def _section(config: GridRun, file: Path) -> GridConfig:
    from pydantic import ValidationError

    from geo.config import GridConfig
    from geo.config.grid import parse_grid

    try:
        return parse_grid(config.grid, file.resolve().parent)
    except ValidationError as error:
        text = configuration.validation_text(error, GridConfig)
        raise ConfigError("E-CONFIG-KEY", f"{file}: [grid] {text}", "see docs/configs.md") from None


def _simulate(config: GridRun, section: GridConfig, folder: RunFolder, values: Path) -> None:
    import jax.numpy as jnp
    import tomli_w

    from flowmodel.dynamics.cells import downscaling, operator, year
    from flowmodel.dynamics.cells import rollout as run
    from flowmodel.dynamics.residents import rollout
    from flowmodel.zones import cells as grids

    folder.check_outside(section.run)
    built = _build(section, folder)
    county = _county(section, built.years, values)
    model, parameters = county.model, county.parameters
    cells = grids.read(folder.file("grid.nc"), len(model.table.codes))
    ground = downscaling.support(cells, model.table, model.zones, parameters, model.covariates)
    calendar = rollout.calendar(county.config.model.natural, built.years)
    kernel = operator.build(
        parameters,
        cells,
        model.table,
        float(model.registry["offset_km"].fixed or 0),
        within=section.within,
        dtype=config.runtime.kernel,
    )
    population = jnp.asarray(cells.population)
    print(operator.sentence(kernel, run.need(parameters, ground, kernel, population, calendar)))
    at = year.first_pressure(parameters, ground, kernel, population)
    compared = _compare(section, county, cells, ground, kernel, at, folder)
    compared |= _checked(county, cells, at, built)
    del at
    accounts = _years(run.years(parameters, ground, kernel, population, calendar, built.years[0]), built, cells, folder)
    table = run.accounts_table(model.table.codes, accounts)
    folder.write("accounts.csv", lambda path: table.to_csv(path, index=False))
    folder.write_text("config.toml", tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)))
    inputs = [*cells.inputs, *model.table.inputs]
    folder.write_json("provenance.json", provenance(folder.path, config.run.seed, inputs, synthetic=cells.synthetic))
    folder.write_json("metrics.json", _metrics(built, table, compared))
    folder.log("simulated", residents=float(table["closing"][table["year"] == built.years[1]].sum()))
    _tell(built, table, compared, folder)


def _build(section: GridConfig, folder: RunFolder) -> Built:
    """Writes grid.nc; its problems stand in issues.csv, what it declares is said."""
    import sys

    from flowmodel.runs import console
    from geo.errors import DataError
    from geo.grid import build
    from geo.grid.distortion import distortion

    folder.clear()
    try:
        with console.steps("grid") as step:
            built = build.write(section, folder.file("grid.nc"), step)
            missed = distortion(built.places)
    except DataError as error:
        write_issues(folder, error.issues)
        raise
    write_issues(folder, built.issues)
    for rule in built.rules:
        print(f"declared rule: {rule}", file=sys.stderr)
    folder.write("distortion.csv", lambda path: missed.to_csv(path, index=False))
    worst = missed.iloc[int(missed["largest"].abs().argmax())]
    direct_sums, columns = built.places.grid.shape_yx
    print(f"grid: {direct_sums:,} x {columns:,} cells, {built.zones:,} of them zones, {built.people:,.0f} people")
    print(
        f"distance in the plane: within {abs(worst['largest']):.1%} of the ground's "
        f"({worst['ground']}, {worst['from_km']:g}-{worst['to_km']:g} km; distortion.csv has all)"
    )
    return built


def _county(section: GridConfig, years: tuple[int, int], given: Path) -> County:
    """The county run that the cells follow, for other years perhaps.

    Raises:
        ConfigError: E-GRID-RUN, it is one with registration; or see `_values.values`.
    """
    import jax.numpy as jnp

    from flowmodel.dynamics.residents import setup
    from flowmodel.parameters import given as _values

    tables = configuration.read_toml(section.run / "config.toml")
    config = configuration.parse(tables, str(section.run / "config.toml"))
    if config.model.stock is not None:
        what = f"{section.run.name} follows registered people"
        raise ConfigError("E-GRID-RUN", what, "name a run of residents alone: one without [model.stock]")
    config = config.model_copy(update={"model": config.model.model_copy(update={"years": years})})
    model = setup.build(store.read_zones(section.run / "zones.nc"), config, jnp.float32)
    values = _values.values(model.registry, {}, given)
    return County(config, model, model.registry.parameters(model.registry.vector(values)))


def _compare(
    section: GridConfig, county: County, cells: GridCells, ground: Any, kernel: Any, at: Any, folder: RunFolder
) -> dict[str, Any]:
    """Flows of the first year between counties, by cells and by the county model: county_flows.csv and its scores."""
    import jax
    import jax.numpy as jnp

    from flowmodel.dynamics.cells import against_counties, year

    model = county.model
    people = cells.by_county(cells.population, len(model.table.codes))
    wanted = len(people) if section.pairs == "all" else section.pairs
    if not wanted:
        return {}
    origins = against_counties.sample(people, wanted) if wanted < len(people) else np.arange(len(people))
    by_cells = np.asarray(year.flows_from(ground, kernel, at, jnp.asarray(origins, jnp.int32)))
    first = jax.tree.map(lambda path: path[0], model.calendar)
    by_counties = against_counties.county_model(model, county.parameters, people, first)
    flows = against_counties.table(model.table.codes, origins, by_cells, by_counties.rows(origins))
    folder.write("county_flows.csv", lambda path: flows.to_csv(path, index=False))
    inflow = np.asarray(by_counties.moved.inflow)
    return {
        "origins": len(origins),
        "flows": against_counties.scores(flows, against_counties.distances(model.table, origins)),
        "inflow": inflow,
    }


def _checked(county: County, cells: GridCells, at: Any, built: Built) -> dict[str, Any]:
    """The reach of a few cells again, summed one by one: what transforms miss, and what the plane does."""
    from flowmodel.dynamics.cells import against_counties, direct_sums
    from geo.raster.cells import to_degrees

    zones = cells.zone >= 0
    reach, pull = (np.asarray(field, float)[zones] for field in (at.reach, at.pull))
    sampled = against_counties.sample(cells.population[zones], ROWS)
    grid = built.places.grid
    lon, lat = to_degrees(grid.crs, *grid.centres(*np.nonzero(zones)))
    of = direct_sums.rows(
        county.parameters, cells, county.model.table, float(county.model.registry["offset_km"].fixed or 0)
    )
    plane, sphere = direct_sums.in_the_plane(cells), direct_sums.on_the_sphere(lon, lat)
    direct = np.array([[of.reach(int(row), how, pull) for how in (plane, sphere)] for row in sampled])
    transforms = np.abs(reach[sampled] / direct[:, 0] - 1).max()
    projected = np.abs(direct[:, 0] / direct[:, 1] - 1).max()
    print(
        f"reach of {len(sampled)} cells summed one by one: transforms within {transforms:.1e}, "
        f"the plane within {projected:.2%} of great circles"
    )
    return {"rows": {"cells": len(sampled), "transforms": float(transforms), "projection": float(projected)}}


def _years(found: Any, built: Built, cells: GridCells, folder: RunFolder) -> dict[int, Any]:
    """Goes through the years; the first and last are kept by cell, all of them by county."""
    from flowmodel.results import cells as results
    from flowmodel.runs import console

    first, last = built.years
    kept = sorted({first + 1, last})
    accounts = {}

    def write(path: Path) -> None:
        with results.writing(path, cells, [first, last], kept) as file:
            file.put("residents", first, cells.population)
            for when, done in found:
                accounts[when] = done.accounts
                update("years", when - first, last - first, float(when))
                if when in kept:
                    file.put("inflow", when, np.asarray(done.inflow))
                    file.put("outflow", when, np.asarray(done.outflow))
                if when == last:
                    file.put("residents", when, np.asarray(done.residents))

    with console.progress() as update:
        folder.write("results.nc", write)
    return accounts


def _metrics(built: Built, table: pd.DataFrame, compared: dict[str, Any]) -> dict[str, Any]:
    from flowmodel import runtime

    first = table[table["year"] == built.years[0] + 1]
    told: dict[str, Any] = {"cells": built.zones, "people": built.people, "memory_gb": runtime.peak_memory_gb()}
    told["inside_share"] = float(first["inside"].sum() / (first["inside"].sum() + first["outflow"].sum()))
    told["rows"] = compared["rows"]
    if "flows" in compared:
        by_cells, by_counties = first["inflow"].to_numpy(), compared["inflow"]
        told["flows"] = compared["flows"] | {"origins": compared["origins"]}
        told["inflow"] = {
            "by_cells": float(by_cells.sum()),
            "by_counties": float(by_counties.sum()),
            "common_part": float(2 * np.minimum(by_cells, by_counties).sum() / (by_cells.sum() + by_counties.sum())),
        }
    return told


def _tell(built: Built, table: pd.DataFrame, compared: dict[str, Any], folder: RunFolder) -> None:
    last = table[table["year"] == built.years[1]]
    if "flows" in compared:
        flows = compared["flows"]
        print(
            f"flows between counties, {built.years[0]}: {flows['common_part']:.1%} in common with the county model's "
            f"({compared['origins']} counties of origin; county_flows.csv)"
        )
    print(f"{built.years[1]}: {last['closing'].sum():,.0f} residents; written to {folder.path}")
