"""A world with registration for tests of recovery: a first census whose margins all agree, and its configuration."""

import numpy as np
import worlds
import xarray as xr

from flowmodel import config
from flowmodel.config import Config
from flowmodel.estimation.census import BANDS
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

TRUTH = worlds.TRUTH | {
    "inclusive_value": 0.3,
    "hukou": 0.5,
    "return_level": -2.9,
    "conversion_level": -4.6,
    "within_level": -4.0,
    "within_return": -2.9,
    "noise": 0.1,
    "noise_size": 20.0,
    "dispersion_same_county": 0.1,
    "dispersion_other_county": 0.08,
    "dispersion_other_province": 0.15,
}


def table(zones: int = 300, seed: int = 0) -> ZoneTable:
    """The zones of `worlds`, with the people registered and the bands of 2010.

    A seventh of the people live in another zone, by distance and province; some move inside their zone, of which some
    zones have two members, and a few live in no zone.
    """
    data = worlds.table(zones, seed).data
    rng = np.random.default_rng(seed + 1)
    people = data["population"].values[:, 0]
    away = _away(data, rng)
    province = data["province"].values
    near = np.where(province[:, None] == province, away, 0.0).sum(axis=0)
    far = away.sum(axis=0) - near
    home = people - near - far
    within = home * rng.uniform(0.02, 0.12, zones)
    members = rng.choice([1, 1, 1, 2], zones)
    hidden = _hidden(members)
    out = away.sum(axis=1)
    columns = {
        "census_registered": (("zone", "year"), ((home + out) * 1.003)[:, None]),
        "census_urban": (("zone", "year"), (people * rng.uniform(0.2, 0.95, zones))[:, None]),
        "census_in_migrants": (
            ("zone", "year", "band"),
            np.stack([within * (1 - hidden), near + within * hidden, far], axis=-1)[:, None],
        ),
    }
    attributes = {"units": "persons", "source": "test", "role": "census"}
    data = data.assign_coords(band=list(BANDS))
    data = data.assign({name: (*column, attributes) for name, column in columns.items()})
    data["members"] = ("zone", members)
    data["districts"] = ("zone", (rng.random(zones) < 0.2).astype(int))
    return store.check(data, "test")


def _away(data: xr.Dataset, rng: np.random.Generator) -> np.ndarray:
    """People registered in a zone (rows) who live in another one (columns): a gravity rule with noise of its own."""
    people, lon, lat = data["population"].values[:, 0], data["lon"].values, data["lat"].values
    apart = 111 * np.hypot((lon[:, None] - lon) * np.cos(np.deg2rad(35)), lat[:, None] - lat)
    pull = people * np.exp(rng.normal(0, 0.7, len(people)))
    weight = pull / (apart + 10) ** 1.2
    weight = weight * np.where(data["province"].values[:, None] == data["province"].values, 1.0, 0.5)
    np.fill_diagonal(weight, 0.0)
    share = rng.uniform(0.05, 0.25, len(people))
    flow = (people * share)[:, None] * weight / weight.sum(axis=1, keepdims=True)
    # Nobody's home may be emptied by those who came: at most half of the residents are from elsewhere.
    return flow * np.minimum(1.0, 0.5 * people / flow.sum(axis=0))


def _hidden(members: np.ndarray) -> np.ndarray:
    own = 14.0
    return (1 - 1 / members) / (1 - 1 / members + own / members)


def configuration(*settings: str) -> Config:
    """A configuration for `table` with everything that a default one has: priors, float32 pairs, all bands."""
    tables = {
        "run": {"name": "recovery"},
        "zones": {"file": "zones.nc"},
        "model": {
            "years": [2010, 2020],
            "attraction": ["schooling"],
            "departure": ["schooling"],
            # Towns of a hundred thousand are strict here: in a country of 300 zones few would be by the real steps.
            "stock": {
                "groups": "one",
                "returning": "residence",
                "strictness": {"1e5": 0.25, "2e5": 0.5, "4e5": 0.75, "1e6": 1},
            },
        },
        "truth": dict(TRUTH),
        "fit": {
            "targets": ["growth", "national_total", *BANDS],
            "adam_steps": 30,
            "adam_rate": 0.1,
            "tolerance": 0.01,
        },
    }
    for setting in settings:
        config.override(tables, setting)
    return config.typed(config.Config, tables, "test")
