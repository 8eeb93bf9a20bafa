"""A country of twelve squares as its raw files: a map, two year-books, the history of codes, decisions, a crosswalk.

Every rule of the harmonisation has one case in it. A place of size k has 38 k residents (`small_book`).
"""

import copy
import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from small_book import SmallBook

from geo import config as zones_config
from geo.sources.harmonised import source
from geo.sources.source import Source

PERSONS = 38
PROVINCES = {"11": "甲省", "12": "乙省"}
# Code, name, size in 2000 and 2010 on the borders of the map (None: not counted); squares from the south-west, by rows.
POLYGONS: list[tuple[str, str, int | None, int | None]] = [
    ("110101", "东区", 9, 10),
    ("110102", "西区", 11, 12),  # a third of 老区, abolished in 2014, is in it
    ("110103", "南区", 10, 11),  # 南县 until 2015
    ("110104", "北区", 7, 8),  # the rest of 老区
    ("110201", "中区", 15, 16),
    ("110221", "山县", 3, 4),
    ("110222", "水县", 6, 7),  # 水县 and 泉县 until 2012
    ("110223", "新市", None, None),  # founded in 2016, from where nobody says
    ("120101", "上区", 5, 6),
    ("120102", "下区", 7, 8),
    ("120121", "河县", 9, 10),  # passed a part to 湖县 in 2013
    ("120122", "湖县", 4, 5),
]
# Name, code ("" if none), size.
BOOKS: dict[int, list[tuple[str, str, int]]] = {
    2010: [
        ("东区", "110101", 10),
        ("西区", "110102", 10),
        ("南县", "110121", 11),
        ("老区", "110105", 10),
        ("中区", "110201", 16),
        ("山县", "110221", 4),
        ("水县", "110222", 5),
        ("泉县", "110224", 2),
        ("上区", "120101", 6),
        ("下区", "120102", 8),
        ("河县", "120121", 10),
        ("湖县", "120122", 5),
    ],
    2020: [
        ("东区", "110101", 11),
        ("西区", "110102", 12),
        ("南区", "110103", 13),
        ("北区", "110104", 9),
        ("小开发区", "", 1),
        ("中区", "110201", 15),
        ("山县", "110221", 4),
        ("水县", "110222", 8),
        ("新市", "110223", 3),
        ("中心开发区", "", 2),
        ("上区", "120101", 5),
        ("下区", "120102", 9),
        ("大开发区", "", 6),
        ("林场", "", 1),
        ("河县", "120121", 11),
        ("湖县", "120122", 6),
    ],
}
HISTORY = [
    ("110105", "老区", "1981", "2014", "110102;110104"),
    ("110121", "南县", "1981", "2015", "110103"),
    ("110224", "泉县", "1981", "2012", "110222"),
    ("120121", "河县", "1981", "", "120122[2013]"),
]
HISTORY_HEADER = ("代码", "一级行政区", "二级行政区", "名称", "级别", "状态", "启用时间", "变更/弃用时间", "新代码")
DECISIONS = [["2020", "1201:林场", "120122", "the forest lies in 湖县"]]
OF_2010 = {"year": 2010}
SECTION: dict[str, Any] = {
    "source": "harmonised",
    "polygons": {
        "file": "map.gpkg",
        "code": "code",
        "name": "name",
        "province_name": "province",
        "vintage": 2019,
        "residents": {"2000": "p2000", "2010": "p2010"},
    },
    "census": {
        str(year): {
            "file": f"census_{year}.xlsx",
            "adapter": f"china_{year}",
            "date": date(year, 11, 1),
            "definition": "resident",
        }
        for year in BOOKS
    },
    "harmonise": {"codes": "codes.csv", "decisions": "decisions.csv"},
    "rates": {"birth": {"quantity": "birth_rate", **OF_2010}, "death": {"quantity": "death_rate", **OF_2010}},
    "covariates": {
        "urban_share": {"quantity": "urban", "per": "residents", **OF_2010},
        "schooling": {"quantity": "schooling", **OF_2010},
    },
}


