"""Any source to `zones.nc`: adds the divide, names units and origins, and hands on every problem found."""

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
    """What a build of zones gives.

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
    """Build the zones that a config names.

    Args:
        config: The `[zones]` section.
        seed: Seed of the run; only a synthetic source uses it.

    Returns:
        Dataset, polygons and warnings.

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
        people = zones["population"].where(zones["population"] > 0)  # growth from nobody, or to nobody, is no number
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
    from . import builtin  # the built-in country is made only when asked for

    return builtin.build(config.counties, seed)


def _dataset(source: Source) -> xr.Dataset:
    """Name every number of a source, and add the side of the divide."""
    zones = source.zones
    variables = {
        name: (
            "zone",
            _typed(zones[column].to_numpy()),
            {"units": units, "long_name": long_name, "source": source.title},
        )
        for name, (column, units, long_name) in _ZONE_VARIABLES.items()
    }
    variables |= _divide_variables(source)
    people = {"units": "persons", "long_name": "residents", "source": source.title, "definition": "resident"}
    population = (("zone", "year"), source.population.to_numpy(dtype=np.float64), people)
    covariates = {
        name: (
            "zone",
            source.covariates[name].to_numpy(dtype=np.float64),
            {"units": "1", "long_name": name.replace("_", " "), "source": source.title, "role": "covariate"},
        )
        for name in source.covariates.columns
    }
    dataset = xr.Dataset(
        {**variables, "population": population, **covariates},
        coords={
            "zone": (
                "zone",
                _typed(zones.index.to_numpy()),
                {"units": "1", "long_name": "zone code", "source": source.title},
            ),
            "year": (
                "year",
                np.array(source.population.columns, dtype=np.int64),
                {"units": "1", "long_name": "census year", "source": source.title},
            ),
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


def _divide_variables(source: Source) -> dict[str, tuple[str, NDArray[np.float64] | NDArray[np.int8], dict[str, str]]]:
    distance_km = divide.signed_distance_km(source.zones["lon"].to_numpy(), source.zones["lat"].to_numpy())
    share = divide.area_share_east(source.polygons.geometry)
    origin = {"source": divide.DESCRIPTION}
    return {
        "divide_distance": (
            "zone",
            distance_km,
            {"units": "km", "long_name": "distance from the divide, positive to the south-east", **origin},
        ),
        "east": (
            "zone",
            (distance_km > 0).astype(np.int8),
            {"units": "1", "long_name": "1 where the position is south-east of the divide", **origin},
        ),
        "area_share_east": (
            "zone",
            share,
            {"units": "1", "long_name": "share of the polygon's area south-east of the divide", **origin},
        ),
    }


def _polygons(source: Source) -> gpd.GeoDataFrame:
    zones = source.zones
    columns = {
        "code": zones.index.to_numpy(),
        **{name: zones[name].to_numpy() for name in ("name", "province", "prefecture")},
    }
    return gpd.GeoDataFrame(columns, geometry=source.polygons.geometry.to_numpy(), crs=source.polygons.crs)


def _typed(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Keep text as fixed-length unicode and numbers in double precision; NetCDF knows no Python objects."""
    if values.dtype == np.int8:
        return values
    return values.astype(np.str_) if values.dtype.kind in "OUT" else values.astype(np.float64)
