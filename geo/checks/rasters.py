"""Rasters as covariates and positions of zones: what `geo.raster` summed, judged by the census and put beside it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.config import GridPopulationConfig, RasterConfig
from geo.coordinates import crs
from geo.errors import Issue, error

from . import positions
from .missing import Filled, fill
from .needs import Asked, Counted, Drawn

if TYPE_CHECKING:
    from geo.raster.covariates import Summary, ZoneSums

# Where data cover less of a zone than this, its sum or mean stands for the smaller part of it.
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


def read(config: Asked, counted: Counted | None, layer: Drawn | None) -> Gridded:
    """Read the rasters of a config as far as table and polygons allow; the files themselves are always judged.

    Args:
        config: The section.
        counted: Zones and their residents, None where they could not be read.
        layer: The polygons, None where they could not be read.
    """
    if not config.rasters:
        return _NOTHING
    from geo.raster import covariates  # loads GDAL, which a panel without rasters does not need

    position = config.position.raster if config.position else None
    shapes = layer.shapes if layer is not None else None
    summary = covariates.summarise(config.rasters, position, shapes)
    found = dataclasses.replace(_NOTHING, inputs=_inputs(summary), issues=summary.issues)
    if counted is None or layer is None or shapes is None:
        return found
    rows = list(counted.rows.codes)
    if sorted(rows) != sorted(layer.codes) or len(set(rows)) != len(rows):
        return found
    at = {code: zone for zone, code in enumerate(layer.codes)}
    return _judged(config, counted, summary, np.array([at[code] for code in rows], dtype=np.int64), found)


def _judged(config: Asked, counted: Counted, summary: Summary, order: NDArray[np.int64], found: Gridded) -> Gridded:
    """Finish what was summed, zone by zone in the order of the table."""
    issues = list(summary.issues)
    filled: dict[str, Filled] = {}
    attributes = {}
    for name, sums in summary.sums.items():
        raster, by_row = config.rasters[name], _reordered(sums, order)
        if raster.people and raster.people in counted.population:
            issues += _against_census(name, raster, by_row, counted)
        if raster.statistic is not None:
            filled[name] = _finished(name, raster, by_row, counted)
            issues += [*_thin(name, raster, by_row, counted), *filled[name].issues]
            attributes[name] = _describe(name, raster)
    placed, more, rules = _placed(config, counted, summary, order)
    if not placed.empty:
        source = f"{config.rasters[config.position.raster].file.name}, mean place" if config.position else ""
        attributes |= {"lon": {"source": source}, "lat": {"source": source}}
    codes = list(counted.rows.codes)
    imputed = (
        np.any([quantity.imputed for quantity in filled.values()], axis=0) if filled else np.zeros(len(codes), bool)
    )
    return dataclasses.replace(
        found,
        covariates=pd.DataFrame({name: quantity.values for name, quantity in filled.items()}, index=codes),
        imputed=frozenset(code for code, is_filled in zip(codes, imputed, strict=True) if is_filled),
        positions=placed,
        attributes=attributes,
        rules=(*(rule for quantity in filled.values() for rule in quantity.rules), *rules),
        issues=(*issues, *more),
    )


def _reordered(sums: ZoneSums, order: NDArray[np.int64]) -> ZoneSums:
    return dataclasses.replace(
        sums, **{part.name: getattr(sums, part.name)[order] for part in dataclasses.fields(sums)}
    )


def _finished(name: str, raster: RasterConfig, sums: ZoneSums, counted: Counted) -> Filled:
    """Make the covariate; zones without a cell that says anything are blank, and filled only by a declared rule."""
    if raster.statistic == "coverage":
        return Filled(sums.covered_km2 / sums.area_km2, np.zeros(sums.area_km2.size, bool), (), ())
    part, whole = (sums.weighted, sums.weight) if raster.weight is not None else (sums.amount, sums.covered_km2)
    blank = ~(whole > 0)
    values = part if raster.statistic == "sum" else part / np.where(blank, np.nan, whole)
    values = np.where(blank, np.nan, values)
    return fill(values, blank, raster.missing, name=name, column=_column(name, raster), rows=counted.rows)


def _column(name: str, raster: RasterConfig) -> str:
    """Name the place a covariate comes from; the line of an issue is the zone's in the table."""
    return f"{name} ({raster.file.name})"


