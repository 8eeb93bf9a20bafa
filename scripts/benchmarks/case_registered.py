"""Invented zones in China's box whose census counts registration, and a configuration that fits them."""

from typing import Any

import numpy as np

from benchmarks import case_step

PROVINCES, PREFECTURES = 31, 340
AWAY_SHARE = 0.12
"""Share of the residents of a zone who are registered in another one, on average."""


def table(zones: int, seed: int = 20260104) -> Any:
    """A ZoneTable of so many zones, sorted by province, with residents of 2010 and 2020 and the census of 2010.

    The bands and the registered people of 2010 are sums over pairs of one stock, so that a stock with them exists.
    """
    import xarray as xr

    from flowmodel.zones import table as labelled

    case, draw = case_step.step(zones), np.random.default_rng(seed)
    order = np.argsort(case.degrees[0])
    lon, lat = (axis[order] for axis in case.degrees)
    people = case.mass[order].astype(float)
    province, prefecture = (np.arange(zones) * count // zones for count in (PROVINCES, PREFECTURES))
    near, far, out = _margins(lon, lat, province, people, draw)
    within = 0.04 * people
    schooling, housing = draw.normal(9, 1.3, zones), draw.normal(30, 5, zones)
    end = people * np.exp(0.04 + 0.06 * (schooling - 9) / 1.3 + draw.normal(0, 0.05, zones))
    unknown = np.full(zones, np.nan)
    columns = {
        "name": np.array([f"zone {i}" for i in range(zones)]),
        "province": np.array([f"{p:02d}" for p in province]),
        "prefecture": np.array([f"{p:04d}" for p in prefecture]),
        "lon": lon,
        "lat": lat,
        "area": draw.uniform(500, 5000, zones),
        "birth_rate": draw.uniform(0.006, 0.014, zones),
        "death_rate": draw.uniform(0.004, 0.008, zones),
        "east": (lat < 50 - (124 - lon) * 0.9).astype(np.int8),
        "imputed": np.zeros(zones, np.int8),
        "members": np.ones(zones, int),
        "districts": np.zeros(zones, int),
        "schooling": schooling,
        "housing": housing,
    }
    about = {"units": "1", "source": "invented"}
    data = xr.Dataset({name: ("zone", values, dict(about)) for name, values in columns.items()})
    data = data.assign_coords(
        zone=[f"{100000 + i}" for i in range(zones)],
        year=[2010, 2020],
        band=["same_county", "other_county", "other_province"],
    )
    for name in ("schooling", "housing"):
        data[name].attrs["role"] = "covariate"
    persons = {"units": "persons", "source": "invented", "role": "census"}
    bands = np.stack([within, near, far], axis=1)
    data["population"] = (("zone", "year"), np.stack([people, end], axis=1), persons)
    data["census_registered"] = (("zone", "year"), np.stack([people - near - far + out, unknown], axis=1), persons)
    data["census_urban"] = (("zone", "year"), np.stack([0.5 * people, 0.6 * end], axis=1), persons)
    data["census_in_migrants"] = (("zone", "year", "band"), np.stack([bands, 1.3 * bands], axis=1), persons)
    data.attrs = {"synthetic": 1, "inputs": "[]", "rules": "[]", "title": "invented zones with registration"}
    return labelled.check(data, "invented zones")


def _margins(
    lon: np.ndarray, lat: np.ndarray, province: np.ndarray, people: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residents from the own province and from others, and people away, persons [zone]: x_o S_oj y_j over pairs."""
    near, far, out = (np.zeros_like(people) for _ in range(3))
    across, along = np.radians(lat), np.radians(lon)
    at = np.stack([np.cos(across) * np.cos(along), np.cos(across) * np.sin(along), np.sin(across)], axis=1)
    sent, drawn = people * draw.lognormal(0, 0.5, len(people)), people * draw.lognormal(0, 0.5, len(people))
    for first in range(0, len(people), 256):
        rows = slice(first, first + 256)
        chord = np.sqrt(np.maximum(2 - 2 * at[rows] @ at.T, 0)) + 0.003
        stock = sent[rows, None] * chord**-1.1 * drawn
        stock[np.arange(len(stock)), np.arange(len(people))[rows]] = 0
        stock *= AWAY_SHARE * people[rows, None] / stock.sum(axis=1, keepdims=True)
        same = province[rows, None] == province
        out[rows] = stock.sum(axis=1)
        near += np.where(same, stock, 0).sum(axis=0)
        far += np.where(same, 0, stock).sum(axis=0)
    scale = np.minimum(1, 0.6 * people / (near + far))
    return near * scale, far * scale, out


def configuration(storage: str) -> Any:
    """A configuration that fits the table, its pairs stored as "dense" or "tiled"."""
    from flowmodel import config

    tables = {
        "run": {"name": "registered_tiles"},
        "zones": {"file": "zones.nc"},
        "model": {
            "years": [2010, 2020],
            "attraction": ["schooling"],
            "departure": ["schooling"],
            "stock": {"within_covariates": ["housing"]},
        },
        "fit": {"targets": ["growth", "national_total", "same_county", "other_county", "other_province"]},
        "runtime": {"storage": storage},
    }
    return config.typed(config.Config, tables, "registered_tiles")
