"""The census table, read and checked column by column, without the polygons."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import PanelConfig
from geo.errors import Issue
from geo.tables import text
from geo.tables.numbers import read_column
from geo.tables.table import Table

from . import definitions, published, totals
from .keys import check_codes, check_columns, normalise
from .missing import Filled, Rows
from .people import read_population, restore_whole
from .quantities import read_covariate, read_rate

_EXCEL_ERRORS = frozenset(("#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#N/A", "#NUM!", "#NULL!", "#ERROR!"))


@dataclass(frozen=True)
class Census:
    """The content of the table by zones, in the order of its rows; complete only without errors.

    Attributes:
        rows: File, lines, codes and provinces.
        texts: name, province, province_name and prefecture of each row.
        measures: lon, lat (degrees) and area_km2 where the table has them, shape (rows,) each.
        population: Whole residents by census year.
        rates: "birth" and "death", per year.
        covariates: By name.
        rules: A sentence for each declared rule that changed something.
        issues: Everything found.
        people: Residents of the last census by code, for the messages about polygons.
    """

    rows: Rows
    texts: dict[str, tuple[str, ...]]
    measures: dict[str, NDArray[np.float64]]
    population: dict[int, NDArray[np.float64]]
    rates: dict[str, Filled]
    covariates: dict[str, Filled]
    rules: tuple[str, ...]
    issues: tuple[Issue, ...]
    people: dict[str, float]


def read(table: Table, config: PanelConfig, known: Collection[str] | None = None) -> Census:
    """Read every quantity that the config names; one whose column is absent is reported and left out.

    Rows whose codes are not `known`, because they have no polygon, may be totals; None where the layer cannot be read.
    """
    issues = check_columns(table.file, table.columns, _columns(config))
    codes, rules = _codes(table, config)
    zones = totals.split(table, config, codes, known)
    table, codes = zones.table, tuple(codes[row] for row in zones.rows)
    issues += zones.issues
    texts, sentences = _texts(table, config, codes)
    rules += [*zones.rules, *sentences]

    persons, found = _count(table, config)
    issues += found
    unknown = np.full(table.rows, np.nan)
    first, last = (persons[edge(persons)] if persons else unknown for edge in (min, max))
    people = {code: count for code, count in zip(codes, last.tolist(), strict=True) if not np.isnan(count)}
    issues += _check_texts(table, config, codes, people, last)

    rows = Rows(table.file, table.lines, codes, texts["province"], first, min(config.population))
    issues += _blank_provinces(config, rows)
    measures, found = _measures(table, config, rows)
    issues += found
    for year, count in persons.items():
        declared = config.population[year]
        if declared.fractional and not np.isnan(count).any():
            persons[year], sentences, found = restore_whole(count, declared, year, table, texts["province"])
            rules += sentences
            issues += found
    have, absent = table.columns.keys(), {None}
    rates = {
        kind: read_rate(table, config, kind, rows)
        for kind, rate in (("birth", config.rates.birth), ("death", config.rates.death))
        if rate is None or {rate.column} - absent <= have
    }
    covariates = {
        name: read_covariate(table, config, name, rows)
        for name, covariate in config.covariates.items()
        if {covariate.column, covariate.per} - absent <= have
    }
    for quantity in (*rates.values(), *covariates.values()):
        rules += quantity.rules
        issues += quantity.issues
    return Census(rows, texts, measures, persons, rates, covariates, tuple(rules), tuple(issues), people)


def _count(table: Table, config: PanelConfig) -> tuple[dict[int, NDArray[np.float64]], list[Issue]]:
    """Read the residents of each census, and judge them as a whole."""
    persons: dict[int, NDArray[np.float64]] = {}
    issues = []
    for year, census in sorted(config.population.items()):
        if census.column in table.columns:
            persons[year], found = read_population(table, census)
            issues += [*found, *published.check_total(table.file, year, census, persons[year])]
    sums = {year: float(np.nansum(count)) for year, count in persons.items()}
    return persons, [*definitions.check(table.file, config.population, sums), *issues]


def _codes(table: Table, config: PanelConfig) -> tuple[tuple[str, ...], list[str]]:
    """Give the codes as text, and the sentence of `normalize_codes` where it changed something."""
    column = config.table.code
    codes = _text(table, column) or ("",) * table.rows
    if not config.table.normalize_codes:
        return codes, []
    whole, changed = normalise(codes, table.kinds.get(column, "text"))
    sentence = (
        f"codes: {changed} codes were written as decimal numbers and are read without the fraction (normalize_codes)."
    )
    return whole, [sentence] if changed else []


def _check_texts(
    table: Table, config: PanelConfig, codes: tuple[str, ...], people: dict[str, float], last: NDArray[np.float64]
) -> list[Issue]:
    """Check the codes, and the names for letters that were lost on the way."""
    options, file, lines = config.table, table.file, table.lines
    issues = []
    if options.code in table.columns:
        kind = table.kinds.get(options.code, "text")
        kind = "text" if options.normalize_codes and kind == "float" else kind
        issues += check_codes(file, codes, lines, options.code, people, digits=options.code_digits, kind=kind)
    counted = {row: count for row, count in enumerate(last.tolist()) if not np.isnan(count)}
    for column in (options.name, options.province_name):
        names = _text(table, column)
        if names is not None and column is not None:
            issues += text.check_names(file, column, names, lines, counted, table.where)
            issues += _broken_names(table, column, counted)
    return issues


def _broken_names(table: Table, column: str, people: dict[int, float]) -> list[Issue]:
    """Find cells of a workbook that show an error instead of a name, or a formula that was never calculated."""
    rule, fix = "a name, not an error or a formula without its result", "calculate and save the workbook"
    return [
        table.wrong_cell("E-NAME", row, column, rule, fix, people.get(row))
        for row, name in enumerate(table.columns[column])
        if name.startswith("=") or name in _EXCEL_ERRORS
    ]


def _columns(config: PanelConfig) -> set[str]:
    """Every column of the table that the config names."""
    options, rates = config.table, config.rates
    named = [options.code, options.name, options.province, options.province_name, options.prefecture]
    named += [options.lon, options.lat]
    sections = [options.area, rates.birth, rates.death, *config.population.values(), *config.covariates.values()]
    named += [section.column for section in sections if section is not None]
    named += [covariate.per for covariate in config.covariates.values()]
    return {column for column in named if column is not None}


def _text(table: Table, column: str | None) -> tuple[str, ...] | None:
    return table.columns.get(column) if column is not None else None


def _texts(table: Table, config: PanelConfig, codes: tuple[str, ...]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Read names and parents; without a column for them the parents are the leading digits of the code (GB/T 2260)."""
    options = config.table
    province = _text(table, options.province) or tuple(code[:2] for code in codes)
    prefecture = _text(table, options.prefecture) or tuple(code[:4] for code in codes)
    blank = sum(not text for text in prefecture)
    rule = f"prefecture: {blank} zones have none in the table and take the first four digits of their code (GB/T 2260)."
    texts = {
        "name": _text(table, options.name) or codes,
        "province": province,
        "province_name": _text(table, options.province_name) or province,
        "prefecture": tuple(text or code[:4] for text, code in zip(prefecture, codes, strict=True)),
    }
    return texts, [rule] if blank else []


