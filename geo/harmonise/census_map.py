"""The map of census units: polygons of one time, their names, and the residents the layer knows of them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from geo import crs, opening
from geo.config import MapConfig
from geo.errors import DataError, Issue, error
from geo.layers import polygons, simple_features
from geo.opening import Kind
from geo.sources.keys import check_codes, check_columns


@dataclass(frozen=True)
class CensusMap:
    """The units of a map.

    Attributes:
        units: Index code, sorted; columns name, province, province_name, prefecture; geometry in degrees (lon, lat).
        residents: Residents by unit, one column for each census the layer knows, NaN where it has none.
        crs: Name of the CRS of the file.
        records: Number of records in the file.
        issues: Warnings.
        rules: A sentence for each declared rule that changed something.
    """

    units: gpd.GeoDataFrame
    residents: pd.DataFrame
    crs: str
    records: int
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


def read(config: MapConfig) -> CensusMap:
    """Read and check the polygons.

    Raises:
        DataError: What `geo.layers.polygons` finds; E-COL-MISSING, E-CODE-*, E-POP-NEG, E-POP-FRACTIONAL.
    """
    layer, system = _layer(config)
    file = config.file.name
    wanted = {config.code, config.name, config.province_name, *config.residents.values()}
    issues = check_columns(file, layer.columns, wanted)
    if issues:
        raise DataError(issues)
    codes = _texts(layer[config.code])
    residents = pd.DataFrame(
        {year: pd.to_numeric(layer[column]).to_numpy(dtype=np.float64) for year, column in config.residents.items()},
        index=range(len(layer)),
    )
    last = residents[max(config.residents)] if config.residents else pd.Series(np.nan, index=layer.index)
    people = {code: float(count) for code, count in zip(codes, last, strict=True) if not np.isnan(count)}
    outlines = polygons.sound(layer, system, codes, config, file, people)
    at = [line - 1 for line in outlines.lines]
    kept = [codes[record] for record in at]
    issues = [*outlines.issues, *check_codes(file, kept, outlines.lines, config.code, people)]
    issues += _not_people(residents, config, codes)
    if outlines.shapes is None or any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    order = np.argsort(kept)
    index = pd.Index(np.array(kept, dtype=object)[order], name="code")
    texts = {
        "name": _texts(layer[config.name].iloc[at]),
        "province": [code[:2] for code in kept],
        "province_name": _texts(layer[config.province_name].iloc[at]),
        "prefecture": [code[:4] for code in kept],
    }
    columns = {name: np.array(values, dtype=object)[order] for name, values in texts.items()}
    units = gpd.GeoDataFrame(columns, geometry=outlines.shapes[order], index=index, crs=crs.WGS84)
    known = residents.iloc[at].iloc[order].set_axis(index)
    return CensusMap(units, known, crs.name(system), len(layer), tuple(issues), outlines.rules)


def _layer(config: MapConfig) -> tuple[gpd.GeoDataFrame, pyproj.CRS]:
    """Read the layer, whether a GIS wrote it or R."""
    opening.regular_file(config.file, "[zones.polygons] file")
    if opening.kind(config.file) is not Kind.R_DATA:
        return polygons.read(config)
    opening.check_archive(config.file, "[zones.polygons] file")
    layer = simple_features.read(config.file)
    system = crs.resolve(layer, config.crs, config.file.name)
    return layer.set_crs(system, allow_override=True), system


def _texts(column: pd.Series) -> list[str]:
    return [str(value).strip() for value in column.astype(object).where(column.notna(), "")]


def _not_people(residents: pd.DataFrame, config: MapConfig, codes: list[str]) -> list[Issue]:
    """Find residents that are negative or no whole persons."""
    issues = []
    for year, column in config.residents.items():
        counts = residents[year].to_numpy()
        for row in np.flatnonzero((counts < 0) | (counts != np.floor(counts)) & ~np.isnan(counts)):
            code = "E-POP-NEG" if counts[row] < 0 else "E-POP-FRACTIONAL"
            rule, fix = f"residents of {codes[row]} in {year} are whole persons, not negative", "correct the number"
            value, line = f"{counts[row]:g}", int(row) + 1
            issues.append(error(code, config.file.name, rule=rule, fix=fix, line=line, column=column, value=value))
    return issues
