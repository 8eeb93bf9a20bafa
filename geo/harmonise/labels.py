"""Labels of harmonised zones: from which file each variable of `zones.nc` comes, and what it counts."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from geo import yearbooks
from geo.config import HarmonisedConfig, OfQuantity

from . import carried
from .carried import Carried


def file_names(config: HarmonisedConfig) -> dict[int, str]:
    """Give the base name of the file that brings the residents of each census."""
    names = dict.fromkeys(config.polygons.residents, config.polygons.file.name)
    return names | {year: book.file.name for year, book in config.census.items()}


def attributes(config: HarmonisedConfig) -> dict[str, dict[str, str]]:
    """Say where each variable of `zones.nc` comes from, and what it counts."""
    layer = config.polygons.file.name
    days = config.polygons.dates | {year: book.date for year, book in config.census.items()}
    dates = {str(year): day.isoformat() for year, day in sorted(days.items())}
    definitions = {book.definition for book in config.census.values()}
    population = {
        "source": ", ".join(f"{year}: {name}" for year, name in sorted(file_names(config).items())),
        "definition": ", ".join(sorted(definitions)),
        "reference_dates": json.dumps(dates),
    }
    places = dict.fromkeys(("name", "province", "province_name", "prefecture", "lon", "lat"), {"source": layer})
    rates = {"birth_rate": config.rates.birth, "death_rate": config.rates.death}
    return {
        **places,
        "area": {"source": f"{layer}, geodesic area on WGS 84"},
        "population": population,
        **{name: {"source": _told(of, config)} for name, of in rates.items()},
        **{name: _covariate(of, config) for name, of in config.covariates.items()},
    }


def _covariate(of: OfQuantity, config: HarmonisedConfig) -> dict[str, str]:
    named = {"long_name": of.long_name} if of.long_name else {}
    plain = of.per is None and of.quantity in yearbooks.QUANTITIES
    units = yearbooks.QUANTITIES[of.quantity].units if plain else "1"
    return {"units": units, "source": _told(of, config), **named}


def _told(of: OfQuantity, config: HarmonisedConfig) -> str:
    """Say in words what a number is: which quantity of which census, over what."""
    years = of.change or ((of.year,) if of.year else ())
    chosen = f" ({', '.join(of.select)})" if of.select else ""
    over = f" / {of.per}" if of.per else ""
    files = ", ".join(config.census[year].file.name for year in years)
    return f"{files}: {of.quantity}{chosen}{over}, {' to '.join(map(str, years))}"


def censuses(on_zones: Carried) -> xr.Dataset:
    """Put the flags of the population beside what the year-books keep."""
    told = {"units": "1", "role": "census", "source": "crosswalk.csv"}
    counted = on_zones.population.notna().to_numpy().astype(np.int8)
    flags = {
        "population_counted": (
            ("zone", "year"),
            counted,
            {**told, "long_name": "1 where every part of the zone was counted; where 0, population is missing"},
        ),
        "population_divided": (
            ("zone", "year"),
            on_zones.divided.to_numpy(dtype=np.float64),
            {
                **told,
                "long_name": "share of residents from units divided between zones, their make-up taken as the unit's",
            },
        ),
    }
    # The rates stand in `zones.nc` as the model needs them, per resident; here stay the persons they make.
    kept = on_zones.quantities.drop_vars(carried.RATES, errors="ignore")
    return kept.rename({name: f"census_{name}" for name in kept.data_vars}).assign(flags)
