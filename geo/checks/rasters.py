"""Rasters as covariates and positions of zones: the sums of `geo.raster`, compared with the census."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.config import GridPopulationConfig, HarmonisedConfig, PanelConfig, RasterConfig
from geo.errors import Issue, error

from . import positions
from .missing import Filled, Rows, fill

if TYPE_CHECKING:
    from geo.raster.covariates import Summary, ZoneSums

# Where data cover less of a zone than this, a warning says so.
_LITTLE = 0.5


@dataclass(frozen=True)
class Gridded:
    """What rasters add to the zones.

    Attributes:
        covariates: One column a covariate, index the zone codes.
        imputed: Zones where a declared rule filled one of them, by code.
        positions: Columns lon and lat in degrees, of the zones that a raster places; index their codes.
        attributes: units, long_name and source of what is added.
        inputs: Files read, as in `Source`.
        rules: As in `Source`.
        issues: Everything found.
    """

    covariates: pd.DataFrame
    imputed: frozenset[str]
    positions: pd.DataFrame
    attributes: dict[str, dict[str, str]]
    inputs: tuple[dict[str, object], ...]
    rules: tuple[str, ...]
    issues: tuple[Issue, ...]


_NOTHING = Gridded(
    covariates=pd.DataFrame(),
    imputed=frozenset(),
    positions=pd.DataFrame(columns=["lon", "lat"], dtype=np.float64),
    attributes={},
    inputs=(),
    rules=(),
    issues=(),
)


def read(
    config: PanelConfig | HarmonisedConfig,
    rows: Rows | None,
    population: Mapping[int, NDArray[np.float64]],
    codes: Sequence[str],
    shapes: NDArray[np.object_] | None,
) -> Gridded:
    """Read the rasters of a config as far as table and polygons allow; the files themselves are always judged.

    Args:
        config: The section, with its rasters and the one that places zones.
        rows: The zones that were counted, None where they could not be read.
        population: Their residents by census, shape (rows,) each, NaN where unknown.
        codes: Code of each polygon.
        shapes: Polygons in degrees, shape (zones,); None where they could not be read or are not sound.
    """
    if not config.rasters:
        return _NOTHING
    from geo.raster import covariates  # loads GDAL, which a panel without rasters does not need

    summary = covariates.summarise(config.rasters, config.position.raster if config.position else None, shapes)
    found = dataclasses.replace(
        _NOTHING,
        inputs=tuple({raster.path: raster.as_input() for raster in summary.rasters.values()}.values()),
        issues=summary.issues,
    )
    if rows is None or shapes is None or sorted(rows.codes) != sorted(codes) or len(set(codes)) != len(codes):
        return found
    at = {code: zone for zone, code in enumerate(codes)}
    order = np.array([at[code] for code in rows.codes], dtype=np.int64)
    return _judged(config, rows, population, summary, order, found)


def _judged(
    config: PanelConfig | HarmonisedConfig,
    rows: Rows,
    population: Mapping[int, NDArray[np.float64]],
    summary: Summary,
    order: NDArray[np.int64],
    found: Gridded,
) -> Gridded:
    """Make covariates and positions of the sums, zone by zone in the order of the table."""
    issues = list(summary.issues)
    filled: dict[str, Filled] = {}
    attributes = {}
    for name, sums in summary.sums.items():
        raster = config.rasters[name]
        by_row = type(sums)(*(part[order] for part in sums))
        if raster.people and raster.people in population:
            issues += _against_census(name, raster, by_row, rows, population[raster.people])
        if raster.statistic is not None:
            filled[name] = _finished(name, raster, by_row, rows)
            issues += [*_thin(name, raster, by_row, rows), *filled[name].issues]
            attributes[name] = _describe(name, raster)
    placed, more, rules = _placed(config, rows, summary, order)
    if config.position is not None and not placed.empty:
        source = {"source": f"{config.rasters[config.position.raster].file.name}, mean place"}
        attributes |= {"lon": source, "lat": source}
    imputed = np.any([np.zeros(len(rows.codes), bool), *(quantity.imputed for quantity in filled.values())], axis=0)
    return dataclasses.replace(
        found,
        covariates=pd.DataFrame({name: quantity.values for name, quantity in filled.items()}, index=list(rows.codes)),
        imputed=frozenset(code for code, is_filled in zip(rows.codes, imputed, strict=True) if is_filled),
        positions=placed,
        attributes=attributes,
        rules=(*(rule for quantity in filled.values() for rule in quantity.rules), *rules),
        issues=(*issues, *more),
    )


def _finished(name: str, raster: RasterConfig, sums: ZoneSums, rows: Rows) -> Filled:
    """Make the covariate; zones without a cell with data are blank, and filled only by a declared rule."""
    if raster.statistic == "coverage":
        return Filled(sums.covered_km2 / sums.area_km2, np.zeros(sums.area_km2.size, bool))
    part, whole = (sums.weighted, sums.weight) if raster.weight is not None else (sums.amount, sums.covered_km2)
    blank = ~(whole > 0)
    values = part if raster.statistic == "sum" else part / np.where(blank, np.nan, whole)
    values = np.where(blank, np.nan, values)
    return fill(values, blank, raster.missing, name=name, column=_column(name, raster), rows=rows)


def _column(name: str, raster: RasterConfig) -> str:
    """Name the place a covariate comes from; the line of an issue is the zone's in the table."""
    return f"{name} ({raster.file.name})"