def _blank_provinces(config: PanelConfig, rows: Rows) -> list[Issue]:
    rule, fix, column = "every zone belongs to a province", "write the province code", config.table.province
    blank = [row for row, province in enumerate(rows.provinces) if not province] if column is not None else []
    return [rows.issue("E-PROVINCE", row, column, "", rule, fix) for row in blank]


def _measures(table: Table, config: PanelConfig, rows: Rows) -> tuple[dict[str, NDArray[np.float64]], list[Issue]]:
    """Read position and area where the config names columns for them; named, they must be there for every zone."""
    options = config.table
    position, area = ("E-POS-RANGE", "correct the position"), options.area.column if options.area else None
    wanted = {
        "lon": (options.lon, -180.0, 180.0, "a longitude lies between -180 and 180 degrees", *position),
        "lat": (options.lat, -90.0, 90.0, "a latitude lies between -90 and 90 degrees", *position),
        "area_km2": (area, 1e-6, 2e7, "an area is positive, in km2", "E-AREA", "correct the number"),
    }
    people = [rows.residents(row) for row in range(table.rows)]
    measures, issues = {}, []
    for name, (column, least, greatest, rule, code, fix) in wanted.items():
        if column is None or column not in table.columns:
            continue
        values, found = read_column(table, column, people)
        issues += found
        wrong = table.blank(column) | (values < least) | (values > greatest)
        for row in map(int, np.flatnonzero(wrong)):
            issues.append(table.wrong_cell(code, row, column, rule, fix, people[row]))
        measures[name] = np.where(wrong, np.nan, values)
    return measures, issues
