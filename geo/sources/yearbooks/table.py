"""What every year-book has, of any country or year: what an adapter declares, and the table read by it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import pandas as pd
import xarray as xr

from geo.errors import Issue

Category = tuple[str, ...]
"""One cell of a quantity: a name for each of its dimensions, such as ("5-9", "male"); () where it has none."""


class Level(IntEnum):
    """Level of a row in the book's hierarchy; every row but the places is a total of places."""

    NATION = 0
    PROVINCE = 1
    PREFECTURE = 2
    PLACE = 3


@dataclass(frozen=True)
class YearBook:
    """What an adapter declares of one book; the reading is the same for all.

    Attributes:
        year: Year of the census.
        name: Header of the column with the name of a place.
        code: Header of the column with its code.
        level: Level of a row, from its name and code.
        repeats: Names of totals that, with no places beneath them, repeat the row above.
        missing: Texts that stand for a missing number, as a blank cell does.
        missing_means: The meaning of such a cell by the book, for the report.
        ignored_rows: Names of rows that do not belong to the table.
        columns: Header, without spaces and line breaks, of every category of every quantity that is kept.
        schooling_from: Youngest age in the printed mean years of schooling, years: 6 or 15.
        scale: What the cells of a quantity are multiplied by to have its units, where that is not 1.
        mean_tolerance: How far a printed mean may be from that of its places, where the book's weights are not kept.
    """

    year: int
    name: str
    code: str
    level: Callable[[str, str], Level]
    repeats: frozenset[str]
    missing: frozenset[str]
    missing_means: str
    ignored_rows: frozenset[str]
    columns: Mapping[str, Mapping[Category, str]]
    schooling_from: Literal[6, 15]
    scale: Mapping[str, float] = field(default_factory=dict)
    mean_tolerance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CensusTable:
    """One census as its year-book has it, checked and corrected; only places, no totals.

    Attributes:
        year: Year of the census.
        file: Base name of the workbook.
        sha256: Of the workbook.
        places: Indexed by `key`: the six-digit code, or "prefecture:name" for a place that has none. Columns code
            ("" if none), name, province (2 digits), prefecture (4 digits), line (row of the sheet), people (residents).
        quantities: Variables of `quantities.QUANTITIES` over `row` (the keys) and their own dimensions, float64, NaN
            where the book has no number or not the category.
        issues: Warnings.
        rules: A sentence for each rule that filled or changed cells.
        corrections: The corrections applied: line, key, column, found, used, reason.
    """

    year: int
    file: str
    sha256: str
    places: pd.DataFrame
    quantities: xr.Dataset
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]
    corrections: pd.DataFrame
