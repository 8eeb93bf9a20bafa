"""A run folder as the exports see it: zones, results and polygons in one order, and the numbers they share."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from geo.coordinates.crs import project
from geo.errors import DataError, Issue, error


@dataclass(frozen=True)
class RunFolder:
    """What one run read and what came out of it.

    Attributes:
        path: the folder.
        name: `[run] name` of the run's configuration.
        zones: zones.nc, dims zone and year.
        results: results.nc, dims zone, year, interval, census, direction.
        polygons: zones.gpkg in the order of `zones`, EPSG:4326, indexed by code.
    """

    path: Path
    name: str
    zones: xr.Dataset
    results: xr.Dataset
    polygons: gpd.GeoDataFrame

    @property
    def synthetic(self) -> bool:
        """Whether the counties are invented."""
        return bool(self.zones.attrs["synthetic"])

    @property
    def codes(self) -> list[str]:
        """Zone codes, in order."""
        return [str(code) for code in self.zones["zone"].values]

    @property
    def censuses(self) -> list[int]:
        """Census years, in order."""
        return [int(year) for year in self.results["census"].values]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Pairs of consecutive census years."""
        return list(zip(self.censuses[:-1], self.censuses[1:], strict=True))

    @property
    def period(self) -> tuple[int, int]:
        """First and last census year."""
        return self.censuses[0], self.censuses[-1]

    @property
    def last_year(self) -> int:
        """The last year of the run."""
        return int(self.results["year"].values[-1])

    def shapes(self, system: pyproj.CRS) -> NDArray[np.object_]:
        """Polygons of the zones in a coordinate system, (zones,)."""
        return project(np.asarray(self.polygons.geometry.array), self.polygons.crs, system)

    def observed(self, year: int) -> NDArray[np.float64]:
        """Residents counted in a census, (zones,) persons."""
        return _numbers(self.results["population_observed"].sel(census=year))

    def fitted(self, year: int) -> NDArray[np.float64]:
        """Residents of the model at the end of a year, (zones,) persons."""
        return _numbers(self.results["population"].sel(year=year))

    def growth(self, span: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Observed and fitted ln(last / first) of two censuses, (zones,) each; NaN where nobody lives in either."""
        first, last = span
        observed = _log_growth(self.observed(first), self.observed(last))
        return observed, _log_growth(self.fitted(first), self.fitted(last))

    def over(self, flow: str, span: tuple[int, int]) -> NDArray[np.float64]:
        """People counted over all years between two censuses, (zones,) persons."""
        years = slice(span[0] + 1, span[1])
        return _numbers(self.results[flow].sel(interval=years).sum("interval"))

    def zone(self, variable: str) -> NDArray[np.float64]:
        """A variable of zones.nc over the zones, float64."""
        return _numbers(self.zones[variable])

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates of zones.nc."""
        return [str(name) for name, values in self.zones.data_vars.items() if values.attrs.get("role") == "covariate"]


def _log_growth(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    growth = np.full(before.shape, np.nan)
    peopled = (before > 0.0) & (after > 0.0)
    growth[peopled] = np.log(after[peopled] / before[peopled])
    return growth


def require(path: Path, *files: str) -> None:
    """Refuse a folder that lacks a file of a finished run: E-RUN-FILE for each."""
    rule, fix = "a finished run has this file", f"run it to its end again into {path.name}"
    missing = [error("E-RUN-FILE", name, rule=rule, fix=fix) for name in files if not (path / name).is_file()]
    if missing:
        raise DataError(missing)


def settings(path: Path) -> dict[str, Any]:
    """Give the tables of config.toml in a run folder."""
    return tomllib.loads((path / "config.toml").read_text(encoding="utf-8"))


def read(path: Path) -> RunFolder:
    """Open a run folder.

    Raises:
        DataError: E-RUN-FILE for each file that is missing, E-RUN-ZONES where the files do not hold the same zones.
    """
    require(path, "config.toml", "zones.nc", "zones.gpkg", "results.nc")
    zones = xr.load_dataset(path / "zones.nc", engine="h5netcdf")
    results = xr.load_dataset(path / "results.nc", engine="h5netcdf")
    polygons = gpd.read_file(f"GPKG:{path / 'zones.gpkg'}", layer="zones").set_index("code")
    codes = [str(code) for code in zones["zone"].values]
    issues = _differing("results.nc", codes, [str(code) for code in results["zone"].values])
    issues += _differing("zones.gpkg", codes, sorted(polygons.index))
    if issues:
        raise DataError(issues)
    return RunFolder(path, str(settings(path)["run"]["name"]), zones, results, polygons.loc[codes])


def _differing(file: str, codes: list[str], found: list[str]) -> list[Issue]:
    if found == codes:
        return []
    odd = sorted(set(codes) ^ set(found))
    value = ", ".join(odd[:5]) if odd else "the same codes, repeated or in another order"
    rule = "every file of a run holds the zones of zones.nc, each once"
    return [error("E-RUN-ZONES", file, column="zone", value=value, rule=rule, fix="run the fit again")]


def _numbers(values: xr.DataArray) -> NDArray[np.float64]:
    return values.values.astype(np.float64)
