"""The folder of a grid run: its cells, and the numbers of any rows of them without reading the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5netcdf
import numpy as np
import pyproj
from numpy.typing import NDArray

from geo.errors import DataError, error
from geo.raster.grid import Grid
from geo.raster.zonal import Ownership, row_blocks
from geo.results.run_folder import require, settings

RESIDENTS, FLOWS = "residents", ("inflow", "outflow")
# Coordinates written in metres differ in rounding alone.
_SAME_M = 1e-3


@dataclass(frozen=True)
class GridRun:
    """An open grid run.

    Attributes:
        name: `[run] name` of its configuration.
        synthetic: Whether the counties are invented.
        ownership: The county of every cell, as `grid.nc` has it.
        results: The open `results.nc`.
    """

    name: str
    synthetic: bool
    ownership: Ownership
    results: h5netcdf.File

    @property
    def grid(self) -> Grid:
        """The grid."""
        return self.ownership.grid

    def years(self, variable: str) -> list[int]:
        """Years of a variable (year, y, x), in order."""
        first = self.results[variable].dimensions[0]
        return [int(year) for year in self.results[first][...]]

    def rows(self, variable: str, year: int, rows: slice) -> NDArray[np.float64]:
        """Persons, or persons per year, in the cells of some rows, as they stand in the file."""
        at = self.years(variable).index(year)
        return np.asarray(self.results[variable][at, rows, :], dtype=np.float64)


def is_grid(run: Path) -> bool:
    """Tell a run of cells from a run of counties by the dimensions of its results."""
    with h5netcdf.File(run / "results.nc", "r") as results:
        return {"y", "x"} <= set(results.dimensions)


@contextmanager
def opened(run: Path) -> Iterator[GridRun]:
    """Open a grid run.

    Raises:
        DataError: E-RUN-FILE for each file that is missing, E-RUN-ZONES where results.nc does not have the cells of
            grid.nc, or lacks a variable.
    """
    require(run, "config.toml", "grid.nc", "results.nc")
    with h5netcdf.File(run / "grid.nc", "r") as cells, h5netcdf.File(run / "results.nc", "r") as results:
        _check_same(cells, results)
        owner = np.asarray(cells["zone"][...], dtype=np.int32)
        yield GridRun(
            str(settings(run)["run"]["name"]), bool(cells.attrs["synthetic"]), _ownership(_grid(cells), owner), results
        )


def _grid(file: h5netcdf.File) -> Grid:
    cell_m = float(file.attrs["cell_m"])
    shape = file["zone"].shape
    left, top = float(file["x"][0]) - cell_m / 2.0, float(file["y"][0]) + cell_m / 2.0
    return Grid(pyproj.CRS.from_wkt(str(file.attrs["crs_wkt"])), cell_m, left, top, (int(shape[0]), int(shape[1])))


def _ownership(grid: Grid, owner: NDArray[np.int32]) -> Ownership:
    """Counties are named by their rows: codes stand in zones.nc of the county run."""
    owner.setflags(write=False)
    counts = np.zeros(int(owner.max()) + 2, dtype=np.int64)
    for rows in row_blocks(grid):
        counts += np.bincount(owner[rows].ravel() + 1, minlength=counts.size)
    codes = tuple(f"{row} of zones.nc" for row in range(counts.size - 1))
    return Ownership(grid, codes, owner, counts[1:], ())


def _check_same(cells: h5netcdf.File, results: h5netcdf.File) -> None:
    lacking = [name for name in (RESIDENTS, *FLOWS, "y", "x") if name not in results.variables]
    wrong = {name: "not there" for name in lacking}
    if not lacking:
        wrong |= {name: "other cells" for name in ("y", "x") if not _same(cells[name][...], results[name][...])}
        wrong |= {
            name: str(results.attrs.get(name))[:80]
            for name in ("crs_wkt", "cell_m")
            if results.attrs.get(name) != cells.attrs[name]
        }
    rule, fix = "results.nc has residents, inflow and outflow of the cells of grid.nc", "run the simulation again"
    if wrong:
        raise DataError(
            [
                error("E-RUN-ZONES", "results.nc", column=at, value=what, rule=rule, fix=fix)
                for at, what in wrong.items()
            ]
        )


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return one.shape == other.shape and bool((np.abs(one - other) < _SAME_M).all())
