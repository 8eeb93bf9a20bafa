"""`[grid]` of a config to `grid.nc`: the county run, the rasters, and everything that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo import crs, divide
from geo.config import BandConfig, GridConfig, GridPopulationConfig
from geo.errors import DataError, Issue, error, failed
from geo.export import folder
from geo.export.folder import RunFolder
from geo.files import replacing
from geo.raster.grid import Grid, projected
from geo.raster.read import Raster, look
from geo.raster.zonal import own

from . import counties, covariates, file
from .align import Aligned, align
from .covariates import Covariate
from .lattice import lattice, memory_gb
from .people import people, tally
from .places import Places, read_mask

_EXPORTED = "population_density_observed_{}"


@dataclass(frozen=True)
class Built:
    """What came of writing `grid.nc`.

    Attributes:
        places: Counties and mask of the cells; its `grid` is the lattice.
        zones: Cells that are zones.
        years: First and last year.
        people: Everybody in them, persons.
        issues: Warnings.
        rules: A sentence for each declared rule that changed a number.
    """

    places: Places
    zones: int
    years: tuple[int, int]
    people: float
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


def write(config: GridConfig, path: Path, progress: Callable[[str], None] | None = None) -> Built:
    """Write `grid.nc`; it takes its name only when it is whole.

    Args:
        config: The `[grid]` section.
        path: The file.
        progress: Called with a sentence on what is being done, the size of the grid and its memory among them.

    Raises:
        DataError: With every error of the run and the rasters.
    """
    say = progress or (lambda sentence: None)
    run = folder.read(config.run)
    years, residents = _start(config, run)
    system = projected(config.crs)
    asked, exported = _population(config, years[0])
    raster, issues = look("population", asked, "grid.population")
    if raster is None:
        raise DataError(issues)
    shapes = run.shapes(system)
    grid = lattice(shapes, system, config.cell_m, raster.cells)
    size = f"{grid.shape_yx[0]:,} x {grid.shape_yx[1]:,} cells of {grid.cell_m:g} m"
    say(f"{size}, {memory_gb(grid):.1f} GB of memory")
    aligned, found = align(raster, grid, parts=True)
    issues += [_exported_again(issue, config) if exported else issue for issue in found]
    mask, found = _beside("mask", config.mask, grid)
    issues += found
    others, found = _covariates(config, run, grid)
    issues += found
    if aligned is None or failed(issues):
        raise DataError(issues)
    places = Places(own(shapes, grid, run.codes), None)
    if mask is not None:
        left_out, found = read_mask(mask, grid)
        places, issues = Places(places.ownership, left_out), issues + found
    say(f"reading {raster.path.name}")
    counted = people(aligned, asked.quantity)
    want = counties.Asked(counted, asked, exported, years[0], residents)
    settled = counties.settle(want, places, tally(counted, places, asked))
    issues += settled.issues
    found, rules = covariates.check(others, counted, settled.factor, places)
    issues, rules = issues + found, [*settled.rules, *rules]
    if failed(issues):
        raise DataError(issues)
    say(f"writing {path.name}")
    units = {name: str(run.zones[name].attrs["units"]) for name in others}
    inputs = _inputs(run, [raster, *([mask.raster] if mask else []), *(of.aligned.raster for of in others.values())])
    attributes = _attributes(run, years) | file.listed(inputs, rules)
    with replacing(path) as partial:
        total = file.write(partial, places, counted, settled.factor, others, attributes, units)
    return Built(places, int(places.cells().sum()), years, total, tuple(issues), tuple(rules))


def _start(config: GridConfig, run: RunFolder) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Give first and last year, and the residents of the counties in the first.

    Raises:
        DataError: E-GRID-YEAR where the first year is no census in which every county was counted.
    """
    first, last = config.years or (int(run.results["year"].values[0]), run.last_year)
    known = [int(year) for year in run.zones["year"].values]
    residents = (
        np.asarray(run.zones["population"].sel(year=first).values, float) if first in known else np.array([np.nan])
    )
    if not np.isfinite(residents).all():
        rule = f"the first year is a census of zones.nc in which every county was counted; it has {known}"
        fix = "choose years = [first, last] that begin with one"
        raise DataError([error("E-GRID-YEAR", "zones.nc", column="year", value=str(first), rule=rule, fix=fix)])
    return (first, last), residents


def _population(config: GridConfig, year: int) -> tuple[GridPopulationConfig, bool]:
    """Give the raster of people, and whether it is the one that the export made of the run."""
    if config.population is not None:
        return config.population, False
    path = config.run / "rasters" / f"{_EXPORTED.format(year)}.tif"
    if not path.is_file():
        rule = "without [grid.population] people come from the raster that scripts/export.py makes of the run"
        fix = f"python scripts/export.py {config.run.name}, or name a raster in [grid.population]"
        raise DataError([error("E-RUN-FILE", path.name, rule=rule, fix=fix)])
    return GridPopulationConfig.model_validate({"file": path, "quantity": "density", "totals": "counties"}), True


def _exported_again(issue: Issue, config: GridConfig) -> Issue:
    fix = f"export the run on these cells: scripts/export.py {config.run.name} --crs {config.crs} "
    return error(issue.code, issue.file, value=issue.value, rule=issue.rule, fix=f"{fix}--cell-m {config.cell_m:g}")


def _beside(name: str, config: BandConfig | None, grid: Grid) -> tuple[Aligned | None, list[Issue]]:
    """Open a raster that must have the cells of the grid."""
    if config is None:
        return None, []
    raster, issues = look(name, config, f"grid.{name}")
    if raster is None:
        return None, issues
    aligned, found = align(raster, grid, parts=False)
    return aligned, issues + found


def _covariates(config: GridConfig, run: RunFolder, grid: Grid) -> tuple[dict[str, Covariate], list[Issue]]:
    """Open the rasters of covariates; E-GRID-COVARIATE for one that the counties do not have."""
    opened: dict[str, Covariate] = {}
    issues: list[Issue] = []
    for name, of in config.covariates.items():
        if name not in run.covariates:
            rule = "a covariate of the cells is one of the counties, whose coefficient it takes"
            fix = f"choose among {', '.join(run.covariates)}"
            issues.append(error("E-GRID-COVARIATE", "zones.nc", column=name, rule=rule, fix=fix))
            continue
        aligned, found = _beside(f"covariates.{name}", of, grid)
        issues += found
        if aligned is not None:
            opened[name] = Covariate(name, aligned, of, run.zone(name))
    return opened, issues


def _inputs(run: RunFolder, rasters: list[Raster]) -> list[dict[str, object]]:
    """Name each file with its hash, as zones.nc does."""
    rows = len(run.codes)
    files: list[dict[str, object]] = [
        {"file": name, "sha256": hashlib.sha256((run.path / name).read_bytes()).hexdigest(), "rows": rows, "crs": of}
        for name, of in (("zones.nc", None), ("zones.gpkg", crs.name(run.polygons.crs)))
    ]
    once = {raster.path: raster for raster in rasters}
    return files + [
        {
            "file": path.name,
            "sha256": raster.sha256,
            "rows": raster.cells.shape_yx[0],
            "crs": crs.name(raster.cells.crs),
        }
        for path, raster in once.items()
    ]


def _attributes(run: RunFolder, years: tuple[int, int]) -> dict[str, str | int]:
    return {
        "title": f"cells of {run.name}",
        "run": run.name,
        "synthetic": int(run.synthetic),
        "first_year": years[0],
        "last_year": years[1],
        "divide": divide.DESCRIPTION,
    }
