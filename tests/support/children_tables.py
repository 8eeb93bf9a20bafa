"""A small ZoneTable with what the first census counts of registration and ages, for the account of children."""

import numpy as np
import xarray as xr
from worlds import table as residents_only

from flowmodel import config
from flowmodel.config import Config
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

AGES = ("0", "1-4", "5-9", "10-14", "15-19", "20-24", "25-59", "60+")
BANDS = ("same_county", "other_county", "other_province")


def table(zones: int = 40, seed: int = 3) -> ZoneTable:
    """Zones in six provinces, some of them districts of a city; a prefecture is a city where it has any."""
    rng = np.random.default_rng(seed)
    data = residents_only(zones, seed).data
    people = data["population"].values[:, 0]
    data = data.drop_vars("population").drop_vars("year")
    data = data.assign_coords(year=[2010, 2020], age=list(AGES), sex=["male", "female"], band=list(BANDS))
    growth = np.exp(rng.normal(0.06, 0.15, zones))
    shares = rng.dirichlet([2, 8, 10, 10, 12, 14, 80, 20], zones)
    ages = people[:, None, None] * shares[:, :, None] * [0.5, 0.5]
    away = people[:, None] * rng.uniform([0.02, 0.02, 0.01], [0.1, 0.15, 0.2], (zones, 3))
    counted = {
        "population": (("zone", "year"), np.stack([people, np.rint(people * growth)], axis=1)),
        "census_residents_by_age": (("zone", "year", "age", "sex"), _first_only(ages)),
        "census_in_migrants": (("zone", "year", "band"), np.stack([away, 1.5 * away], axis=1)),
        "census_registered": (("zone", "year"), _first_only(people * rng.uniform(0.8, 1.4, zones))),
        "census_urban": (("zone", "year"), _first_only(people * rng.uniform(0.1, 0.9, zones))),
    }
    for name, (dimensions, values) in counted.items():
        role = {} if name == "population" else {"role": "census"}
        data[name] = (dimensions, values, {"units": "persons", "source": "test", **role})
    data["prefecture"] = ("zone", np.char.add(data["province"].values, np.where(np.arange(zones) % 2, "01", "02")))
    data["districts"] = ("zone", (np.arange(zones) % 3 == 0).astype(float), {"role": "census", "units": "1"})
    data["members"] = ("zone", 1.0 + (np.arange(zones) % 5 == 0), {"role": "census", "units": "1"})
    return store.check(data, "test")


def with_values(of: ZoneTable, **changed: np.ndarray) -> ZoneTable:
    """A copy with some variables replaced."""
    data = of.data.copy(deep=True)
    for name, values in changed.items():
        data[name] = xr.Variable(data[name].dims, values, data[name].attrs)
    return ZoneTable(data)


def _first_only(first: np.ndarray) -> np.ndarray:
    """Of the first year; of the second nobody knows, so that whoever reads it fails."""
    return np.stack([first, np.full_like(first, np.nan)], axis=1)


def configuration(*settings: str) -> Config:
    """A configuration for `table` that asks for children."""
    tables = {
        "run": {"name": "children"},
        "zones": {"file": "zones.nc"},
        "model": {"years": [2010, 2020], "stock": {"strictness": {"1e5": 0.5, "4e5": 1}, "children": {}}},
        "runtime": {"kernel": "float64"},
    }
    for setting in settings:
        config.override(tables, setting)
    return config.typed(config.Config, tables, "test")
