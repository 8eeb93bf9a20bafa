"""A small year-book that a test bends before it is written: cells by name of the row and header."""

import csv
import datetime
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pytest

from geo.config import YearbookConfig
from geo.config.table import PublishedConfig
from geo.errors import DataError, Issue
from geo.sources import yearbooks
from geo.sources.yearbooks import ADAPTERS, CensusTable

# A place of size k: k people of each age and sex, hence 38 k residents, 17 k of each sex aged 6 and over.
LEVELS = {"none": 1, "primary": 5, "junior_secondary": 4, "senior_secondary": 3, "college": 2, "university": 1}
COUNTS = {"residents": 38, "residents_by_sex": 19, "residents_by_age": 1, "registered": 30, "urban": 18, "rural": 20}
COUNTS |= {"households": 10, "household_residents": 36, "in_migrants": 1, "employed": 1, "employed_total": 20}
MEANS = {"housing_area": 30.0, "nonagricultural_share": 40.0, "schooling": 8.82}
MEANS |= {"birth_rate": 10.0, "death_rate": 4.0, "natural_increase_rate": 6.0}
# Name, code, size; a row without a size is a total of what stands below it.
ROWS_2020 = [
    ("全国", "NA", 113),
    ("甲省", "110000", 56),
    ("乙市", "110100", 6),
    ("丙区", "110101", 1),
    ("丁县", "110102", 2),
    ("开发区", "NA", 3),
    ("戊市", "110200", 40),
    ("己市", "119001", 10),
    ("庚省", "120000", 57),
    ("省直辖县级行政区划", "NA", 57),
    ("辛市", "129001", 50),
    ("林区", "NA", 7),
]
ROWS_2010 = [
    ("甲省", "110000", 7),
    ("市辖区", "", 3),
    ("丙区", "110101", 1),
    ("丁区", "110102", 2),
    ("县", "", 4),
    ("戊县", "110221", 4),
    ("庚省", "120000", 9),
    ("辛市", "120100", 9),
    ("市辖区", "", 9),
    ("首发论坛：经济学家bbs.jjxj.org", "", None),
]


def _number(year: int, quantity: str, category: tuple[str, ...], k: int) -> float:
    if quantity in MEANS:
        return MEANS[quantity]
    if quantity == "education":
        six_levels = {**LEVELS, "none": 2} if year == 2010 else {**LEVELS, "preschool": 1}
        return six_levels[category[0]] * k
    return COUNTS[quantity] * k


@dataclass
class SmallBook:
    """What is written: rows, renamed headers, cells that differ, corrections, and the published total."""

    folder: Path
    year: int
    rows: list[tuple[str, str, int | None]]
    header: dict[str, str] = field(default_factory=dict)
    bent: dict[tuple[str, str], object] = field(default_factory=dict)
    corrections: list[tuple[object, ...]] = field(default_factory=list)
    published: PublishedConfig | None = None

    def line(self, name: str) -> int:
        return next(at for at, row in enumerate(self.rows, start=2) if row[0] == name)

    def write(self) -> YearbookConfig:
        book = ADAPTERS[f"china_{self.year}"]
        sheet = openpyxl.Workbook()
        page = sheet.active
        assert page is not None
        cells = [(name, category, head) for name, of in book.columns.items() for category, head in of.items()]
        heads = [book.name, book.code, *(head for _, _, head in cells)]
        page.append([self.header.get(head, head) for head in heads])
        for name, code, k in self.rows:
            numbers = [None if k is None else _number(self.year, of, category, k) for of, category, _ in cells]
            row: list[object] = [name, int(code) if code.isdecimal() else code or None, *numbers]
            page.append([self.bent.get((name, head), cell) for head, cell in zip(heads, row, strict=True)])
        sheet.save(self.folder / "book.xlsx")
        settings: dict[str, object] = {
            "file": self.folder / "book.xlsx",
            "adapter": f"china_{self.year}",
            "date": datetime.date(self.year, 11, 1),
            "definition": "resident",
            "published": self.published,
        }
        if self.corrections:
            settings["corrections"] = self.folder / "corrections.csv"
            with (self.folder / "corrections.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([yearbooks.CORRECTION_COLUMNS, *self.corrections])
        return YearbookConfig.model_validate(settings)

    def read(self) -> CensusTable:
        return yearbooks.read(self.write(), self.year)

    def errors(self) -> list[Issue]:
        with pytest.raises(DataError) as caught:
            self.read()
        return [issue for issue in caught.value.issues if issue.severity == "error"]

    def correct(self, name: str, column: str, found: object, use: object, *, file: str = "book.xlsx") -> None:
        self.corrections.append((file, self.line(name), column, found, use, "the prefecture's total leaves it"))
