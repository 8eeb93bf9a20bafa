"""The panel source: one polygon layer and one census table, joined one to one on the zone code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from geo import crs
from geo.config import PanelConfig
from geo.errors import DataError, Issue

from . import census, polygons, positions, quantities, table
from .census import Census
from .keys import check_codes, check_columns, check_join
from .source import ZONE_COLUMNS, Source

Read = TypeVar("Read")


@dataclass(frozen=True)
class _Layer:
    """The polygon layer: code of each record, and the shapes in degrees where all of them are sound."""

    codes: list[str]
    shapes: NDArray[np.object_] | None


def build(config: PanelConfig) -> Source:
    """Read, check and join the two files.

    Args:
        config: Files, columns and declared rules.

    Returns:
        Zones of both files, sorted by code.

    Raises:
        DataError: Once, with every error of both files.
    """
    rows, problems = _attempt(lambda: table.read(config.table))
    read, found = _attempt(lambda: polygons.read(config.polygons))
    counted = census.read(rows, config) if rows is not None else None
    problems = [*problems, *found, *(counted.issues if counted is not None else ())]
    layer, found = _check_layer(*read, config, counted) if read is not None else (None, [])
    problems += found
    if counted is not None and layer is not None:
        problems += _check_together(config, counted, layer)
    failed = any(issue.severity == "error" for issue in problems)
    if failed or rows is None or read is None or counted is None or layer is None or layer.shapes is None:
        raise DataError(problems)
    inputs = (
        *(_input(part, len(layer.codes), crs.name(read[1])) for part in polygons.parts(config.polygons.file)),
        _input(config.table.file, rows.rows, None),
    )
    shapes = gpd.GeoDataFrame(geometry=gpd.GeoSeries(layer.shapes, index=layer.codes, crs=crs.WGS84))
    return _source(config, counted, shapes, inputs, tuple(problems))


def _attempt(reading: Callable[[], Read]) -> tuple[Read | None, list[Issue]]:
    """Keep the issues of a file that cannot be read, so that the other file is still judged."""
    try:
        return reading(), []
    except DataError as failure:
        return None, list(failure.issues)


def _check_layer(
    layer: gpd.GeoDataFrame, system: pyproj.CRS, config: PanelConfig, counted: Census | None
) -> tuple[_Layer | None, list[Issue]]:
    """Check codes and shapes; None where the layer has no column with the code."""
    file, column = config.polygons.file.name, config.polygons.code
    issues = check_columns(file, layer.columns, [column])
    if issues:
        return None, issues
    codes = ["" if pd.isna(value) else str(value).strip() for value in layer[column]]
    people = counted.people if counted is not None else {}
    issues = check_codes(file, codes, range(1, len(codes) + 1), column, people)
    faults = polygons.check_shapes(layer, codes, column, file, people)
    if faults:
        return _Layer(codes, None), issues + faults
    shapes, found = _attempt(lambda: polygons.to_degrees(np.asarray(layer.geometry.array), system, file))
    return _Layer(codes, shapes), issues + found


def _check_together(config: PanelConfig, counted: Census, layer: _Layer) -> list[Issue]:
    """Check what needs both files: the join, and positions against polygons and against one another."""
    rows, options = counted.rows, config.table
    if not any(rows.codes):
        return []
    issues = check_join(
        (rows.file, rows.codes, rows.lines, options.code),
        (config.polygons.file.name, layer.codes, range(1, len(layer.codes) + 1), config.polygons.code),
        counted.people,
    )
    if options.lon is None or not {"lon", "lat"} <= counted.measures.keys():
        return issues
    lon, lat = counted.measures["lon"], counted.measures["lat"]
    issues += positions.check_apart(lon, lat, options.lon, rows)
    if layer.shapes is not None:
        by_code = dict(zip(layer.codes, layer.shapes, strict=True))
        issues += positions.check_far(lon, lat, by_code, options.lon, rows)
    return issues


def _source(
    config: PanelConfig,
    counted: Census,
    shapes: gpd.GeoDataFrame,
    inputs: tuple[dict[str, object], ...],
    issues: tuple[Issue, ...],
) -> Source:
    """Put everything in the order of the codes."""
    codes = list(counted.rows.codes)
    order = sorted(codes)
    shapes = shapes.loc[codes]
    outlines = np.asarray(shapes.geometry.array)
    measures = counted.measures
    if "lon" not in measures:
        measures = {**measures, **positions.point_inside(outlines)}
    if "area_km2" not in measures:
        measures = {**measures, "area_km2": positions.geodesic_area_km2(outlines)}
    filled = [*counted.rates.values(), *counted.covariates.values()]
    zones = pd.DataFrame(
        {
            **counted.texts,
            **measures,
            "birth_rate": counted.rates["birth"].values,
            "death_rate": counted.rates["death"].values,
            "imputed": np.any([quantity.imputed for quantity in filled], axis=0).astype(np.int8),
        },
        index=codes,
    )
    covariates = {name: quantity.values for name, quantity in counted.covariates.items()}
    return Source(
        zones=zones.loc[order, list(ZONE_COLUMNS)],
        population=pd.DataFrame(counted.population, index=codes).loc[order],
        covariates=pd.DataFrame(covariates, index=codes).loc[order],
        attributes=_attributes(config),
        polygons=shapes.loc[order],
        inputs=inputs,
        rules=counted.rules,
        issues=issues,
        synthetic=False,
        title=f"{len(codes)} zones of {config.polygons.file.name} and {config.table.file.name}",
    )


def _attributes(config: PanelConfig) -> dict[str, dict[str, str]]:
    """Say where each variable of `zones.nc` comes from, and what it counts."""
    table_name, options = config.table.file.name, config.table
    inside = f"{config.polygons.file.name}, a point inside the polygon"
    geodesic = f"{config.polygons.file.name}, geodesic area on WGS 84"
    columns = ", ".join(config.population[year].column for year in sorted(config.population))
    definitions = {population.definition for population in config.population.values()}

    def column(name: str) -> str:
        return f"{table_name}, column {name}"

    return {
        "lon": {"source": column(options.lon) if options.lon else inside},
        "lat": {"source": column(options.lat) if options.lat else inside},
        "area": {"source": column(options.area.column) if options.area else geodesic},
        "population": {"source": f"{table_name}, columns {columns}", "definition": ", ".join(sorted(definitions))},
        "birth_rate": {"source": column(config.rates.birth.column)},
        "death_rate": {"source": column(config.rates.death.column)},
        "name": {"source": column(options.name)},
        "province": {"source": column(options.province or f"{options.code}, first two digits")},
        "province_name": {"source": column(options.province_name or f"{options.code}, first two digits")},
        "prefecture": {"source": column(options.prefecture or f"{options.code}, first four digits")},
        **{name: quantities.describe(config, name) for name in config.covariates},
    }


def _input(path: Path, rows: int, system: str | None) -> dict[str, object]:
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "rows": rows,
        "crs": system,
    }
