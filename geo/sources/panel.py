"""The panel source: one polygon layer and one census table, joined one to one on the zone code."""

import hashlib
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from geo.checks import census, definitions, positions, published, quantities, rasters
from geo.checks.census import Census
from geo.checks.keys import check_codes, check_columns, check_join, read_codes
from geo.config import PanelConfig
from geo.coordinates import crs
from geo.errors import DataError, Issue, attempt
from geo.layers import location, polygons
from geo.layers.polygons import Outlines
from geo.tables import table
from geo.tables.table import Table

from .source import ZONE_COLUMNS, Source


def build(config: PanelConfig) -> Source:
    """Read, check and join the two files that a config names to zones, sorted by code.

    Raises:
        DataError: Once, with every error of both files.
    """
    rows, problems = attempt(lambda: table.read(config.table))
    read, found = attempt(lambda: polygons.read(config.polygons))
    inputs: list[dict[str, object]] = []
    if rows is not None and read is not None:
        of_layer, files = (len(read[0]), crs.name(read[1])), polygons.parts(config.polygons.file)
        inputs = [
            {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": records, "crs": system}
            for path, records, system in (*((part, *of_layer) for part in files), (config.table.file, rows.rows, None))
        ]
    return join(config, rows, read, [*problems, *found], inputs)


def join(
    config: PanelConfig,
    rows: Table | None,
    read: tuple[gpd.GeoDataFrame, pyproj.CRS] | None,
    problems: list[Issue],
    inputs: Sequence[dict[str, object]],
) -> Source:
    """Check a table and a layer, and join them on the zone code.

    Table and layer are None where they cannot be read; `problems` are those of reading them.

    Raises:
        DataError: Once, with every error of both.
    """
    counted = census.read(rows, config, _known(read, config)) if rows is not None else None
    problems = [*problems, *(counted.issues if counted is not None else ())]
    layer, found = _check_layer(*read, config, counted) if read is not None else (None, [])
    problems += found
    if counted is not None and layer is not None:
        problems += _check_together(config, counted, layer, _names(read, config, layer))
    rows_counted, population = (counted.rows, counted.population) if counted is not None else (None, {})
    codes, outlines = (layer.codes, layer.shapes) if layer is not None else ((), None)
    gridded = rasters.read(config, rows_counted, population, codes, outlines)
    problems += gridded.issues
    failed = any(issue.severity == "error" for issue in problems)
    if failed or counted is None or layer is None or layer.shapes is None:
        raise DataError(problems)
    shapes = gpd.GeoDataFrame(geometry=gpd.GeoSeries(layer.shapes, index=layer.codes, crs=crs.WGS84))
    rules = (*layer.rules, *counted.rules)
    return _source(config, counted, shapes, tuple(inputs), tuple(problems), rules).with_rasters(gridded)


def _known(read: tuple[gpd.GeoDataFrame, pyproj.CRS] | None, config: PanelConfig) -> set[str] | None:
    """Give the codes that have a polygon, excluded or not; None where the layer or its codes cannot be read."""
    if read is None or config.polygons.code not in read[0].columns:
        return None
    return set(read_codes(read[0][config.polygons.code])[0])


def _names(read: tuple[gpd.GeoDataFrame, pyproj.CRS] | None, config: PanelConfig, layer: Outlines) -> list[str] | None:
    """Give the names that the layer has of its zones, where its column is called as the table's."""
    if read is None or config.table.name not in read[0].columns:
        return None
    names = read[0][config.table.name].tolist()
    return [names[line - 1] if isinstance(names[line - 1], str) else "" for line in layer.lines]


def _check_layer(
    layer: gpd.GeoDataFrame, system: pyproj.CRS, config: PanelConfig, counted: Census | None
) -> tuple[Outlines | None, list[Issue]]:
    """Check codes and shapes; None where the layer has no column with the code."""
    file, column = config.polygons.file.name, config.polygons.code
    issues = check_columns(file, layer.columns, [column])
    if issues:
        return None, issues
    codes, kind = read_codes(layer[column])
    people = counted.people if counted is not None else {}
    outlines = polygons.sound(layer, system, codes, config.polygons, file, people)
    digits = config.table.code_digits
    issues = check_codes(file, outlines.codes, outlines.lines, column, people, digits=digits, kind=kind)
    # Records of one code may be parts of one zone, which the layer's own check decides.
    own = [issue for issue in issues if issue.code != "E-CODE-DUP"]
    return outlines, [*own, *outlines.issues]


def _check_together(config: PanelConfig, counted: Census, layer: Outlines, names: list[str] | None) -> list[Issue]:
    """Check what needs both files: the join, people on land, and positions against polygons and one another."""
    rows, options = counted.rows, config.table
    if not any(rows.codes):
        return []
    issues = check_join(
        (rows.file, rows.codes, rows.lines, options.code),
        (config.polygons.file.name, layer.codes, layer.lines, config.polygons.code),
        counted.people,
        digits=options.code_digits,
        names=(counted.texts["name"], names) if names is not None else None,
    )
    issues += _check_density(config, counted, layer)
    if options.lon is None or not {"lon", "lat"} <= counted.measures.keys():
        return issues
    lon, lat = counted.measures["lon"], counted.measures["lat"]
    issues += positions.check_apart(lon, lat, options.lon, rows)
    if layer.shapes is not None:
        by_code = dict(zip(layer.codes, layer.shapes, strict=True))
        issues += positions.check_inside(lon, lat, by_code, options.lon, rows)
    return issues


def _check_density(config: PanelConfig, counted: Census, layer: Outlines) -> list[Issue]:
    """Check people against land, which the table gives or the polygons."""
    area = counted.measures.get("area_km2")
    if area is None:
        if config.table.area is not None or layer.shapes is None:
            return []
        area = location.geodesic_area_km2(layer.shapes)
    file, censuses = counted.rows.file, config.population
    return [
        issue
        for year, persons in counted.population.items()
        for issue in published.check_density(file, year, censuses[year], persons, area)
    ]


def _source(
    config: PanelConfig,
    counted: Census,
    shapes: gpd.GeoDataFrame,
    inputs: tuple[dict[str, object], ...],
    issues: tuple[Issue, ...],
    rules: tuple[str, ...],
) -> Source:
    """Arrange everything in the order of the codes."""
    codes = list(counted.rows.codes)
    order = sorted(codes)
    outlines = np.asarray(shapes.loc[codes].geometry.array)
    measures = dict(counted.measures)
    if "lon" not in measures:
        measures |= location.point_inside(outlines)
    if "area_km2" not in measures:
        measures["area_km2"] = location.geodesic_area_km2(outlines)
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
        rules=rules,
        issues=issues,
        synthetic=False,
        title=f"{len(codes)} zones of {config.polygons.file.name} and {config.table.file.name}",
    )


def _attributes(config: PanelConfig) -> dict[str, dict[str, str]]:
    """Give the origin and meaning of each variable of `zones.nc`."""
    table_name, options = config.table.file.name, config.table
    inside = f"{config.polygons.file.name}, a point inside the polygon"
    geodesic = f"{config.polygons.file.name}, geodesic area on WGS 84"
    columns = ", ".join(config.population[year].column for year in sorted(config.population))

    def column(name: str) -> str:
        return f"{table_name}, column {name}"

    return {
        "lon": {"source": column(options.lon) if options.lon else inside},
        "lat": {"source": column(options.lat) if options.lat else inside},
        "area": {"source": column(options.area.column) if options.area else geodesic},
        "population": {"source": f"{table_name}, columns {columns}", **definitions.attributes(config.population)},
        "birth_rate": quantities.describe_rate(config, "birth"),
        "death_rate": quantities.describe_rate(config, "death"),
        "name": {"source": column(options.name)},
        "province": {"source": column(options.province or f"{options.code}, first two digits")},
        "province_name": {"source": column(options.province_name or f"{options.code}, first two digits")},
        "prefecture": {"source": column(options.prefecture or f"{options.code}, first four digits")},
        **{name: quantities.describe(config, name) for name in config.covariates},
    }