def _thin(name: str, raster: RasterConfig, sums: ZoneSums, rows: Rows) -> list[Issue]:
    """Warn of zones of which less than half is covered by data (W-RASTER-COVERAGE)."""
    if raster.statistic == "coverage":
        return []
    share, column = sums.covered_km2 / sums.area_km2, _column(name, raster)
    rule = f"less than {_LITTLE:.0%} of the zone lies under cells with data"
    fix = "none needed if the rest is water; else use a raster that covers it"
    thin = np.flatnonzero((share > 0) & (share < _LITTLE)).tolist()
    return [rows.issue("W-RASTER-COVERAGE", row, column, f"{share[row]:.3f}", rule, fix) for row in thin]


def _against_census(
    name: str, raster: RasterConfig, sums: ZoneSums, rows: Rows, census: NDArray[np.float64]
) -> list[Issue]:
    """Compare the people of a raster with a census: all of them (E-RASTER-TOTAL), and zone by zone for none at all."""
    year = int(raster.people or 0)
    if np.isnan(census).any():
        return []
    total, expected = float(sums.amount.sum()), float(census.sum())
    if not abs(total - expected) <= raster.total_within * expected:
        return [off_total(name, raster, year, total, expected, float(sums.other_quantity.sum()))]
    column, rule = _column(name, raster), f"the zone has residents in {year}, but the cells of {name} have none there"
    fix = 'a cut file has zeros at its end: get it again; or zero_is = "missing" with a rule for what is missing'
    nobody = np.flatnonzero((census > 0) & (sums.covered_km2 > 0) & ~(sums.amount > 0)).tolist()
    counted = dataclasses.replace(rows, people=census)
    return [counted.issue("E-RASTER-EMPTY", row, column, "0", rule, fix) for row in nobody]


def off_total(
    name: str,
    raster: RasterConfig | GridPopulationConfig,
    year: int,
    total: float,
    expected: float,
    otherwise: float,
) -> Issue:
    """Say how far the total is off (E-RASTER-TOTAL), and whether the other reading of the cells would agree."""
    other = "density" if raster.quantity == "count" else "count"
    rule = (
        f"{name} read as a {raster.quantity} holds {total:,.0f} people in the zones, {total / expected:.4g} times the "
        f"{expected:,.0f} of the census of {year}; {raster.total_within:.0%} are allowed"
    )
    if abs(otherwise - expected) <= raster.total_within * expected:
        fix = f'the cells look like people per {"km2" if other == "density" else "cell"}: quantity = "{other}"'
    else:
        fix = (
            f"check unit, year and extent; as a {other} it would hold {otherwise:,.0f}; a cell of 1 km holds a hundred "
            "of 100 m; or allow more by total_within"
        )
    value, people = f"{total:.0f}", abs(total - expected)
    return error("E-RASTER-TOTAL", raster.file.name, value=value, rule=rule, fix=fix, people=people)


def _placed(
    config: PanelConfig | HarmonisedConfig, rows: Rows, summary: Summary, order: NDArray[np.int64]
) -> tuple[pd.DataFrame, list[Issue], list[str]]:
    """Give the positions of the zones with weight; the others keep a point inside their polygon, with a warning."""
    if config.position is None or summary.position is None:
        return _NOTHING.positions, [], []
    name = config.position.raster
    column = _column(name, config.rasters[name])
    lon, lat = summary.position[:, order]
    missing = np.flatnonzero(np.isnan(lon)).tolist()
    rule, fix = f"{name} holds nothing in the zone; its position is a point inside its polygon", "none needed"
    issues = [rows.issue("W-POS-WEIGHT", row, column, "", rule, fix) for row in missing]
    issues += positions.check_apart(lon, lat, column, rows)
    placed = pd.DataFrame({"lon": lon, "lat": lat}, index=list(rows.codes)).dropna()
    rules = [f"position: {len(missing)} zones hold nothing of {name}; their position is a point inside their polygon."]
    return placed, issues, rules if missing else []


def _describe(name: str, raster: RasterConfig) -> dict[str, str]:
    how = f"{raster.statistic} of {raster.quantity}" + (f" weighted by {raster.weight}" if raster.weight else "")
    return {
        "units": raster.unit or "1",
        "long_name": raster.long_name or name.replace("_", " "),
        "source": f"{raster.file.name}, band {raster.band or 1}, {how} over exact shares of cells",
    }
