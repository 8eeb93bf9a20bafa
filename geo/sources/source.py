"""What every source gives: zones with people, rates, covariates and polygons, all in one order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from geo.checks.rasters import Gridded
from geo.errors import Issue

ZONE_COLUMNS = (
    "name",
    "province",
    "province_name",
    "prefecture",
    "lon",
    "lat",
    "area_km2",
    "birth_rate",
    "death_rate",
    "imputed",
)


@dataclass(frozen=True)
class Source:
    """Zones ready to be assembled; every frame is indexed by the zone code, sorted, in the same order.

    Attributes:
        zones: Columns `ZONE_COLUMNS`: lon and lat in degrees (the position people move from and to), area_km2,
            birth_rate and death_rate per year, imputed 0 or 1.
        population: One column for each census year (int), residents in whole persons (float64).
        covariates: One column for each covariate, in its unit after scaling.
        attributes: For a variable of `zones.nc` (population, birth_rate, area, a covariate ...): units, long_name,
            source and further attributes.
        polygons: Geometry in EPSG:4326 (lon, lat).
        inputs: For each file read: file (base name), sha256, rows, crs (or None).
        rules: A sentence for each declared rule that changed something, with how many zones and people.
        issues: Warnings; a source with an error is never made.
        synthetic: Whether the zones are invented.
        title: One line that says what the zones are.
        censuses: What censuses keep beside their people, over (zone, year) and dimensions of its own, for `zones.nc`.
        tables: Tables to be written beside `zones.nc`, by file name.
    """

    zones: pd.DataFrame
    population: pd.DataFrame
    covariates: pd.DataFrame
    attributes: dict[str, dict[str, str]]
    polygons: gpd.GeoDataFrame
    inputs: tuple[dict[str, object], ...]
    rules: tuple[str, ...]
    issues: tuple[Issue, ...]
    synthetic: bool
    title: str
    censuses: xr.Dataset | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def with_rasters(self, gridded: Gridded) -> Self:
        """Add covariates and positions that rasters give, for the same zones in the same order."""
        if not gridded.inputs:
            return self
        zones = self.zones.copy()
        zones.loc[gridded.positions.index, ["lon", "lat"]] = gridded.positions[["lon", "lat"]]
        zones.loc[sorted(gridded.imputed), "imputed"] = np.int8(1)
        return replace(
            self,
            zones=zones,
            covariates=self.covariates.join(gridded.covariates),
            attributes={**self.attributes, **gridded.attributes},
            inputs=(*self.inputs, *gridded.inputs),
            rules=(*self.rules, *gridded.rules),
        )
