"""One year-book from workbook to `CensusTable`: columns by their headers, corrections, numbers, places, checks."""

import dataclasses
import hashlib
import re
from collections import Counter

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geo.checks.keys import check_columns
from geo.config import FileConfig
from geo.config.yearbook import YearbookConfig
from geo.errors import DataError, Issue, error
from geo.tables import table as tables
from geo.tables.numbers import read_column
from geo.tables.table import Table

from . import checks, china_2010, china_2020, closing, corrections, derived, hierarchy
from .corrections import Correction
from .hierarchy import Hierarchy
from .identities import Values
from .quantities import DIMENSIONS, QUANTITIES
from .table import CensusTable, YearBook

ADAPTERS = {"china_2010": china_2010.BOOK, "china_2020": china_2020.BOOK}
"""Every reader of a year-book that `[zones.census.YEAR] adapter` can name."""
_SPACE = re.compile(r"\s+")
_CORRECTED = ["line", "key", "column", "found", "used", "reason"]


def read(config: YearbookConfig, year: int) -> CensusTable:
    """Read one year-book and check everything that is kept of it.

    Args:
        config: Workbook, adapter and corrections.
        year: Year of the census, which must be the adapter's.

    Returns:
        The places with their numbers; what was found is in `issues`.

    Raises:
        DataError: What `geo.tables.table.read` raises; E-ADAPTER, E-YEAR, E-COL-MISSING, E-COL-DUP, E-CORRECTION,
            E-NUM, E-NUM-INF and the errors of `checks.check`, all of them together.
    """
    book = ADAPTERS.get(config.adapter)
    if book is None:
        rule, fix = "the name of a reader of year-books", f"choose among {', '.join(ADAPTERS)}"
        raise DataError([error("E-ADAPTER", config.file.name, value=config.adapter, rule=rule, fix=fix)])
    if book.year != year:
        rule, fix = f"the adapter {config.adapter} reads the census of {book.year}", f"name the adapter of {year}"
        raise DataError([error("E-YEAR", config.file.name, value=str(year), rule=rule, fix=fix)])
    source = FileConfig.model_validate({"file": config.file, "missing_values": sorted(book.missing)})
    table = _clean_headers(tables.read(source, f"[zones.census.{year}]"), book)
    table, misprints, issues = _correct(table, config)
    values, found = _read_columns(table, book)
    issues += found
    codes = ["" if code in book.missing else code for code in table.columns[book.code]]
    tree = hierarchy.build(book, table.columns[book.name], codes, values["residents"][()])
    closed, rules = closing.close(book, tree, values)
    issues += checks.check(checks.Book(table, book, tree, closed), config.published)
    _raise_errors(issues)
    return CensusTable(
        year=year,
        file=table.file,
        sha256=hashlib.sha256(config.file.read_bytes()).hexdigest(),
        places=_places(table, book, tree, values["residents"][()]),
        quantities=derived.add(_dataset(tree, closed, book), book),
        issues=tuple(issues),
        rules=(*_sentences(misprints, table.file), *rules),
        corrections=_corrections_table(table, book, tree, misprints),
    )


def _raise_errors(issues: list[Issue]) -> None:
    if any(issue.severity == "error" for issue in issues):
        raise DataError(issues)


def _clean_headers(table: Table, book: YearBook) -> Table:
    """Take spaces and line breaks out of the headers, and out what is no row; all columns needed must be there."""
    names = [_SPACE.sub("", name) for name in table.columns]
    twice = [name for name, times in Counter(names).items() if times > 1]
    rule, fix = "no other column has this header but for spaces and line breaks", "rename all but one"
    issues = [error("E-COL-DUP", table.file, column=name, value=name, rule=rule, fix=fix) for name in twice]
    wanted = [book.name, book.code, *(header for cells in book.columns.values() for header in cells.values())]
    issues += check_columns(table.file, names, wanted)
    _raise_errors(issues)
    cleaned = dataclasses.replace(table, columns=dict(zip(names, table.columns.values(), strict=True)))
    return cleaned.only([row for row, name in enumerate(cleaned.columns[book.name]) if name not in book.ignored_rows])


