"""Tables bent at random: a coded error, or everybody who is written in the table stands in his zone."""

import contextlib
import copy
import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from bent_tables import BENT, HEADER, NAMES, SEPARATORS, Bent, bend
from counted_by_hand import Declared, Written
from hypothesis import example, given
from hypothesis import strategies as st
from properties import Tally, cases

from geo import config as zones_config
from geo.layers import polygons
from geo.sources import assemble

pytestmark = pytest.mark.fuzz

MISSING = ("-", "…", "NA")
YEARS = {2010: "p2010", 2020: "p2020"}
PARENTS = {"province": "prov", "province_name": "prov_name", "prefecture": "pref"}
NUMBERS = {"birth_rate": (("birth",), 1e-3), "death_rate": (("death",), 1e-3), "schooling": (("school",), 1.0)}
NUMBERS |= {"urban_share": (("urban", "p2010"), 1.0)}
KINDS = ("str", "str", "int64", "Int64", "float64", "float32")
PLACED = {"lon": (("lon",), 1.0), "lat": (("lat",), 1.0)}


@pytest.fixture
def sound(small_panel: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The nine squares, read once; the files stay where they are, for every build takes their hashes."""
    small_panel.write()
    layer: gpd.GeoDataFrame = polygons.open_layer(small_panel.parse().polygons)
    monkeypatch.setattr(polygons, "open_layer", lambda config, where: layer.copy())
    for row, name in zip(small_panel.rows, NAMES, strict=True):
        row[1] = name
    return small_panel


def declare(section: dict[str, Any], options: frozenset[str]) -> Declared:
    """Write the options into a section."""
    table = section["table"]
    marks = [mark for name, mark in SEPARATORS.items() if name in options]
    table |= {"thousands": marks[0]} if marks else {}
    table |= {"missing_values": list(MISSING)} if "missing" in options else {}
    table |= {"totals": "drop"} if "totals" in options else {}
    table |= {"normalize_codes": True} if "normalize" in options else {}
    for name in PARENTS if "own_parents" in options else ():
        del table[name]
    for name in [*(("lon", "lat") if "own_position" in options else ()), *(("area",) if "own_area" in options else ())]:
        del table[name]
    for population in section["population"].values():
        population |= {"fractional": "largest_remainder"} if "fractional" in options else {}
        population |= {"allow_zero": True} if "zero" in options else {}
        population |= {"unit": "ten_thousand_persons"} if "wan" in options else {}
    if "mean" in options:
        for quantity in (*section["rates"].values(), *section["covariates"].values()):
            quantity["missing"] = "province_mean"
    return Declared(
        table.get("thousands"),
        frozenset(table.get("missing_values", ())),
        10_000 if "wan" in options else 1,
        "fractional" in options,
        "totals" in options,
        "normalize" in options,
    )


def write(path: Path, grid: list[list[str]], bent: Bent) -> None:
    delimiter, line_end, quoted = bent.layout
    text = io.StringIO(newline="")
    style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=style).writerows(grid)
    path.write_bytes(text.getvalue().encode(bent.encoding[0]))


def check(build: assemble.Build, grid: list[list[str]], bent: Bent, declared: Declared, zones: list[str]) -> None:
    """Compare what was built with what the table writes."""
    written, data = Written(grid, declared, zones), build.dataset
    assert data["zone"].values.tolist() == sorted(zones)
    own = "own_parents" in bent.options
    provinces = {zone: zone[:2] if own else written.text(zone, "prov") for zone in zones}
    written.check_people(data, YEARS, provinces)
    numbers = NUMBERS | ({} if "own_position" in bent.options else PLACED)
    numbers |= {} if "own_area" in bent.options else {"area": (("km2",), 1.0)}
    for name, (columns, unit) in numbers.items():
        written.check_numbers(data, name, columns, unit)
    names = {zone: written.text(zone, "name") for zone in zones}
    if bent.truthful:
        for name, texts in (("name", names), ("province", provinces)):
            assert data[name].values.tolist() == [texts[zone] for zone in sorted(zones)]


def run(sound: Any, bent: Bent, file: str, tally: Tally, cells: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Build from one bent table, which `cells` writes, and judge what comes of it."""
    zones = [row[0] for row in sound.rows]
    section = copy.deepcopy(sound.section)
    declared = declare(section, bent.options)
    section["table"] |= {"encoding": bent.encoding[1], "file": file}
    grid = cells(bend([list(HEADER), *sound.rows], bent.edits))
    config = zones_config.parse(section, sound.folder)
    assert isinstance(config, zones_config.PanelConfig)
    build = tally.run(lambda: assemble.build(config, 1))
    if build is not None:
        check(build, grid, bent, declared, zones)


def test_a_bent_table_is_refused_or_nobody_is_lost(sound: Any) -> None:
    tally = Tally()

    @given(BENT)
    @example(Bent(layout=(";", "\n", True)))
    @cases(900)
    def case(bent: Bent) -> None:
        def written(grid: list[list[str]]) -> list[list[str]]:
            write(sound.folder / "census.csv", grid, bent)
            return grid

        run(sound, bent, "census.csv", tally, written)

    case()
    tally.check(900, 0.05)


HARMLESS = (
    Bent((("rewrite", 0, 8, "wide"), ("rewrite_column", 9, "wide"))),
    Bent((("rewrite", 0, 7, "grouped ,"),), frozenset(("comma",)), ("utf-16", "utf-8-sig"), (",", "\r", True)),
    Bent((("total", 0, "", 0), ("total", 3, "1101", 0), ("swap_rows", 1, 9)), frozenset(("totals",))),
    Bent((("rewrite_column", 9, "half"),), frozenset(("fractional",)), ("gb18030", "gb18030")),
    Bent((("rewrite_column", 9, "in ten thousands"),), frozenset(("wan",))),
    Bent((("cell", 4, 10, "…"), ("cell", 7, 12, "")), frozenset(("missing", "mean"))),
    Bent((("swap_columns", 0, 9), ("insert_column", 3, "note", "x"), ("rewrite_column", 9, "after '.0'"))),
)


@pytest.mark.parametrize("bent", HARMLESS)
def test_a_harmless_change_is_read(sound: Any, bent: Bent) -> None:
    tally = Tally()

    def written(grid: list[list[str]]) -> list[list[str]]:
        write(sound.folder / "census.csv", grid, bent)
        return grid

    run(sound, bent, "census.csv", tally, written)
    assert tally.built == 1, tally.codes


def typed(grid: list[list[str]], kinds: Sequence[str]) -> pd.DataFrame:
    """Columns of the kind wanted where every cell can be of it, as a program that guesses types would make them."""
    columns = {}
    for name, kind, *cells in zip(grid[0], kinds, *grid[1:], strict=False):
        with contextlib.suppress(ValueError, OverflowError):
            cells = pd.Series(cells).replace("", "" if kind == "str" else "nan").astype(kind)
        columns[name] = cells
    return pd.DataFrame(columns)


def test_a_bent_table_with_types_is_refused_or_nobody_is_lost(sound: Any) -> None:
    tally = Tally()

    @given(BENT, st.lists(st.sampled_from(KINDS), min_size=16, max_size=16))
    @cases(100)
    def case(bent: Bent, kinds: list[str]) -> None:
        def written(grid: list[list[str]]) -> list[list[str]]:
            grid = [row for row in grid if len(row) == len(grid[0])]
            frame = typed(grid, kinds)
            frame.to_parquet(sound.folder / "census.parquet")
            rows = zip(*(map(cell_text, frame[name].tolist()) for name in frame), strict=True)
            return [list(frame.columns), *map(list, rows)]

        run(sound, bent, "census.parquet", tally, written)

    case()
    tally.check(100, 0.05)


def cell_text(cell: object) -> str:
    """The digits of a typed cell, as a person would copy them."""
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.0f}" if cell.is_integer() else repr(cell)
    return "" if cell is None or cell is pd.NA else str(cell)
