"""Small countries whose censuses count registration: a ZoneTable of three censuses, consistent by construction."""

import numpy as np
import worlds

from flowmodel import config
from flowmodel.config import Config
from flowmodel.zones import table as store
from flowmodel.zones.table import ZoneTable

BANDS = ["same_county", "other_county", "other_province"]


def table(zones: int = 48, seed: int = 0) -> ZoneTable:
    """Zones of eight provinces with residents of 2000, 2010, 2020 and, of the last two, registration in three bands.

    Who is registered elsewhere is drawn pair by pair, so that the bands and the registered people of 2010 agree.
    Growth follows `schooling`; zones keep some of it from one decade to the next.
    """
    rng = np.random.default_rng(seed)
    data = worlds.table(zones, seed).data
    people = data["population"].values[:, 0]
    province = data["province"].values
    schooling = (data["schooling"].values - 9) / 1.3
    growth = 0.04 + 0.08 * schooling + rng.normal(0, 0.05, zones)
    end = np.rint(people * np.exp(growth))
    before = np.rint(people * np.exp(-0.05 - 0.05 * schooling + rng.normal(0, 0.05, zones)))
    near, far, away = _apart(people, province, rng)
    within = np.rint(people * rng.uniform(0.02, 0.06, zones))
    bands = np.stack([within, near, far], axis=1)
    later = np.rint(bands * np.exp(0.3 + growth[:, None] + rng.normal(0, 0.2, bands.shape)))
    unknown = np.full(zones, np.nan)
    counted = {
        "population": np.stack([before, people, end], axis=1),
        "census_registered": np.stack([unknown, people - near - far + away, unknown], axis=1),
        "census_urban": np.stack([unknown, 0.5 * people, 0.6 * end], axis=1),
    }
    census = {"units": "persons", "source": "test", "role": "census"}
    variables = {name: (("zone", "year"), values, census) for name, values in counted.items()}
    migrants = np.stack([np.full((zones, 3), np.nan), bands, later], axis=1)
    variables["census_in_migrants"] = (("zone", "year", "band"), migrants, census)
    data = data.drop_vars(["population", "year"]).assign_coords(year=[2000, 2010, 2020], band=BANDS)
    data = data.assign(variables)
    one = {"units": "1", "source": "test", "role": "census"}
    data["members"] = ("zone", np.ones(zones, int), one)
    data["districts"] = ("zone", (rng.uniform(size=zones) < 0.3).astype(int), one)
    data["divide_distance"] = ("zone", rng.normal(0, 500, zones), {"units": "km", "source": "test"})
    data["housing"] = ("zone", rng.normal(30, 5, zones), {"units": "1", "source": "test", "role": "covariate"})
    data.attrs["title"] = "a test world with registration"
    return store.check(data, "test")


def _apart(people: np.ndarray, province: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """(near, far, away): residents from other zones of the province and other provinces, people away, persons."""
    share = rng.gamma(1.0, 1.0, (len(people), len(people))) * people
    np.fill_diagonal(share, 0.0)
    moved = np.rint(0.12 * people[:, None] * share / share.sum(axis=1, keepdims=True))
    same = province[:, None] == province
    return (moved * same).sum(axis=0), (moved * ~same).sum(axis=0), moved.sum(axis=1)


def settings(name: str = "small") -> dict[str, object]:
    """The tables of a configuration that fits `table` with registration."""
    return {
        "run": {"name": name},
        "zones": {"file": "zones.nc"},
        "model": {
            "years": [2010, 2020],
            "attraction": ["schooling"],
            "departure": ["schooling"],
            "stock": {"within_covariates": ["housing"]},
        },
        "fit": {
            "targets": ["growth", "national_total", "same_county", "other_county", "other_province"],
            "adam_steps": 60,
        },
        "runtime": {"kernel": "float64"},
    }


def configuration() -> Config:
    """A configuration that fits `table` with registration."""
    return config.typed(config.Config, settings(), "test")


def between(provinces: int = 8, seed: int = 0) -> np.ndarray:
    """Stocks from province to province in a sample [origin, destination]."""
    stocks = np.rint(np.random.default_rng(seed).gamma(2.0, 500.0, (provinces, provinces)))
    np.fill_diagonal(stocks, 0.0)
    return stocks
