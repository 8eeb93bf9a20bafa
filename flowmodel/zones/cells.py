"""Raster cells, read from `grid.nc`: residents, county and side of the divide. Does not import JAX."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np

from flowmodel.errors import ZonesError

_REQUIRED = ("population", "zone", "east", "x", "y")
_COVARIATE = "covariate_"
_FIX = "create the file again with scripts/simulate.py"


@dataclasses.dataclass(frozen=True)
class GridCells:
    """A checked `grid.nc`.

    Attributes:
        population: residents at the start, persons, float64 [y, x]; zero in cells outside all counties.
        zone: row of the cell's county in zones.nc, -1 outside all counties, int32 [y, x].
        east: whether a cell lies south-east of the divide [y, x].
        covariates: by name, in the unit of the county covariate, NaN in cells that use their county's value, float32
            [y, x].
        x: coordinates of cell centres, m [x].
        y: coordinates of cell centres, m, from north to south [y].
        cell_km: side of a cell, km.
        crs_wkt: coordinate reference system.
        inputs: source files, with their SHA-256.
        synthetic: whether the counties are synthetic data.
    """

    population: np.ndarray
    zone: np.ndarray
    east: np.ndarray
    covariates: dict[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    cell_km: float
    crs_wkt: str
    inputs: list[dict[str, Any]]
    synthetic: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.zone.shape
        return int(rows), int(columns)

    def by_county(self, values: np.ndarray, counties: int) -> np.ndarray:
        """Sums over the cells of each county, float64 [county]."""
        return np.bincount(self.zone.ravel() + 1, values.ravel(), counties + 1)[1:]


def read(path: Path, counties: int) -> GridCells:
    """Reads and checks `grid.nc`.

    Raises:
        ZonesError: E-GRID-FILE, the file lacks a variable, or has an unknown county, people outside all counties, or
            numbers of people that are negative or not finite.
    """
    with h5netcdf.File(path, "r") as file:
        lacking = [name for name in _REQUIRED if name not in file.variables]
        if lacking:
            raise ZonesError("E-GRID-FILE", f"{path.name} lacks {', '.join(lacking)}", _FIX)
        covariates = {
            str(name).removeprefix(_COVARIATE): np.asarray(variable[...], np.float32)
            for name, variable in file.variables.items()
            if str(name).startswith(_COVARIATE)
        }
        cells = GridCells(
            population=np.asarray(file["population"][...], np.float64),
            zone=np.asarray(file["zone"][...], np.int32),
            east=np.asarray(file["east"][...]) == 1,
            covariates=covariates,
            x=np.asarray(file["x"][...], np.float64),
            y=np.asarray(file["y"][...], np.float64),
            cell_km=float(file.attrs["cell_m"]) / 1000,
            crs_wkt=str(file.attrs["crs_wkt"]),
            inputs=list(json.loads(str(file.attrs.get("inputs", "[]")))),
            synthetic=bool(file.attrs.get("synthetic", 0)),
        )
    check(path.name, cells, counties)
    return cells


def check(name: str, cells: GridCells, counties: int) -> None:
    """Checks a grid.

    Raises:
        ZonesError: E-GRID-FILE, see `read`; the message gives the first wrong cell and the number of wrong cells.
    """
    people, zone = cells.population, cells.zone
    rules = {
        f"a county below -1 or above {counties - 1}": (zone < -1) | (zone >= counties),
        "a number of people that is negative or not finite": ~(people >= 0) | np.isinf(people),
        "people in a cell outside all counties": (zone < 0) & (people != 0),
    }
    for what, wrong in rules.items():
        if wrong.any():
            row, column = (int(at[0]) for at in np.nonzero(wrong))
            where = f"row {row}, column {column}: {people[row, column]} people, county {zone[row, column]}"
            raise ZonesError("E-GRID-FILE", f"{name} has {what}, at {where} ({int(wrong.sum()):,} cells)", _FIX)