def _thin(name: str, raster: RasterConfig, sums: ZoneSums, counted: Counted) -> list[Issue]:
    """Warn of zones that data cover only in the smaller part (W-RASTER-COVERAGE)."""
    share = sums.covered_km2 / sums.area_km2
    rows = counted.rows
    rule = f"less than {_LITTLE:.0%} of the zone lies under cells with data"
    fix = "none needed if the rest is water; else use a raster that covers it"
    return [
        Issue(
            "W-RASTER-COVERAGE",
            "warning",
            rows.file,
            rows.lines[row],
            _column(name, raster),
            f"{share[row]:.3f}",
            rule,
            fix,
            rows.residents(row),
        )
        for row in map(int, np.flatnonzero((share > 0) & (share < _LITTLE)))
        if raster.statistic != "coverage"
    ]


def _against_census(name: str, raster: RasterConfig, sums: ZoneSums, counted: Counted) -> list[Issue]:
    """Compare the people of a raster with a census: all of them (E-RASTER-TOTAL), and zone by zone for none at all."""
    year = int(raster.people or 0)
    census = counted.population[year]
    if np.isnan(census).any():
        return []
    total, expected = float(sums.amount.sum()), float(census.sum())
    if not abs(total - expected) <= raster.total_within * expected:
        return [off_total(name, raster, year, total, expected, float(sums.other_quantity.sum()))]
    rows = counted.rows
    rule = f"the zone has residents in {year}, and the cells of {name} hold nobody there"
    fix = 'a cut file has zeros at its end: get it again; or zero_is = "missing" with a rule for what is missing'
    nobody = (census > 0) & (sums.covered_km2 > 0) & ~(sums.amount > 0)
    return [
        error(
            "E-RASTER-EMPTY",
            rows.file,
            line=rows.lines[row],
            column=_column(name, raster),
            value="0",
            rule=rule,
            fix=fix,
            people=float(census[row]),
        )
        for row in map(int, np.flatnonzero(nobody))
    ]


def off_total(
    name: str,
    raster: RasterConfig | GridPopulationConfig,
    year: int,
    total: float,
    expected: float,
    otherwise: float,
) -> Issue:
    """Say how far the total is off (E-RASTER-TOTAL), and whether the other reading of the cells would agree.

    Args:
        name: Of the raster.
        raster: What the config says of it, a count or a density of people.
        year: Of the census.
        total: People of the raster in the zones.
        expected: People of the census.
        otherwise: People of the raster if the count were a density, or the density a count.
    """
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
    config: Asked, counted: Counted, summary: Summary, order: NDArray[np.int64]
) -> tuple[pd.DataFrame, list[Issue], list[str]]:
    """Give the positions of the zones with weight; the others keep a point inside their polygon, with a warning."""
    if config.position is None or summary.position is None:
        return pd.DataFrame(columns=["lon", "lat"], dtype=np.float64), [], []
    name, rows = config.position.raster, counted.rows
    column = _column(name, config.rasters[name])
    lon, lat = (degrees[order] for degrees in summary.position.degrees())
    issues: list[Issue] = []
    missing = list(map(int, np.flatnonzero(np.isnan(lon))))
    for row in missing:
        rule, fix = f"{name} holds nothing in the zone; it stands at a point inside its polygon", "none needed"
        place = (rows.file, rows.lines[row], column, "", rule, fix, rows.residents(row))
        issues.append(Issue("W-POS-WEIGHT", "warning", *place))
    issues += positions.check_apart(lon, lat, column, rows)
    placed = pd.DataFrame({"lon": lon, "lat": lat}, index=list(rows.codes)).dropna()
    rules = [f"position: {len(missing)} zones hold nothing of {name} and stand at a point inside their polygon."]
    return placed, issues, rules if missing else []


def _describe(name: str, raster: RasterConfig) -> dict[str, str]:
    how = f"{raster.statistic} of {raster.quantity}" + (f" weighted by {raster.weight}" if raster.weight else "")
    return {
        "units": raster.unit or "1",
        "long_name": raster.long_name or name.replace("_", " "),
        "source": f"{raster.file.name}, band {raster.band or 1}, {how} over exact shares of cells",
    }


def _inputs(summary: Summary) -> tuple[dict[str, object], ...]:
    """Name each file once, however many of its bands are used."""
    files = {raster.path: raster for raster in summary.rasters.values()}
    return tuple(
        {
            "file": raster.path.name,
            "sha256": raster.sha256,
            "rows": raster.cells.shape_yx[0],
            "crs": crs.name(raster.cells.crs),
        }
        for raster in files.values()
    )
