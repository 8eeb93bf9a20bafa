"""From any source to `zones.nc`: adds the side of the divide, units and origins."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geo.config import BuiltinConfig, HarmonisedConfig, PanelConfig
from geo.coordinates import divide
from geo.errors import Issue

from . import panel
from .source import Source


@dataclass(frozen=True)
class Build:
    """The result of a build of zones.

    Attributes:
        dataset: The content of `zones.nc`.
        polygons: The zones in EPSG:4326, with columns code, name, province, prefecture and those of `with_numbers`.
        issues: Warnings.
        tables: Tables to be written beside them, by file name.
    """

    dataset: xr.Dataset
    polygons: gpd.GeoDataFrame
    issues: tuple[Issue, ...]
    tables: Mapping[str, pd.DataFrame]

    def write_polygons(self, path: Path, dataset: xr.Dataset) -> None:
        """Write the polygons with the numbers of `dataset`, which may have another census than was built."""
        with_numbers(self.polygons, dataset).to_file(path, layer="zones", driver="GPKG")


# Variable: column of `Source.zones`, units, long_name.
_ZONE_VARIABLES = {
    "name": ("name", "1", "name of the zone"),
    "province": ("province", "1", "province code"),
    "province_name": ("province_name", "1", "name of the province"),
    "prefecture": ("prefecture", "1", "prefecture code"),
    "lon": ("lon", "degrees_east", "longitude of the position people move from and to"),
    "lat": ("lat", "degrees_north", "latitude of the position people move from and to"),
    "area": ("area_km2", "km2", "land area"),
    "birth_rate": ("birth_rate", "per_year", "births per resident and year"),
    "death_rate": ("death_rate", "per_year", "deaths per resident and year"),
    "imputed": ("imputed", "1", "1 where a rate or covariate was filled by a declared rule"),
}


def build(config: PanelConfig | HarmonisedConfig | BuiltinConfig, seed: int) -> Build:
    """Build the zones of a section `[zones]`; only the built-in country uses the seed of the run.

    Raises:
        DataError: With every error of the inputs.
    """
    return of_source(_read(config, seed))


def of_source(source: Source) -> Build:
    """Give the zones of a source the divide, units and origins."""
    dataset = _dataset(source)
    return Build(dataset, with_numbers(_polygons(source), dataset), source.issues, source.tables)


def with_numbers(polygons: gpd.GeoDataFrame, dataset: xr.Dataset) -> gpd.GeoDataFrame:
    """Put the numbers of `zones.nc` on its polygons, so that a map needs no other file.

    Args:
        polygons: Zones, with a column code; columns of numbers from before are replaced.
        dataset: The content of `zones.nc`.

    Returns:
        Columns code, name, province, prefecture; area_km2; for each census population_YEAR (residents) and, where a
        census may have left somebody out, population_counted_YEAR (1 or 0); growth_FIRST_LAST, the natural log of the
        ratio of the last two censuses. Not a number where unknown, NULL once written.
    """
    zones = dataset.sel(zone=polygons["code"].to_numpy(dtype=np.str_))
    years = sorted(map(int, zones["year"].values))
    numbers: dict[str, NDArray[np.generic]] = {"area_km2": zones["area"].values}
    numbers |= {f"population_{year}": zones["population"].sel(year=year).values for year in years}
    if "population_counted" in zones:
        counted = zones["population_counted"]
        numbers |= {f"population_counted_{year}": counted.sel(year=year).values.astype(np.int32) for year in years}
    if len(years) > 1:
        first, last = years[-2:]
        people = zones["population"].where(zones["population"] > 0)  # growth from or to zero is undefined
        ratio = people.sel(year=last) / people.sel(year=first)
        numbers[f"growth_{first}_{last}"] = np.log(ratio.values)
    plain = polygons[["code", "name", "province", "prefecture", polygons.geometry.name]]
    return plain.assign(**numbers)


def _read(config: PanelConfig | HarmonisedConfig | BuiltinConfig, seed: int) -> Source:
    if isinstance(config, PanelConfig):
        return panel.build(config)
    if isinstance(config, HarmonisedConfig):
        from .harmonised import source as harmonised  # readers of raw files, which no other source needs

        return harmonised.build(config)
    from . import builtin  # only a configuration of the built-in country needs it

    return builtin.build(config.counties, seed)


def _dataset(source: Source) -> xr.Dataset:
    """Name every number of a source, and add the side of the divide."""
    zones, population = source.zones, source.population
    distance_km = divide.signed_distance_km(zones["lon"].to_numpy(), zones["lat"].to_numpy())
    by_zone: dict[str, tuple[NDArray[np.generic], str, str, str]] = {
        name: (zones[column].to_numpy(), units, long_name, source.title)
        for name, (column, units, long_name) in _ZONE_VARIABLES.items()
    }
    long_name = "distance from the divide, positive to the south-east"
    by_zone["divide_distance"] = (distance_km, "km", long_name, divide.DESCRIPTION)
    east, long_name = (distance_km > 0).astype(np.int8), "1 where the position is south-east of the divide"
    by_zone["east"] = (east, "1", long_name, divide.DESCRIPTION)
    share, long_name = (
        divide.area_share_east(source.polygons.geometry),
        "share of the polygon's area south-east of the divide",
    )
    by_zone["area_share_east"] = (share, "1", long_name, divide.DESCRIPTION)
    variables = {name: ("zone", _typed(values), _about(*about)) for name, (values, *about) in by_zone.items()}
    people = _about("persons", "residents", source.title) | {"definition": "resident"}
    covariates = {
        name: (
            "zone",
            values.to_numpy(dtype=np.float64),
            _about("1", str(name).replace("_", " "), source.title) | {"role": "covariate"},
        )
        for name, values in source.covariates.items()
    }
    years = np.array(population.columns, dtype=np.int64)
    dataset = xr.Dataset(
        {**variables, "population": (("zone", "year"), population.to_numpy(dtype=np.float64), people), **covariates},
        coords={
            "zone": ("zone", _typed(zones.index.to_numpy()), _about("1", "zone code", source.title)),
            "year": ("year", years, _about("1", "census year", source.title)),
        },
        attrs={
            "title": source.title,
            "synthetic": int(source.synthetic),
            "inputs": json.dumps(source.inputs, ensure_ascii=False),
            "rules": json.dumps(source.rules, ensure_ascii=False),
            "divide": divide.DESCRIPTION,
        },
    )
    for name, attributes in source.attributes.items():
        dataset[name].attrs.update(attributes)
    return dataset if source.censuses is None else dataset.merge(source.censuses)


def _about(units: str, long_name: str, source: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name, "source": source}


def _polygons(source: Source) -> gpd.GeoDataFrame:
    named = source.zones.rename_axis("code").reset_index()[["code", "name", "province", "prefecture"]]
    return gpd.GeoDataFrame(named, geometry=source.polygons.geometry.to_numpy(), crs=source.polygons.crs)


def _typed(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Store text as fixed-length unicode and numbers in double precision; NetCDF has no Python objects."""
    if values.dtype == np.int8:
        return values
    return values.astype(np.str_) if values.dtype.kind in "OUT" else values.astype(np.float64)
