"""The map of census units: polygons of one time, their names, and the residents that the layer has."""

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from geo import opening
from geo.checks.keys import check_codes, check_columns
from geo.config import MapConfig
from geo.coordinates import crs
from geo.errors import DataError, Issue, error
from geo.layers import polygons, simple_features
from geo.opening import Kind
from geo.tables import cells, numbers, text
from geo.tables.table import Table

_WHERE = "[zones.polygons]"
_MEND = "write the number alone in a column of numbers, or leave the cell blank where it is unknown"


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

    @property
    def last_residents(self) -> pd.Series:
        """Residents by unit of the last census that the layer has; NaN where there is none."""
        years = self.residents.columns
        return self.residents[max(years)] if len(years) else pd.Series(np.nan, index=self.units.index)


def read(config: MapConfig) -> CensusMap:
    """Read and check the polygons.

    Raises:
        DataError: What `geo.layers.polygons` finds; E-COL-MISSING, E-CODE-*, E-ENC-MOJIBAKE, E-NUM, E-NUM-INF,
            E-POP-NEG, E-POP-FRACTIONAL.
    """
    layer, system = _layer(config)
    file = config.file.name
    wanted = {config.code, config.name, config.province_name, *config.residents.values()}
    issues = check_columns(file, layer.columns, wanted)
    if issues:
        raise DataError(issues)
    codes = _texts(layer[config.code])
    residents, wrong = _residents(layer, config)
    last = residents[max(config.residents)] if config.residents else np.full(len(codes), np.nan)
    people = {code: float(count) for code, count in zip(codes, last, strict=True) if not np.isnan(count)}
    outlines = polygons.sound(layer, system, codes, config, file, people)
    at = [line - 1 for line in outlines.lines]
    kept = [codes[record] for record in at]
    issues = [*outlines.issues, *check_codes(file, kept, outlines.lines, config.code, people)]
    issues += [*wrong, *_not_people(residents, config, codes)]
    names, provinces = (_texts(layer[column].iloc[at]) for column in (config.name, config.province_name))
    counted = {row: people[code] for row, code in enumerate(kept) if code in people}
    for column, texts in ((config.name, names), (config.province_name, provinces)):
        issues += text.check_names(file, column, texts, outlines.lines, counted, _WHERE)
    if outlines.shapes is None or any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    order = np.argsort(kept)
    index = pd.Index(np.array(kept, dtype=object)[order], name="code")
    parents, prefectures = ([code[:digits] for code in kept] for digits in (2, 4))
    described = {"name": names, "province": parents, "province_name": provinces, "prefecture": prefectures}
    columns = {name: np.array(values, dtype=object)[order] for name, values in described.items()}
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
    system = crs.resolve(layer.crs, config.crs, config.file.name)
    return layer.set_crs(system, allow_override=True), system


def _texts(column: pd.Series) -> list[str]:
    return [str(value).strip() for value in column.astype(object).where(column.notna(), "")]


def _residents(layer: gpd.GeoDataFrame, config: MapConfig) -> tuple[pd.DataFrame, list[Issue]]:
    """Read the residents as strictly as those of a table: a text may be a number, but a date or a mark may not."""
    columns = {column: _cells(layer[column]) for column in config.residents.values()}
    table = Table(config.file.name, columns, tuple(range(1, len(layer) + 1)), where=_WHERE)
    counts, issues = {}, []
    for year, column in config.residents.items():
        counts[year], found = numbers.read_column(table, column)
        # A layer declares neither separators nor texts for unknown numbers, as a table can.
        issues += [dataclasses.replace(one, fix=_MEND) if one.code == "E-NUM" else one for one in found]
    return pd.DataFrame(counts, index=range(len(layer))), issues


def _cells(column: pd.Series) -> tuple[str, ...]:
    """Write a column of any kind as text, "" where it has nothing."""
    known = column.astype(object).where(column.notna(), None)
    return tuple(cells.text(value.item() if isinstance(value, np.generic) else value) for value in known)


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
