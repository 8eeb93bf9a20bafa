"""The harmonised source: raw files of several censuses and a map, made zones that are the same in every census."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geo import yearbooks
from geo.config import HarmonisedConfig, OfQuantity, PublishedConfig
from geo.errors import DataError, Issue
from geo.sources import rasters
from geo.sources.missing import Rows
from geo.sources.source import ZONE_COLUMNS, Source
from geo.yearbooks import CensusTable

from . import account, audit, carried, census_map, crosswalk, decisions, derived, history, places, units
from .carried import Carried
from .census_map import CensusMap
from .decisions import Decision
from .history import CodeHistory
from .units import Census, Harmonised, Rules

Read = TypeVar("Read")


@dataclass(frozen=True)
class _Files:
    """Everything that was read."""

    map: CensusMap
    books: dict[int, CensusTable]
    history: CodeHistory
    decisions: tuple[Decision, ...]


def build(config: HarmonisedConfig) -> Source:
    """Read, check and harmonise the raw files.

    Args:
        config: Files, adapters and declared rules.

    Returns:
        Zones that are the same in every census, sorted by code, with crosswalk, audit and account of the unallocated.

    Raises:
        DataError: Once, with every error of all files; then with every error of putting them together.
    """
    files = _read(config)
    censuses = [Census(year, book.file, book.places) for year, book in sorted(files.books.items())]
    harmonised = _harmonised(config, files, censuses)
    members = harmonised.crosswalk.members
    zones = pd.Index(sorted(members), name="zone")
    on_zones = carried.carry(harmonised.crosswalk, files.books, files.map.residents, zones)
    shapes = places.outlines(files.map.units, members)
    described = places.describe(files.map.units, members, _weights(files.map), shapes)
    asked = derived.derive(config, on_zones, described["province"].tolist())
    accounts, found = account.close(_published(config), on_zones.population, _file_names(config))
    gridded = rasters.read(config, *_ground(config, on_zones, described, shapes))
    issues = (*_warnings(files), *asked.issues, *found, *gridded.issues)
    if any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    source = Source(
        zones=described.join(asked.rates).assign(imputed=asked.imputed)[list(ZONE_COLUMNS)],
        population=on_zones.population,
        covariates=asked.covariates,
        attributes=_attributes(config),
        polygons=shapes,
        inputs=_inputs(config, files),
        rules=(*_rules(files), *asked.rules),
        issues=issues,
        synthetic=False,
        title=f"{len(zones)} zones comparable over {', '.join(map(str, on_zones.population.columns))}",
        censuses=_censuses(on_zones),
        tables={
            "crosswalk.csv": harmonised.crosswalk.frame,
            "audit.csv": audit.table(
                harmonised, censuses, files.books, files.decisions, files.map.units["name"], on_zones.population
            ),
            "unallocated.csv": accounts,
        },
    )
    return rasters.add(source, gridded)


def _read(config: HarmonisedConfig) -> _Files:
    """Read every file, so that the errors of all of them come at once."""
    units_map, issues = _attempt(lambda: census_map.read(config.polygons))
    codes, found = _attempt(lambda: history.read(config.harmonise.codes))
    issues += found
    decided: tuple[Decision, ...] | None = ()
    if config.harmonise.decisions is not None:
        file = config.harmonise.decisions
        decided, found = _attempt(lambda: decisions.read(file))
        issues += found
    books: dict[int, CensusTable] = {}
    for year, book in sorted(config.census.items()):
        table, found = _attempt(partial(yearbooks.read, book, year))
        issues += found
        if table is not None:
            books[year] = table
    if units_map is None or codes is None or decided is None or len(books) < len(config.census):
        raise DataError(issues)
    return _Files(units_map, books, codes, decided)


def _attempt(reading: Callable[[], Read]) -> tuple[Read | None, list[Issue]]:
    """Keep the issues of a file that cannot be read, so that the others are still judged."""
    try:
        return reading(), []
    except DataError as failure:
        return None, list(failure.issues)


def _harmonised(config: HarmonisedConfig, files: _Files, censuses: list[Census]) -> Harmonised:
    """Apply the rules, or take the crosswalk that the config names; either must lose nobody."""
    options, vintage = config.harmonise, config.polygons.vintage
    if options.crosswalk is not None:
        result = Harmonised(crosswalk.read(options.crosswalk, vintage), (), ())
        file = options.crosswalk.name
    else:
        rules = Rules(
            files.history, files.decisions, vintage, options.development_zone_share, options.transfer_contrast
        )
        _check_decisions(config, files, censuses)
        result = units.harmonise(files.map.units, files.map.residents, censuses, rules)
        file = "crosswalk.csv"
    people = {census.year: census.rows["people"] for census in censuses}
    for year in set(files.map.residents.columns) - people.keys():
        people[int(year)] = files.map.residents[year].dropna()
    issues = crosswalk.check(result.crosswalk, people, files.map.units.index, file)
    if issues:
        raise DataError(issues)
    return result


def _check_decisions(config: HarmonisedConfig, files: _Files, censuses: list[Census]) -> None:
    known = set(files.map.units.index)
    named = {census.year: set(census.rows.index) for census in censuses} | {config.polygons.vintage: known}
    file = config.harmonise.decisions
    decisions.check(files.decisions, named, known, file.name if file is not None else "")


def _weights(units_map: CensusMap) -> pd.Series:
    """Give the residents by polygon of the last census the map knows; without any, all polygons weigh the same."""
    years = units_map.residents.columns
    return units_map.residents[max(years)] if len(years) else pd.Series(np.nan, index=units_map.units.index)


@dataclass(frozen=True)
class _Counted:
    rows: Rows
    population: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True)
class _Drawn:
    codes: Sequence[str]
    shapes: NDArray[np.object_]


def _ground(
    config: HarmonisedConfig, on_zones: Carried, described: pd.DataFrame, shapes: gpd.GeoDataFrame
) -> tuple[_Counted, _Drawn]:
    """Give zones with people and polygons as rasters need them."""
    codes = list(map(str, shapes.index))
    people = {year: on_zones.population[year].to_numpy() for year in on_zones.population.columns.astype(int).tolist()}
    last = max(people)
    lines = [None] * len(codes)
    rows = Rows(config.polygons.file.name, lines, codes, described["province"].tolist(), people[last], last)
    return _Counted(rows, people), _Drawn(codes, np.asarray(shapes.geometry.array))


def _published(config: HarmonisedConfig) -> dict[int, PublishedConfig]:
    return {**config.published, **{year: book.published for year, book in config.census.items() if book.published}}


def _file_names(config: HarmonisedConfig) -> dict[int, str]:
    names = dict.fromkeys(config.polygons.residents, config.polygons.file.name)
    return names | {year: book.file.name for year, book in config.census.items()}


def _warnings(files: _Files) -> tuple[Issue, ...]:
    return (*files.map.issues, *(issue for book in files.books.values() for issue in book.issues))


def _rules(files: _Files) -> tuple[str, ...]:
    return (*files.map.rules, *(rule for book in files.books.values() for rule in book.rules))


def _inputs(config: HarmonisedConfig, files: _Files) -> tuple[dict[str, object], ...]:
    """List the files that were read."""
    options = config.harmonise
    read: list[tuple[Path, int | None, str | None]] = [
        (config.polygons.file, files.map.records, files.map.crs),
        *((book.file, len(files.books[year].places), None) for year, book in sorted(config.census.items())),
        (options.codes, len(files.history.names), None),
    ]
    extra = [options.decisions, options.crosswalk, *(book.corrections for book in config.census.values())]
    read += [(file, None, None) for file in dict.fromkeys(extra) if file is not None]
    return tuple({"file": file.name, "sha256": _sha256(file), "rows": rows, "crs": name} for file, rows, name in read)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _attributes(config: HarmonisedConfig) -> dict[str, dict[str, str]]:
    """Say where each variable of `zones.nc` comes from, and what it counts."""
    layer = config.polygons.file.name
    dates = {str(year): book.date.isoformat() for year, book in sorted(config.census.items())}
    definitions = {book.definition for book in config.census.values()}
    population = {
        "source": ", ".join(f"{year}: {name}" for year, name in sorted(_file_names(config).items())),
        "definition": ", ".join(sorted(definitions)),
        "reference_dates": json.dumps(dates),
    }
    places = dict.fromkeys(("name", "province", "province_name", "prefecture", "lon", "lat"), {"source": layer})
    rates = {"birth_rate": config.rates.birth, "death_rate": config.rates.death}
    return {
        **places,
        "area": {"source": f"{layer}, geodesic area on WGS 84"},
        "population": population,
        **{name: {"source": _told(of, config)} for name, of in rates.items()},
        **{name: _covariate(of, config) for name, of in config.covariates.items()},
    }


def _covariate(of: OfQuantity, config: HarmonisedConfig) -> dict[str, str]:
    named = {"long_name": of.long_name} if of.long_name else {}
    plain = of.per is None and of.quantity in yearbooks.QUANTITIES
    units = yearbooks.QUANTITIES[of.quantity].units if plain else "1"
    return {"units": units, "source": _told(of, config), **named}


def _told(of: OfQuantity, config: HarmonisedConfig) -> str:
    """Say in words what a number is: which quantity of which census, over what."""
    years = of.change or ((of.year,) if of.year else ())
    chosen = f" ({', '.join(of.select)})" if of.select else ""
    over = f" / {of.per}" if of.per else ""
    files = ", ".join(config.census[year].file.name for year in years)
    return f"{files}: {of.quantity}{chosen}{over}, {' to '.join(map(str, years))}"


def _censuses(on_zones: Carried) -> xr.Dataset:
    """Put the flags of the population beside what the year-books keep."""
    told = {"units": "1", "role": "census", "source": "crosswalk.csv"}
    counted = on_zones.population.notna().to_numpy().astype(np.int8)
    flags = {
        "population_counted": (
            ("zone", "year"),
            counted,
            {**told, "long_name": "1 where every part of the zone was counted; where 0, population is missing"},
        ),
        "population_divided": (
            ("zone", "year"),
            on_zones.divided.to_numpy(dtype=np.float64),
            {
                **told,
                "long_name": "share of residents from units divided between zones, their make-up taken as the unit's",
            },
        ),
    }
    # The rates stand in `zones.nc` as the model needs them, per resident; here stay the persons they make.
    kept = on_zones.quantities.drop_vars(carried.RATES, errors="ignore")
    return kept.rename({name: f"census_{name}" for name in kept.data_vars}).assign(flags)
