"""`[grid]` of a config to `grid.nc`: the county run, the rasters, and everything that is wrong with them at once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.config import BandConfig, GridConfig
from geo.coordinates import crs, divide
from geo.errors import DataError, Issue, error, failed, keep
from geo.raster.cells import to_degrees
from geo.raster.grid import Grid, projected
from geo.raster.read import Raster, inspect
from geo.raster.zonal import assign_cells
from geo.results import run_folder
from geo.results.run_folder import RunFolder
from geo.results.whole_files import replacing

from . import counties, covariates, file
from .align import AlignedRaster, align
from .covariates import Covariate
from .distortion import distortion
from .lattice import lattice, memory_gb
from .places import Places, read_mask


@dataclass(frozen=True)
class BuiltGrid:
    """A grid that was written to `grid.nc`.

    Attributes:
        config: The section `[grid]`.
        places: Counties and mask of the cells; its `grid` is the lattice.
        zones: Cells that are zones.
        years: First and last year.
        people: Everybody in them, persons.
        issues: Warnings.
        rules: A sentence for each declared rule that changed a number.
    """

    config: GridConfig
    places: Places
    zones: int
    years: tuple[int, int]
    people: float
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]

    @cached_property
    def distortion(self) -> pd.DataFrame:
        """How far distances in the plane are from those on the ground, by region and distance."""
        return distortion(self.places)

    def summary(self) -> list[str]:
        """Lines for a person: cells, people, distances in the plane."""
        worst = self.distortion.iloc[int(self.distortion["largest"].abs().argmax())]
        rows, columns = self.places.grid.shape_yx
        return [
            f"grid: {rows:,} x {columns:,} cells, {self.zones:,} of them zones, {self.people:,.0f} people",
            f"distance in the plane: within {abs(worst['largest']):.1%} of the ground's "
            f"({worst['ground']}, {worst['from_km']:g}-{worst['to_km']:g} km; distortion.csv has all)",
        ]

    def degrees(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes of the cells that are zones."""
        grid = self.places.grid
        owned = self.places.zone(slice(0, grid.shape_yx[0])) >= 0
        return to_degrees(grid.crs, *grid.centres(*np.nonzero(owned)))


def write(config: GridConfig, path: Path, progress: Callable[[str], None] | None = None) -> BuiltGrid:
    """Write `grid.nc`; it takes its name only when it is whole.

    Args:
        config: The `[grid]` section.
        path: The file.
        progress: Called with a sentence on what is being done, the size of the grid and its memory among them.

    Raises:
        DataError: With every error of the run and the rasters.
    """
    say = progress or (lambda sentence: None)
    run = run_folder.read(config.run)
    years, residents = _start(config, run)
    system = projected(config.crs)
    raster, issues = inspect("population", config.population, "grid.population") if config.population else (None, [])
    if failed(issues):  # there is no grid without it
        raise DataError(issues)
    shapes = run.shapes(system)
    grid = lattice(shapes, system, config.cell_m, None if raster is None else raster.cells)
    size = f"{grid.shape_yx[0]:,} x {grid.shape_yx[1]:,} cells of {grid.cell_m:g} m"
    say(f"{size}, {memory_gb(grid):.1f} GB of memory")
    quantity = config.population.quantity if config.population else None
    aligned = keep(issues, align(raster, grid, quantity)) if raster is not None else None
    mask = keep(issues, _open_aligned("mask", config.mask, grid))
    others = keep(issues, _covariates(config, run, grid))
    if failed(issues):
        raise DataError(issues)
    places = Places(
        assign_cells(shapes, grid, run.codes), keep(issues, read_mask(mask, grid)) if mask is not None else None
    )
    say("reading people")
    population, found, rules = counties.people(config.population, aligned, places, residents, years[0])
    issues += found
    rules += keep(issues, covariates.check(others, population, places))
    if failed(issues):
        raise DataError(issues)
    say(f"writing {path.name}")
    units = {name: str(run.zones[name].attrs["units"]) for name in others}
    rasters = [of.raster for of in (aligned, mask, *(of.aligned for of in others.values())) if of is not None]
    attributes = _attributes(run, years, rasters, rules)
    with replacing(path) as partial:
        total = file.write(partial, places, population, others, attributes, units)
    return BuiltGrid(config, places, int(places.cells().sum()), years, total, tuple(issues), tuple(rules))


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


def _open_aligned(name: str, config: BandConfig | None, grid: Grid) -> tuple[AlignedRaster | None, list[Issue]]:
    """Open a raster that must have the cells of the grid."""
    if config is None:
        return None, []
    raster, issues = inspect(name, config, f"grid.{name}")
    if raster is None:
        return None, issues
    aligned, found = align(raster, grid, None)
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
        aligned, found = _open_aligned(f"covariates.{name}", of, grid)
        issues += found
        if aligned is not None:
            opened[name] = Covariate(name, aligned, of, run.zone(name))
    return opened, issues


def _attributes(
    run: RunFolder, years: tuple[int, int], rasters: list[Raster], rules: list[str]
) -> dict[str, str | int]:
    """Name the run, and each file with its hash, as zones.nc does."""
    rows = len(run.codes)
    files: list[dict[str, object]] = [
        {"file": name, "sha256": hashlib.sha256((run.path / name).read_bytes()).hexdigest(), "rows": rows, "crs": of}
        for name, of in (("zones.nc", None), ("zones.gpkg", crs.name(run.polygons.crs)))
    ]
    files += {raster.path: raster.as_input() for raster in rasters}.values()
    return {
        "title": f"cells of {run.name}",
        "run": run.name,
        "synthetic": int(run.synthetic),
        "first_year": years[0],
        "last_year": years[1],
        "divide": divide.DESCRIPTION,
        "inputs": json.dumps(files, ensure_ascii=False),
        "rules": json.dumps(rules, ensure_ascii=False),
    }