def _correct(table: Table, config: YearbookConfig) -> tuple[Table, list[Correction], list[Issue]]:
    """Correct the misprints that the config's table of corrections names; one that does not fit stops the reading."""
    if config.corrections is None:
        return table, [], []
    name = config.corrections.name
    misprints = corrections.read(config.corrections, table.file)
    table, issues = corrections.apply(table, misprints, name)
    _raise_errors(issues)
    if not misprints:
        rule, fix = f"no line of it is about {table.file}", "correct the column file, or leave corrections out"
        issues.append(Issue("W-CORRECTION", "warning", name, None, "file", table.file, rule, fix, None))
    return table, misprints, issues


def _read_columns(table: Table, book: YearBook) -> tuple[Values, list[Issue]]:
    """Read every column that is kept; shape (rows,) each, in the units of `QUANTITIES`."""
    residents, issues = read_column(table, book.columns["residents"][()])
    people = [None if np.isnan(count) else count for count in residents.tolist()]
    values: Values = {"residents": {(): residents}}
    for name, cells in book.columns.items():
        if name == "residents":
            continue
        values[name] = {}
        for category, header in cells.items():
            values[name][category], found = read_column(table, header, people)
            issues += found
    return values, issues


def _places(table: Table, book: YearBook, tree: Hierarchy, residents: NDArray[np.float64]) -> pd.DataFrame:
    names = table.columns[book.name]
    columns = {
        "code": tree.codes,
        "name": [names[row] for row in tree.leaves],
        "province": tree.provinces,
        "prefecture": tree.prefectures,
        "line": np.array([table.lines[row] for row in tree.leaves], dtype=np.int64),
        "people": residents[tree.leaves].astype(np.int64),
    }
    return pd.DataFrame(columns, index=pd.Index(tree.keys, name="key"))


def _dataset(tree: Hierarchy, values: Values, book: YearBook) -> xr.Dataset:
    """Lay the categories of each quantity out along its dimensions; those that the book does not have are missing."""
    variables = {}
    for name, cells in values.items():
        quantity = QUANTITIES[name]
        array = np.full((*(len(DIMENSIONS[dim]) for dim in quantity.dims), len(tree.leaves)), np.nan)
        for category, numbers in cells.items():
            at = tuple(DIMENSIONS[dim].index(label) for dim, label in zip(quantity.dims, category, strict=True))
            array[at] = numbers[tree.leaves] * book.scale.get(name, 1.0)
        attributes = {"units": quantity.units, "long_name": quantity.long_name}
        attributes |= {"definition": quantity.definition[book.year]} if book.year in quantity.definition else {}
        variables[name] = (("row", *quantity.dims), np.moveaxis(array, -1, 0), attributes)
    labels = {dim: np.array(categories) for dim, categories in DIMENSIONS.items()}
    return xr.Dataset(variables, coords={"row": np.array(tree.keys), **labels})


def _corrections_table(table: Table, book: YearBook, tree: Hierarchy, misprints: list[Correction]) -> pd.DataFrame:
    """List the corrections with the key of the place, or the name of the total, that each stands in."""
    keys = dict(zip(table.lines, table.columns[book.name], strict=True))
    keys |= {table.lines[row]: key for row, key in zip(tree.leaves, tree.keys, strict=True)}
    rows = [(each.line, keys[each.line], each.column, each.found, each.use, each.reason) for each in misprints]
    return pd.DataFrame(rows, columns=_CORRECTED)


def _sentences(misprints: list[Correction], file: str) -> list[str]:
    if not misprints:
        return []
    unknown = sum(not each.use for each in misprints)
    return [f"{file}: misprints corrected: {len(misprints)}, of them to a missing cell: {unknown} (corrections)."]
