"""Run folders small enough to check by hand, made for the tests of the exports."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from geo.coordinates.crs import china_albers

YEARS = list(range(2010, 2021))
INTERVALS = YEARS[1:]

# Whole kilometres of China Albers, far from its origin; A to E are blocks of 1 km cells.
X0, Y0 = 600_000.0, 4_000_000.0


def square(left_km: float, bottom_km: float, width_km: float, height_km: float) -> shapely.Polygon:
    left, bottom = X0 + 1000 * left_km, Y0 + 1000 * bottom_km
    return shapely.box(left, bottom, left + 1000 * width_km, bottom + 1000 * height_km)


PEOPLE = np.array([[12000.0, 13200.0], [9000, 8100], [777, 700], [20000, 20000], [500, 400]])


@pytest.fixture
def squares() -> dict[str, shapely.Polygon]:
    """Five zones in China Albers: C is an enclave of A, 200 m wide, and holds no cell centre.

    A is 4 x 3 km without C, B 3 x 3 km, D 5 x 2 km, E 1 x 1 km.
    """
    return five_squares()


def five_squares() -> dict[str, shapely.Polygon]:
    enclave = square(2.05, 1.05, 0.2, 0.2)
    return {
        "110101": square(0, 0, 4, 3).difference(enclave),
        "110102": square(4, 0, 3, 3),
        "110103": enclave,
        "620201": square(0, 3, 5, 2),
        "620202": square(5, 3, 1, 1),
    }


@pytest.fixture
def make_run(tmp_path: Path, squares: dict[str, shapely.Polygon]) -> Callable[..., Path]:
    """A function that writes the run folder of the five squares."""

    def make(*, synthetic: bool = False, name: str = "squares", zone_name: str = "东城区") -> Path:
        polygons = gpd.GeoSeries(list(squares.values()), crs=china_albers()).to_crs("EPSG:4326")
        flows = np.zeros((5, 5))  # persons a year, from row to column
        flows[1, 0], flows[3, 0], flows[0, 3], flows[2, 1], flows[4, 3] = 100.0, 50.0, 10.0, 8.0, 20.0
        folder = tmp_path / name
        write_run(folder, list(squares), polygons, PEOPLE, flows, synthetic=synthetic, zone_name=zone_name)
        return folder

    return make


@pytest.fixture(scope="session")
def narrow_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the squares, not to be changed; each a centimetre smaller: rounding moves none over a grid line."""
    squares = five_squares()
    shapes = shapely.buffer(np.array(list(squares.values())), -0.01, join_style="mitre")
    polygons = gpd.GeoSeries(shapes, crs=china_albers()).to_crs("EPSG:4326")
    folder = tmp_path_factory.mktemp("narrow") / "squares"
    write_run(folder, list(squares), polygons, PEOPLE, np.zeros((5, 5)), synthetic=False)
    return folder


def write_run(
    folder: Path,
    codes: list[str],
    polygons: gpd.GeoSeries,
    people: np.ndarray,
    flows: np.ndarray,
    *,
    synthetic: bool,
    zone_name: str = "东城区",
) -> None:
    """Write every file of a run: constant births (1 in 100 of the first census), deaths (half of that) and flows."""
    folder.mkdir()
    count = len(codes)
    births = people[:, 0] / 100
    deaths = births / 2
    inflow, outflow = flows.sum(axis=0), flows.sum(axis=1)
    yearly = births - deaths + inflow - outflow
    fitted = people[:, :1] + yearly[:, None] * np.arange(11)
    east = np.array([int(code[:2] != "62") for code in codes])
    _zones(codes, polygons, people, east, synthetic=synthetic, zone_name=zone_name).to_netcdf(
        folder / "zones.nc", engine="h5netcdf"
    )
    frame = gpd.GeoDataFrame(
        {"code": codes, "name": zone_name, "province": [c[:2] for c in codes], "prefecture": [c[:4] for c in codes]},
        geometry=polygons.values,
        crs=polygons.crs,
    )
    frame.to_file(folder / "zones.gpkg", layer="zones", driver="GPKG")
    crossing = [[flows[np.ix_(east == a, east != a)].sum()] * 10 for a in (1, 0)]
    _results(codes, people, fitted, births, deaths, inflow, outflow, crossing, synthetic=synthetic).to_netcdf(
        folder / "results.nc", engine="h5netcdf"
    )
    parts = {"births": births, "deaths": deaths, "inflow": inflow, "outflow": outflow}
    rows = [
        {"zone": codes[i], "group": "all", "year": y, "opening": fitted[i, k], "closing": fitted[i, k + 1]}
        | {part: values[i] for part, values in parts.items()}
        for i in range(count)
        for k, y in enumerate(INTERVALS)
    ]
    pd.DataFrame(rows).to_csv(folder / "accounts.csv", index=False)
    _tables(folder, synthetic=synthetic)


def _variable(dims: tuple[str, ...], values: object, units: str, **attrs: str) -> tuple[object, ...]:
    return dims, values, {"units": units, "long_name": units, "source": "made for a test"} | attrs


