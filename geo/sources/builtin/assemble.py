"""The built-in country, a `Source` made of territories, seats, cells and people."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs, divide
from geo.sources.source import ZONE_COLUMNS, Source

from .balance import fit_seat_weights
from .cells import tessellate
from .people import ATTRIBUTES, covariates, residents, vital_rates
from .provinces import PROVINCES
from .seats import Seats, place_seats
from .settlement import lonlat
from .territory import Territories, divide_land

TITLE = "Built-in country: 31 real provinces with their censuses, {counties} synthetic counties (seed {seed})"
RULES = (
    "The counties are synthetic: positions, outlines, residents, covariates and vital rates are drawn at random.",
    "The residents of each province sum to the published censuses of 2000 and 2010.",
    "The outline of the country and the territories of the provinces are schematic and state no boundary.",
)
_SCHEMATIC = "synthetic: Voronoi cells in a schematic outline"
_PLACES = {
    "area": {"units": "km2", "long_name": "area of the polygon", "source": _SCHEMATIC},
    "lon": {"units": "degrees_east", "long_name": "longitude of the county seat", "source": _SCHEMATIC},
    "lat": {"units": "degrees_north", "long_name": "latitude of the county seat", "source": _SCHEMATIC},
}


def build(counties: int, seed: int) -> Source:
    """Make the built-in country, with the population of the censuses 2000 and 2010; one seed gives the same bytes.

    Raises:
        ValueError: for fewer than 8 counties for each of the 31 provinces, or more than their codes allow.
    """
    rng = np.random.default_rng(seed)
    territories = divide_land()
    seats = place_seats(territories, counties, rng)
    cells = _cells(seats, territories)
    area_km2 = shapely.area(cells) / 1e6
    index = pd.Index(seats.codes.astype(object), name="code")
    position = lonlat(seats.points_km)
    divide_km = divide.signed_distance_km(*position.T)
    population = residents(seats.province, area_km2, seats.density, rng).set_axis(index)
    is_seat = np.char.endswith(seats.codes, "01")
    traits = covariates(population[2010].to_numpy() / area_km2, is_seat, divide_km, rng).set_axis(index)
    rates = vital_rates(traits["schooling"].to_numpy(), divide_km, rng).set_axis(index)
    zones = _describe(seats, index).assign(lon=position[:, 0], lat=position[:, 1], area_km2=area_km2, imputed=0)
    degrees = crs.project(cells, crs.china_albers(), crs.WGS84)
    return Source(
        zones=zones.join(rates)[list(ZONE_COLUMNS)],
        population=population,
        covariates=traits,
        attributes=_PLACES | ATTRIBUTES,
        polygons=gpd.GeoDataFrame(geometry=gpd.GeoSeries(degrees, index=index, crs=crs.WGS84)),
        inputs=(),
        rules=RULES,
        issues=(),
        synthetic=True,
        title=TITLE.format(counties=counties, seed=seed),
    )


def _cells(seats: Seats, territories: Territories) -> NDArray[np.object_]:
    """Give the polygon of each county (China Albers, metres), the island apart from the mainland, shape (N,)."""
    weights_km2 = fit_seat_weights(seats, territories)
    cells = np.empty(len(seats.codes), dtype=object)
    on_island = seats.province == territories.island_row
    for own, part in ((on_island, territories.island), (~on_island, territories.mainland)):
        cells[own] = tessellate(
            seats.points_km[own] * 1e3, weights_km2[own] * 1e6, shapely.transform(part, lambda km: km * 1e3)
        )
    return cells


def _describe(seats: Seats, index: "pd.Index[str]") -> pd.DataFrame:
    names = [PROVINCES[row].name for row in seats.province]
    return pd.DataFrame(
        {
            "name": [f"{name} {code[2:]} (synthetic)" for name, code in zip(names, seats.codes, strict=True)],
            "province": [code[:2] for code in seats.codes],
            "province_name": names,
            "prefecture": [code[:4] for code in seats.codes],
        },
        index=index,
    )
