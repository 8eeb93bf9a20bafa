"""Small worlds for tests of the product: a ZoneTable drawn from a seed, and a configuration that fits it."""

import numpy as np
import xarray as xr

from flowmodel import config
from flowmodel.config import Config
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

TRUTH = {
    "offset_km": 10.0,
    "mass": 0.9,
    "distance": 1.2,
    "other_province": 0.6,
    "same_prefecture": 0.5,
    "divide_east_west": 0.5,
    "divide_west_east": 0.3,
    "departure_level": -3.9,
    "birth_adjustment": 1.2,
    "attraction:schooling": 0.3,
    "departure:schooling": -0.15,
}


def table(zones: int, seed: int = 0) -> ZoneTable:
    """Zones scattered over a country of six provinces, residents of 2010 only."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(90, 122, zones), rng.uniform(22, 48, zones)
    province = np.digitize(lon, [98, 106, 114]) * 2 + (lat > 35)
    prefecture = province * 100 + np.digitize(lon, np.arange(90, 122, 2)) + 20 * np.digitize(lat, np.arange(22, 48, 3))
    people = np.rint(np.exp(rng.normal(12.5, 0.8, zones)))
    east = lat < 50 - (124 - lon) * 0.9
    columns = {
        "name": np.array([f"zone {i}" for i in range(zones)]),
        "province": province.astype(str),
        "prefecture": prefecture.astype(str),
        "lon": lon,
        "lat": lat,
        "area": rng.uniform(500, 5000, zones),
        "birth_rate": rng.uniform(0.006, 0.014, zones),
        "death_rate": rng.uniform(0.004, 0.008, zones),
        "east": east.astype(np.int8),
        "imputed": np.zeros(zones, np.int8),
        "schooling": rng.normal(9, 1.3, zones),
    }
    variables = {name: ("zone", values, {"units": "1", "source": "test"}) for name, values in columns.items()}
    data = xr.Dataset(variables, {"zone": [f"{100000 + i}" for i in range(zones)], "year": [2010]})
    data["population"] = (("zone", "year"), people[:, None], {"units": "persons", "source": "test"})
    data["schooling"].attrs["role"] = "covariate"
    data.attrs = {"synthetic": 1, "inputs": "[]", "rules": "[]", "title": "a test world"}
    return store.check(data, "test")


def configuration(*settings: str) -> Config:
    """A configuration for `table`, noise-free by default: noise held, priors off."""
    tables = {
        "run": {"name": "world"},
        "zones": {"file": "zones.nc"},
        "model": {"years": [2010, 2020], "attraction": ["schooling"], "departure": ["schooling"]},
        "truth": dict(TRUTH),
        "parameters": {"noise": {"fixed": 0.1}, "noise_size": {"fixed": 20.0}},
        "fit": {"priors": False},
    }
    for setting in settings:
        config.override(tables, setting)
    return config.typed(config.Config, tables, "test")