def _zones(
    codes: list[str],
    polygons: gpd.GeoSeries,
    people: np.ndarray,
    east: np.ndarray,
    *,
    synthetic: bool,
    zone_name: str,
) -> xr.Dataset:
    count = len(codes)
    points = polygons.representative_point()
    zone = ("zone",)
    return xr.Dataset(
        {
            "name": _variable(zone, [zone_name] * count, "1"),
            "province": _variable(zone, [c[:2] for c in codes], "1"),
            "province_name": _variable(zone, ["北京市"] * count, "1"),
            "prefecture": _variable(zone, [c[:4] for c in codes], "1"),
            "lon": _variable(zone, points.x.values, "degrees_east"),
            "lat": _variable(zone, points.y.values, "degrees_north"),
            "area": _variable(zone, polygons.to_crs(china_albers()).area.values / 1e6, "km2"),
            "population": _variable(("zone", "year"), people, "persons", definition="resident"),
            "birth_rate": _variable(zone, np.full(count, 0.01), "per_year"),
            "death_rate": _variable(zone, np.full(count, 0.005), "per_year"),
            "divide_distance": _variable(zone, np.where(east == 1, 100.0, -100.0), "km"),
            "east": _variable(zone, east.astype(np.int8), "1"),
            "area_share_east": _variable(zone, east.astype(float), "1"),
            "imputed": _variable(zone, np.zeros(count, np.int8), "1"),
            "schooling": _variable(zone, np.linspace(6, 11, count), "years", role="covariate"),
        },
        coords={"zone": codes, "year": [2010, 2020]},
        attrs={
            "title": "Five squares",
            "synthetic": int(synthetic),
            "inputs": json.dumps([{"file": "squares.csv", "sha256": "ab" * 32, "rows": count, "crs": None}]),
            "rules": json.dumps(["2 zones (1,200 people) took the mean of their province"]),
            "divide": "Great circle from Heihe to Tengchong.",
        },
    )


def _results(
    codes: list[str],
    people: np.ndarray,
    fitted: np.ndarray,
    births: np.ndarray,
    deaths: np.ndarray,
    inflow: np.ndarray,
    outflow: np.ndarray,
    crossing: list[list[float]],
    *,
    synthetic: bool,
) -> xr.Dataset:
    flows = {"births": births, "deaths": deaths, "inflow": inflow, "outflow": outflow}
    return xr.Dataset(
        {
            "population": _variable(("zone", "year"), fitted, "persons"),
            "population_observed": _variable(("zone", "census"), people, "persons"),
            "cross_divide": _variable(("direction", "interval"), np.array(crossing), "persons per year"),
        }
        | {
            name: _variable(("zone", "interval"), np.tile(values[:, None], 10), "persons per year")
            for name, values in flows.items()
        },
        coords={
            "zone": codes,
            "year": YEARS,
            "interval": INTERVALS,
            "census": [2010, 2020],
            "direction": ["east_west", "west_east"],
        },
        attrs={"title": "Five squares", "synthetic": int(synthetic)},
    )


def _tables(folder: Path, *, synthetic: bool) -> None:
    parameters = pd.DataFrame(
        {
            "name": ["distance", "divide_east_west"],
            "symbol": ["β", "η_EW"],
            "estimate": [-1.25, 0.4],
            "se": [0.05, 0.5],
            "interval_lower": [-1.33, 0.0],
            "interval_upper": [-1.17, 1.22],
            "lower": [-5.0, 0.0],
            "upper": [0.0, 3.0],
            "unit": ["1", "1"],
            "status": ["fitted", "not_identified"],
            "source": ["growth", "growth"],
        }
    )
    if synthetic:
        parameters["truth"] = [-1.2, 0.5]
    parameters.to_csv(folder / "parameters.csv", index=False)
    scores = {"r2": 0.42, "rmse": 0.1, "mape": 0.08, "medape": 0.06, "malpe": 0.001, "sign": 0.7}
    metrics = {
        "verdict": "converged",
        "flags": ["not_identified"],
        "growth": {"2010-2020": scores},
        "baselines": {
            "no_change": {"2010-2020": scores | {"r2": -0.11}},
            "ols": {"2010-2020": scores | {"r2": 0.55, "sign": None}},
        },
        "targets": {},
        "divide": {"2010": {"population_east_share": 0.51, "area_east_share": 0.6}},
        "identification": {
            "condition": 3.2e7,
            "worst_correlation": 0.991,
            "warnings": ["census growth alone does not identify divide_east_west"],
        },
        "seconds": {"build": 1.0, "compile": 2.0, "fit": 3.0, "total": 6.0},
        "memory_gb": 0.5,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    provenance = {"version": "0.1.0", "git": "abc123", "argv": ["scripts/fit.py"], "python": "3.11"}
    (folder / "provenance.json").write_text(json.dumps(provenance), encoding="utf-8")
    (folder / "config.toml").write_text(f'[run]\nname = "{folder.name}"\nseed = 1\n', encoding="utf-8")
    (folder / "issues.csv").write_text(
        "code,severity,file,line,column,value,rule,fix,people\n"
        "W-POP-FRACTION,warning,squares.csv,3,pop_2020,8100.4,whole persons,none needed,8100\n",
        encoding="utf-8",
    )