def squares(count: int) -> list[shapely.Polygon]:
    """Squares of one degree, four in a row, from the south-west."""
    return [shapely.box(103 + i % 4, 34 + i // 4, 104 + i % 4, 35 + i // 4) for i in range(count)]


def _map() -> gpd.GeoDataFrame:
    codes, names, first, last = zip(*POLYGONS, strict=True)
    people = {
        name: [np.nan if size is None else size * PERSONS for size in sizes]
        for name, sizes in (("p2000", first), ("p2010", last))
    }
    provinces = [PROVINCES[code[:2]] for code in codes]
    columns = {"code": codes, "name": names, "province": provinces, **people}
    return gpd.GeoDataFrame(columns, geometry=squares(len(codes)), crs="EPSG:4326")


def _with_totals(places: list[tuple[str, str, int]], year: int) -> list[tuple[str, str, int | None]]:
    """Put the rows of nation, provinces and prefectures above their places, as the year-book has them.

    A place without a code stands below the last place with one, and belongs to its prefecture.
    """
    parents, at = [], ""
    for _, code, _ in places:
        at = code[:4] or at
        parents.append(at)
    sizes = [size for _, _, size in places]

    def total(prefix: str) -> int:
        return sum(size for parent, size in zip(parents, sizes, strict=True) if parent.startswith(prefix))

    rows: list[tuple[str, str, int | None]] = [("全国", "NA", sum(sizes))] if year == 2020 else []
    seen: set[str] = set()
    for place, parent in zip(places, parents, strict=True):
        for prefix, name in ((parent[:2], PROVINCES[parent[:2]]), (parent, f"{parent}市")):
            if prefix not in seen:
                seen.add(prefix)
                rows.append((name, prefix.ljust(6, "0"), total(prefix)))
        rows.append((place[0], place[1] or ("NA" if year == 2020 else ""), place[2]))
    return rows


@dataclass
class SmallCountry:
    """A country that a test bends before it is written."""

    folder: Path
    polygons: gpd.GeoDataFrame = field(default_factory=_map)
    books: dict[int, list[tuple[str, str, int]]] = field(default_factory=lambda: copy.deepcopy(BOOKS))
    bent: dict[int, dict[tuple[str, str], object]] = field(default_factory=lambda: {2010: {}, 2020: {}})
    history: list[tuple[str, ...]] = field(default_factory=lambda: list(HISTORY))
    decisions: list[list[str]] = field(default_factory=lambda: copy.deepcopy(DECISIONS))
    section: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(SECTION))

    def rows(self, year: int) -> list[tuple[str, str, int | None]]:
        """Rows of a year-book, totals among them; the first stands in row 2 of the sheet."""
        return _with_totals(self.books[year], year)

    def line(self, year: int, name: str) -> int:
        """Row of the sheet in which a place stands."""
        return next(at for at, row in enumerate(self.rows(year), start=2) if row[0] == name)

    def write(self) -> dict[str, Any]:
        """Write every file; give the [zones] section."""
        self.polygons.to_file(self.folder / "map.gpkg", layer="map", driver="GPKG")
        for year in self.books:
            book = SmallBook(self.folder, year, self.rows(year), bent=self.bent[year])
            book.write().file.rename(self.folder / f"census_{year}.xlsx")
        self.table("decisions.csv", ("year", "from", "to", "reason"), self.decisions)
        codes = [(code, "", "", name, "县级", "", start, end, after) for code, name, start, end, after in self.history]
        self.table("codes.csv", HISTORY_HEADER, codes)
        return self.section

    def table(self, name: str, header: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
        """Write a table of text."""
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    def build(self) -> Source:
        """Write every file, and build the zones in this process."""
        config = zones_config.parse(self.write(), self.folder)
        assert isinstance(config, zones_config.HarmonisedConfig)
        return source.build(config)

    def people(self, year: int) -> int:
        """Residents of a census."""
        return PERSONS * sum(size for _, _, size in self.books[year])
