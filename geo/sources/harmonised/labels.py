"""Labels of harmonised zones: from which file each variable of `zones.nc` comes, and what it counts."""

import json

import numpy as np
import pandas as pd
import xarray as xr

from geo.config import OF_MAP, HarmonisedConfig, OfQuantity
from geo.sources import yearbooks

from . import carried
from .carried import CensusOnZones

_OF_CROSSWALK = {"units": "1", "role": "census", "source": "crosswalk.csv"}
_FLAGS = {
    "counted": "1 where every part of the zone was counted; where 0, population is missing",
    "divided": "share of residents from units divided between zones, with the composition of the whole unit",
}
_UNITS = {"members": "census units in the zone", "districts": "census units in the zone that are urban districts"}


def file_names(config: HarmonisedConfig) -> dict[int, str]:
    """Give the base name of the file with the residents of each census."""
    names = dict.fromkeys(config.polygons.residents, config.polygons.file.name)
    return names | {year: book.file.name for year, book in config.census.items()}


def attributes(config: HarmonisedConfig) -> dict[str, dict[str, str]]:
    """Give the origin and meaning of each variable of `zones.nc`."""
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
        **{name: {"source": _source_of(of, config)} for name, of in rates.items()},
        **{name: _covariate(of, config) for name, of in config.covariates.items()},
    }


def _covariate(of: OfQuantity, config: HarmonisedConfig) -> dict[str, str]:
    named = {"long_name": of.long_name} if of.long_name else {}
    return {"units": _units(of), "source": _source_of(of, config), **named}


def _units(of: OfQuantity) -> str:
    """Give the unit; a ratio of two counts has none, and neither has a logarithm."""
    if of.log or of.per not in (None, "area"):
        return "1"
    own = OF_MAP.get(of.quantity) or yearbooks.QUANTITIES[of.quantity].units
    return own if of.per is None else f"{own} per {OF_MAP['area']}"


def _source_of(of: OfQuantity, config: HarmonisedConfig) -> str:
    """Describe a number in words: which quantity of which census, or of the map, divided by which."""
    years = of.change or ((of.year,) if of.year else ())
    chosen = f" ({', '.join(of.select)})" if of.select else ""
    over = f" / {of.per}" if of.per else ""
    number = f"ln({of.quantity}{chosen}{over})" if of.log else f"{of.quantity}{chosen}{over}"
    of_map = [config.polygons.file.name] if OF_MAP.keys() & {of.quantity, of.per} else []
    files = ", ".join([config.census[year].file.name for year in years] + of_map)
    return f"{files}: {number}, {' to '.join(map(str, years or (config.polygons.vintage,)))}"


def censuses(on_zones: CensusOnZones, described: pd.DataFrame) -> xr.Dataset:
    """Add the flags of the population, and the census units of each zone, to the quantities of the year-books."""
    divided = on_zones.divided.to_numpy(dtype=np.float64)
    values = {"counted": on_zones.population.notna().to_numpy().astype(np.int8), "divided": divided}
    added: dict[str, tuple[object, ...]] = {
        f"population_{name}": (("zone", "year"), flag, {**_OF_CROSSWALK, "long_name": _FLAGS[name]})
        for name, flag in values.items()
    }
    for name, long_name in _UNITS.items():
        added[name] = ("zone", described[name].to_numpy(dtype=np.int64), {**_OF_CROSSWALK, "long_name": long_name})
    # `zones.nc` has the rates as the model needs them, per resident; here are the persons computed from them.
    kept = on_zones.quantities.drop_vars(carried.RATES, errors="ignore")
    return kept.rename({name: f"census_{name}" for name in kept.data_vars}).assign(added)
