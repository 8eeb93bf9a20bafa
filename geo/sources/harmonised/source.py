"""The harmonised source: raw files of several censuses and a map, made zones that are the same in every census."""

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.checks import rasters
from geo.checks.missing import Rows
from geo.checks.rasters import Gridded
from geo.config import OF_MAP, HarmonisedConfig
from geo.errors import DataError
from geo.sources.source import ZONE_COLUMNS, Source

from . import account, audit, carried, crosswalk, decisions, derived, files, labels, places, units
from .files import Files
from .links import Census
from .units import Harmonised, Rules


def build(config: HarmonisedConfig) -> Source:
    """Read, check and harmonise the raw files.

    Returns:
        Zones that are the same in every census, sorted by code, with crosswalk, audit and account of the unallocated.

    Raises:
        DataError: Once, with every error of all files; then with every error of combining them.
    """
    read = files.read(config)
    on_map, names = read.map, labels.file_names(config)
    censuses = [Census(year, book.file, book.places) for year, book in sorted(read.books.items())]
    harmonised = _harmonised(config, read, censuses)
    members = harmonised.crosswalk.members
    on_zones = carried.carry(harmonised.crosswalk, read.books, on_map.residents, pd.Index(sorted(members), name="zone"))
    population = on_zones.population
    found = crosswalk.check_residents(harmonised.crosswalk, population, on_map.units["name"], names, read.given_file)
    if found:
        raise DataError(found)
    shapes = places.outlines(on_map.units, members)
    described = places.describe(on_map.units, members, on_map.last_residents, shapes)
    provinces = described["province"].tolist()
    of_map = described.rename(columns={"area_km2": "area"})[list(OF_MAP)]
    numbers = derived.derive(config, derived.ZoneNumbers(on_zones, of_map), provinces)
    published = {year: book.published for year, book in config.census.items() if book.published}
    accounts, found = account.close({**config.published, **published}, population, names)
    gridded = _with_rasters(config, population, provinces, shapes)
    # A raster that places the zones checks their positions itself.
    last = population.iloc[:, -1]
    beside = [] if config.position else places.check(described, shapes, config.polygons.file.name, last)
    issues = (*read.warnings, *numbers.issues, *found, *gridded.issues, *beside)
    if any(issue.severity == "error" for issue in issues):
        raise DataError(issues)
    unit_names = read.unit_names(config.polygons.vintage)
    source = Source(
        zones=described.join(numbers.rates).assign(imputed=numbers.imputed)[list(ZONE_COLUMNS)],
        population=population,
        covariates=numbers.covariates,
        attributes=labels.attributes(config),
        polygons=shapes,
        inputs=files.inputs(config, read),
        rules=(*files.rules(config, read), *numbers.rules),
        issues=issues,
        synthetic=False,
        title=f"{len(shapes)} zones comparable over {', '.join(map(str, population.columns))}",
        censuses=labels.censuses(on_zones, described),
        tables={
            "crosswalk.csv": crosswalk.with_names(harmonised.crosswalk, unit_names, described["name"]),
            "audit.csv": audit.table(audit.Evidence(read, harmonised, censuses, population)),
            "unallocated.csv": accounts,
        },
    )
    return source.with_rasters(gridded)


def _harmonised(config: HarmonisedConfig, read: Files, censuses: list[Census]) -> Harmonised:
    """Apply the rules, or take the crosswalk that the config names; neither may lose people."""
    options, vintage, polygons, mapped = config.harmonise, config.polygons.vintage, read.map.units, read.map.residents
    if read.crosswalk is not None:
        result = Harmonised(read.crosswalk, (), ())
    else:
        named = {vintage: set(polygons.index)} | {census.year: set(census.rows.index) for census in censuses}
        file = options.decisions.name if options.decisions is not None else ""
        decisions.check(read.decisions, named, named[vintage], vintage, file)
        shares = options.development_zone_share, options.transfer_contrast
        result = units.harmonise(polygons, mapped, censuses, Rules(read.history, read.decisions, vintage, *shares))
    people = {int(year): mapped[year].dropna() for year in mapped.columns}
    people |= {census.year: census.rows["people"] for census in censuses}
    issues = crosswalk.check(result.crosswalk, people, polygons.index, read.given_file or "crosswalk.csv")
    if issues:
        raise DataError(issues)
    return result


def _with_rasters(
    config: HarmonisedConfig, population: pd.DataFrame, provinces: list[str], shapes: gpd.GeoDataFrame
) -> Gridded:
    """Read the rasters of the config on the zones."""
    codes = list(map(str, shapes.index))
    people = {int(year): population[year].to_numpy() for year in population.columns}
    last = max(people)
    rows = Rows(config.polygons.file.name, [None] * len(codes), codes, provinces, people[last], last)
    return rasters.read(config, rows, people, codes, np.asarray(shapes.geometry.array))
