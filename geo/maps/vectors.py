"""Zones with every number of the run, and the divide, as two layers of one GeoPackage."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio

from geo.coordinates import divide
from geo.errors import DataError, error
from geo.results import run_folder
from geo.results.run_folder import RunFolder
from geo.results.whole_files import replacing


def write(run: Path, path: Path) -> None:
    """Write layers `counties` and `divide`, both EPSG:4326; read back before the file takes its name.

    Raises:
        DataError: E-VECTOR-VERIFY where what is read back differs from what was written.
    """
    source = run_folder.read(run)
    made = {"counties": counties(source), "divide": divide_line()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        for layer, frame in made.items():
            frame.to_file(partial, layer=layer, driver="GPKG", engine="pyogrio")
        _verify(partial, path.name, made)


def counties(run: RunFolder) -> gpd.GeoDataFrame:
    """One row a zone: who it is, its people by year, its account over each census interval, the divide, covariates.

    Columns end in their year or years where they have one; people are persons, sums over the interval.
    """
    columns: dict[str, object] = {"code": run.codes}
    for name in ("name", "province", "province_name", "prefecture"):
        columns[name] = [str(value) for value in run.zones[name].values]
    columns |= {"lon": run.zone("lon"), "lat": run.zone("lat"), "area_km2": run.zone("area")}
    for year in run.censuses:
        columns[f"population_observed_{year}"] = run.observed(year)
        columns[f"population_fitted_{year}"] = run.fitted(year)
    for span in run.spans:
        columns |= _account(run, span)
    columns |= {"birth_rate": run.zone("birth_rate"), "death_rate": run.zone("death_rate")}
    columns["divide_distance_km"] = run.zone("divide_distance")
    columns["east"] = run.zone("east").astype(np.int32)
    columns["area_share_east"] = run.zone("area_share_east")
    columns["imputed"] = run.zone("imputed").astype(np.int32)
    columns |= {name: run.zone(name) for name in run.covariates}
    columns["synthetic"] = np.full(len(run.codes), int(run.synthetic), dtype=np.int32)
    return gpd.GeoDataFrame(columns, geometry=run.polygons.geometry.values, crs=run.polygons.crs)


def divide_line() -> gpd.GeoDataFrame:
    """The divide as one line in longitude and latitude, with its name and where it comes from."""
    columns = {"name": ["Heihe-Tengchong line (Hu line)"], "source": [divide.DESCRIPTION]}
    return gpd.GeoDataFrame(columns, geometry=[divide.line()], crs="EPSG:4326")


def _account(run: RunFolder, span: tuple[int, int]) -> dict[str, object]:
    first, last = span
    births, deaths, inflow, outflow = (run.over(flow, span) for flow in ("births", "deaths", "inflow", "outflow"))
    observed, fitted = run.growth(span)
    columns = {
        "growth_observed": observed,
        "growth_fitted": fitted,
        "births": births,
        "deaths": deaths,
        "inflow": inflow,
        "outflow": outflow,
        "net_migration": inflow - outflow,
    }
    return {f"{name}_{first}_{last}": values for name, values in columns.items()}


def _verify(partial: Path, file: str, made: dict[str, gpd.GeoDataFrame]) -> None:
    rule, fix = "a layer read back equals what was written", "export again; if it comes back, look at the disk"
    wrong = []
    for layer, frame in made.items():
        found = gpd.read_file(f"GPKG:{partial}", layer=layer, engine="pyogrio")
        if found.crs != frame.crs or len(found) != len(frame):
            wrong.append((layer, f"{len(found)} rows, {found.crs}"))
            continue
        # NaN and a missing value are one thing in a GeoPackage: `equals` takes two of them as the same.
        wrong += [(f"{layer}.{name}", "values") for name in frame.columns if not _same(frame, found, name)]
    listed = {str(name) for name, _ in pyogrio.list_layers(f"GPKG:{partial}")}
    if listed != set(made):
        wrong.append(("layers", ", ".join(sorted(listed))))
    if wrong:
        raise DataError(
            [error("E-VECTOR-VERIFY", file, column=at, value=value, rule=rule, fix=fix) for at, value in wrong]
        )


def _same(meant: gpd.GeoDataFrame, found: gpd.GeoDataFrame, name: str) -> bool:
    if name not in found.columns:
        return False
    if name == "geometry":
        # Writers promote polygons of a mixed layer to multipolygons: the shapes stay what they were.
        return bool(meant.geometry.geom_equals(found.geometry, align=False).all())
    return bool(meant[name].reset_index(drop=True).equals(found[name].astype(meant[name].dtype)))
