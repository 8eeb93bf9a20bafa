"""The harmonised source: raw files of several censuses and a map, made zones that are the same in every census."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.checks import rasters
from geo.checks.missing import Rows
from geo.checks.rasters import Gridded
from geo.config import OF_MAP, HarmonisedConfig, PublishedConfig
from geo.errors import DataError, Issue, attempt
from geo.sources import yearbooks
from geo.sources.source import ZONE_COLUMNS, Source
from geo.sources.yearbooks import CensusTable

from . import account, audit, carried, census_map, crosswalk, decisions, derived, history, labels, places, units
from .audit import Evidence
from .census import Census
from .census_map import CensusMap
from .crosswalk import Crosswalk
from .decisions import Decision
from .history import CodeHistory
from .units import Harmonised, Rules


@dataclass(frozen=True)
class _Files:
    """Everything that was read."""

    map: CensusMap
    books: dict[int, CensusTable]
    history: CodeHistory
    decisions: tuple[Decision, ...]
    crosswalk: Crosswalk | None


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
    _check_residents(config, files, harmonised.crosswalk, on_zones.population)
    shapes = places.outlines(files.map.units, members)
    described = places.describe(files.map.units, members, _weights(files.map), shapes)
    provinces = described["province"].tolist()
    of_map = described.rename(columns={"area_km2": "area"})[list(OF_MAP)]
    derived_numbers = derived.derive(config, derived.ZoneNumbers(on_zones, of_map), provinces)
    accounts, found = account.close(_published(config), on_zones.population, labels.file_names(config))
    gridded = _with_rasters(config, on_zones.population, provinces, shapes)
    last = on_zones.population.iloc[:, -1]
    # Where a raster places the zones it judges where.
    beside = [] if config.position else places.check(described, shapes, config.polygons.file.name, last)
    issues = (*_warnings(files), *derived_numbers.issues, *found, *gridded.issues, *beside)
    if any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    source = Source(
        zones=described.join(derived_numbers.rates).assign(imputed=derived_numbers.imputed)[list(ZONE_COLUMNS)],
        population=on_zones.population,
        covariates=derived_numbers.covariates,
        attributes=labels.attributes(config),
        polygons=shapes,
        inputs=_inputs(config, files),
        rules=(*_rules(config, files), *derived_numbers.rules),
        issues=issues,
        synthetic=False,
        title=f"{len(zones)} zones comparable over {', '.join(map(str, on_zones.population.columns))}",
        censuses=labels.censuses(on_zones, described),
        tables={
            "crosswalk.csv": crosswalk.with_names(
                harmonised.crosswalk, _unit_names(files, config.polygons.vintage), described["name"]
            ),
            "audit.csv": audit.table(
                Evidence(
                    harmonised,
                    censuses,
                    files.books,
                    files.decisions,
                    files.history,
                    files.map.units,
                    files.map.residents,
                    on_zones.population,
                    _given_file(config),
                )
            ),
            "unallocated.csv": accounts,
        },
    )
    return source.with_rasters(gridded)


def _read(config: HarmonisedConfig) -> _Files:
    """Read every file, so that the errors of all of them come at once."""
    units_map, issues = attempt(lambda: census_map.read(config.polygons))
    codes, found = attempt(lambda: history.read(config.harmonise.codes))
    issues += found
    decided: tuple[Decision, ...] | None = ()
    walk: Crosswalk | None = None
    if (given_file := config.harmonise.crosswalk) is not None:
        walk, found = attempt(lambda: crosswalk.read(given_file, config.polygons.vintage))
        issues += found
    elif (file := config.harmonise.decisions) is not None:
        decided, found = attempt(lambda: decisions.read(file))
        issues += found
    books: dict[int, CensusTable] = {}
    for year, book in sorted(config.census.items()):
        table, found = attempt(partial(yearbooks.read, book, year))
        issues += found
        if table is not None:
            books[year] = table
    if units_map is not None and codes is not None and given_file is None:
        issues += history.check(codes, units_map.units.index)
    if units_map is None or codes is None or decided is None or any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    return _Files(units_map, books, codes, decided, walk)


def _harmonised(config: HarmonisedConfig, files: _Files, censuses: list[Census]) -> Harmonised:
    """Apply the rules, or take the crosswalk that the config names; either must lose nobody."""
    options, vintage = config.harmonise, config.polygons.vintage
    if files.crosswalk is not None:
        result = Harmonised(files.crosswalk, (), ())
    else:
        rules = Rules(
            files.history, files.decisions, vintage, options.development_zone_share, options.transfer_contrast
        )
        _check_decisions(config, files, censuses)
        result = units.harmonise(files.map.units, files.map.residents, censuses, rules)
    people = {census.year: census.rows["people"] for census in censuses}
    for year in set(files.map.residents.columns) - people.keys():
        people[int(year)] = files.map.residents[year].dropna()
    issues = crosswalk.check(result.crosswalk, people, files.map.units.index, _given_file(config) or "crosswalk.csv")
    if issues:
        raise DataError(issues)
    return result


def _given_file(config: HarmonisedConfig) -> str | None:
    """Give the base name of the crosswalk that the config feeds back."""
    return config.harmonise.crosswalk.name if config.harmonise.crosswalk is not None else None


def _check_residents(config: HarmonisedConfig, files: _Files, walk: Crosswalk, population: pd.DataFrame) -> None:
    """Stop at a zone without residents, whoever made it: the rules, or a crosswalk that was fed back."""
    issues = crosswalk.check_residents(
        walk, population, files.map.units["name"], labels.file_names(config), _given_file(config)
    )
    if issues:
        raise DataError(issues)


def _unit_names(files: _Files, vintage: int) -> dict[int, dict[str, str]]:
    """Name the units of every census and of the map."""
    on_map = dict(files.map.units["name"])
    mapped = dict.fromkeys([vintage, *files.map.residents.columns.astype(int)], on_map)
    return mapped | {year: dict(book.places["name"]) for year, book in files.books.items()}


def _check_decisions(config: HarmonisedConfig, files: _Files, censuses: list[Census]) -> None:
    known = set(files.map.units.index)
    named = {census.year: set(census.rows.index) for census in censuses} | {config.polygons.vintage: known}
    file = config.harmonise.decisions
    decisions.check(files.decisions, named, known, config.polygons.vintage, file.name if file is not None else "")


def _weights(units_map: CensusMap) -> pd.Series:
    """Give the residents by polygon of the last census the map knows; without any, all polygons weigh the same."""
    years = units_map.residents.columns
    return units_map.residents[max(years)] if len(years) else pd.Series(np.nan, index=units_map.units.index)


def _with_rasters(
    config: HarmonisedConfig, population: pd.DataFrame, provinces: list[str], shapes: gpd.GeoDataFrame
) -> Gridded:
    """Read the rasters of the config on the zones."""
    codes = list(map(str, shapes.index))
    people = {int(year): population[year].to_numpy() for year in population.columns}
    last = max(people)
    rows = Rows(config.polygons.file.name, [None] * len(codes), codes, provinces, people[last], last)
    return rasters.read(config, rows, people, codes, np.asarray(shapes.geometry.array))


def _published(config: HarmonisedConfig) -> dict[int, PublishedConfig]:
    return {**config.published, **{year: book.published for year, book in config.census.items() if book.published}}


def _warnings(files: _Files) -> tuple[Issue, ...]:
    return (*files.map.issues, *(issue for book in files.books.values() for issue in book.issues))


def _rules(config: HarmonisedConfig, files: _Files) -> tuple[str, ...]:
    sentences = (*files.map.rules, *(rule for book in files.books.values() for rule in book.rules))
    if files.crosswalk is None:
        return sentences
    unread = config.harmonise.decisions
    rest = "" if unread is None else f", and {unread.name} was not read"
    return (*sentences, f"zones as {_given_file(config)} has them: the rules decided nothing{rest}")


def _inputs(config: HarmonisedConfig, files: _Files) -> tuple[dict[str, object], ...]:
    """List the files that were read; decisions are not where a crosswalk was fed back."""
    options = config.harmonise
    read: list[tuple[Path, int | None, str | None]] = [
        (config.polygons.file, files.map.records, files.map.crs),
        *((book.file, len(files.books[year].places), None) for year, book in sorted(config.census.items())),
        (options.codes, len(files.history.names), None),
    ]
    decided = options.decisions if files.crosswalk is None else options.crosswalk
    extra = [decided, *(book.corrections for book in config.census.values())]
    read += [(file, None, None) for file in dict.fromkeys(extra) if file is not None]
    # Of a year-book the hash is that of the bytes that were read.
    parsed = {book.file: files.books[year].sha256 for year, book in config.census.items()}
    return tuple(
        {"file": file.name, "sha256": parsed.get(file) or _sha256(file), "rows": rows, "crs": name}
        for file, rows, name in read
    )


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
