"""The table of zones (`zones.nc`): reading, checking and writing. Does not import JAX.

`zones.nc` has one row for each zone; every variable has the attributes `units`, `long_name` and `source`. Other census
counts than residents have `role = "census"` and may be NaN; `population` may be NaN where `population_counted` is 0.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from flowmodel.errors import ZonesError

_REQUIRED = ("province", "prefecture", "lon", "lat", "area", "population", "birth_rate", "death_rate", "east")

_RANGES = {
    "population": (0, 1e10),
    "lon": (-180, 180),
    "lat": (-90, 90),
    "area": (0, 1e8),
    "birth_rate": (0, 0.2),
    "death_rate": (0, 0.2),
    "east": (0, 1),
}


@dataclasses.dataclass(frozen=True)
class ZoneTable:
    """The checked contents of a `zones.nc`."""

    data: xr.Dataset

    @property
    def codes(self) -> np.ndarray:
        """Codes of the zones, text [zone]."""
        return np.asarray(self.data["zone"].values)

    @property
    def synthetic(self) -> bool:
        """Whether the zones are synthetic data."""
        return bool(self.data.attrs.get("synthetic", 0))

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """Source files of the table, with their SHA-256."""
        return list(json.loads(self.data.attrs.get("inputs", "[]")))

    @property
    def rules(self) -> list[str]:
        """Configured rules that changed the source data, one sentence each."""
        return list(json.loads(self.data.attrs.get("rules", "[]")))

    def values(self, name: str) -> np.ndarray:
        """The values of a variable [zone, …]."""
        return np.asarray(self.data[name].values)

    def population(self, year: int) -> np.ndarray:
        """Residents at a census, persons, float64 [zone].

        Raises:
            ZonesError: the table lacks the year, or residents of some zones in it.
        """
        years = [int(known) for known in self.data["year"].values]
        if year not in years:
            raise ZonesError("E-ZONES-YEAR", f"no residents of {year}", f"choose among the table's years {years}")
        people = self.counted(year)
        missing = int(np.isnan(people).sum())
        if missing:
            rule = f"{missing} of {len(people)} zones have no residents of {year}"
            raise ZonesError("E-ZONES-COUNTED", rule, "choose years in which every zone was counted")
        return people

    def counted(self, year: int) -> np.ndarray:
        """Residents at a census, persons, float64 [zone]; NaN in zones that were not counted."""
        return np.asarray(self.data["population"].sel(year=year).values, float)

    def census(self, name: str, year: int, **categories: str) -> np.ndarray:
        """Another census count than residents, float64 [zone] and dimensions that `categories` does not select.

        Raises:
            ZonesError: the table lacks the count, or its value in some zone for that year and category.
        """
        known = [str(key) for key in self.data.data_vars if str(key).startswith("census_")]
        if f"census_{name}" not in known:
            fix = f"build the zones from censuses that count it; this table has {known}"
            raise ZonesError("E-ZONES-CENSUS", f"no census_{name}", fix)
        years = [int(one) for one in self.data["year"].values]
        chosen = self.data[f"census_{name}"].sel({"year": year, **categories}) if year in years else None
        if chosen is None or not np.isfinite(chosen).all():
            rule = f"census_{name} of {year} is not known in every zone"
            raise ZonesError("E-ZONES-CENSUS", rule, "choose a year and count that every zone has")
        return np.asarray(chosen.values, float)

    def asked(self, name: str, year: int, **categories: str) -> bool:
        """Whether any zone has this count of a census; categories that a census did not ask are missing everywhere."""
        return bool(np.isfinite(self.data[f"census_{name}"].sel({"year": year, **categories})).any())

    def covariate(self, name: str) -> np.ndarray:
        """A covariate in its own unit [zone].

        Raises:
            ZonesError: the table has no such covariate, or it does not vary.
        """
        known = [str(key) for key, v in self.data.data_vars.items() if v.attrs.get("role") == "covariate"]
        if name not in known:
            raise ZonesError("E-ZONES-COVARIATE", f"no covariate {name!r}", f"choose among {known}")
        column = self.values(name)
        if not column.std() > 0:
            raise ZonesError("E-ZONES-CONSTANT", f"covariate {name!r} is the same everywhere", "leave it out")
        return column

    def indices(self, name: str) -> np.ndarray:
        """Every zone's index among the K sorted distinct values of a code variable, int32 [zone]."""
        return np.unique(self.values(name), return_inverse=True)[1].astype(np.int32)


def read_zones(file: Path | str) -> ZoneTable:
    """Reads and checks a `zones.nc`.

    Raises:
        ZonesError: the file is missing or not NetCDF, lacks a variable, repeats a zone or year, or has a value that is
            not finite or out of range.
    """
    file = Path(file)
    if not file.is_file():
        raise ZonesError("E-ZONES-FILE", f"no such file: {file}", "run scripts/build_zones.py first")
    try:
        with xr.open_dataset(file, engine="h5netcdf") as opened:
            data = opened.load()
    except OSError as error:
        raise ZonesError("E-ZONES-FORMAT", f"{file}: {error}", "run scripts/build_zones.py again") from None
    return check(data, str(file))


def check(data: xr.Dataset, name: str) -> ZoneTable:
    """Checks `data` and returns it as a table; `name` is its name in messages.

    Raises:
        ZonesError: see `read_zones`.
    """
    lacking = [variable for variable in _REQUIRED if variable not in data]
    if lacking:
        raise ZonesError("E-ZONES-VARIABLE", f"{name} lacks {lacking}", "build it with scripts/build_zones.py")
    for variable, column in data.data_vars.items():
        checked = variable != "population" and column.attrs.get("role") != "census"
        if checked and np.issubdtype(column.dtype, np.floating) and not np.isfinite(column).all():
            row = str(data["zone"].values[np.argwhere(~np.isfinite(column.values))[0][0]])
            raise ZonesError("E-ZONES-NAN", f"{name}: {variable} of zone {row} is not finite", "give it a value")
    for dimension in ("zone", "year"):
        labels, times = np.unique(data[dimension].values, return_counts=True)
        if (times > 1).any():
            raise ZonesError("E-ZONES-DUP", f"{name}: {dimension} {labels[times > 1][0]} twice", "keep one of them")
    for variable, (least, greatest) in _RANGES.items():
        wrong = ~((data[variable].values >= least) & (data[variable].values <= greatest))
        if variable == "population" and "population_counted" in data:
            wrong &= ~(np.isnan(data[variable].values) & (data["population_counted"].values == 0))
        if wrong.any():
            row = np.argwhere(wrong)[0]
            value, zone = data[variable].values[tuple(row)], data["zone"].values[row[0]]
            rule = f"it lies between {least:g} and {greatest:g}, in {data[variable].attrs.get('units')}"
            raise ZonesError("E-ZONES-RANGE", f"{name}: {variable} of zone {zone} is {value}", rule)
    return ZoneTable(data)


def as_table(zones: ZoneTable | xr.Dataset | Any) -> ZoneTable:
    """A checked table from a table, its xarray dataset, or an object with the attribute `dataset`.

    Raises:
        ZonesError: see `read_zones`.
    """
    if isinstance(zones, ZoneTable):
        return zones
    return check(getattr(zones, "dataset", zones), "the zones in memory")


def write(data: xr.Dataset, file: Path) -> None:
    """Writes a labelled file."""
    data.to_netcdf(file, engine="h5netcdf")
