"""A small country drawn at random: squares on a map, the rows of two censuses on other borders, a history of codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from hypothesis import strategies as st

from geo.sources.harmonised import crosswalk, decisions, units
from geo.sources.harmonised.decisions import Decision
from geo.sources.harmonised.history import CodeHistory
from geo.sources.harmonised.links import Census
from geo.sources.yearbooks import CensusTable

VINTAGE, YEARS = 2019, (2010, 2020)
PREFECTURES = ("1101", "1102", "1201")
NAMES = ("东区", "西区", "南县", "北市", "东县", "中区")
# Codes without a polygon: of the past, of the future, of nobody.
OTHERS = ("110105", "110121", "110204", "110224", "120104", "120191", "139999")
Edit = tuple[Any, ...]


@dataclass(frozen=True)
class Country:
    """What is drawn.

    Attributes:
        sizes: Number of polygons of each prefecture.
        islands: Polygons that touch no other.
        people: Residents by polygon in 2010, growth in per cent.
        edits: For each census, how its rows differ from one row a polygon.
        mapped: Years of the residents that the map knows, and polygons of which it does not.
        wrong: Polygons of which the map has another number for 2010.
        changes: Codes with the year and the code that took over.
        decided: Year, unit and polygons (as positions) of each decision.
        zone_share: Greatest share of a development zone that is shared out.
        contrast: Greatest contrast of growth between units that stay apart.
    """

    sizes: tuple[int, int, int] = (4, 2, 2)
    islands: frozenset[int] = frozenset()
    people: tuple[tuple[int, int], ...] = ((100, 10),) * 12
    edits: Mapping[int, tuple[Edit, ...]] | tuple[()] = ()
    mapped: tuple[tuple[int, ...], frozenset[int]] = ((2000, 2010), frozenset())
    wrong: frozenset[int] = frozenset()
    changes: tuple[tuple[int, int, int], ...] = ()
    decided: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    zone_share: float = 0.05
    contrast: float = 0.5

    @property
    def codes(self) -> list[str]:
        """Codes of the polygons."""
        return [f"{of}{at + 1:02d}" for of, size in zip(PREFECTURES, self.sizes, strict=True) for at in range(size)]


_at = st.integers(0, 11)
_count = st.sampled_from([0, 1, 7, 40]) | st.integers(1, 3000)
_EDITS = st.one_of(
    st.tuples(st.sampled_from(["drop", "unknown"]), _at),
    st.tuples(st.just("join"), _at, _at),
    st.tuples(st.just("recode"), _at, _at),
    st.tuples(st.just("rename"), _at, st.sampled_from([*NAMES, "新区"])),
    st.tuples(st.just("people"), _at, _count),
    st.tuples(st.just("move"), _at, _at, _count),
    st.tuples(st.just("part"), _at, _at, _count),
    st.tuples(st.just("zone"), st.sampled_from([*PREFECTURES, "1301"]), _count),
)
_edits = st.lists(_EDITS, max_size=4).map(tuple)
_few = st.frozensets(_at, max_size=2)
COUNTRIES = st.builds(
    Country,
    st.tuples(st.integers(1, 4), st.integers(0, 4), st.integers(0, 3)),
    st.just(frozenset()) | st.just(frozenset()) | _few,
    st.lists(st.tuples(st.integers(1, 3000), st.integers(-60, 150)), min_size=12, max_size=12).map(tuple),
    st.fixed_dictionaries({year: _edits for year in YEARS}),
    st.tuples(st.sampled_from([(2000, 2010), (2010,), (2000,), ()]), st.just(frozenset()) | _few),
    st.just(frozenset()) | _few,
    st.lists(st.tuples(st.integers(0, 18), st.integers(1995, 2024), st.integers(0, 18)), max_size=6).map(tuple),
    st.lists(
        st.tuples(st.sampled_from([*YEARS, VINTAGE]), _at, st.lists(_at, min_size=1, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    st.sampled_from([0.0, 0.05, 0.05, 0.9]),
    st.sampled_from([0.01, 0.5, 5.0]),
)


def polygons(country: Country) -> gpd.GeoDataFrame:
    """Draw the map: unit squares side by side, four to a row."""
    codes = country.codes
    corners = [(103 + at % 4 + 20 * (at in country.islands), 34 + at // 4) for at in range(len(codes))]
    shapes = [shapely.box(x, y, x + 1, y + 1) for x, y in corners]
    shapes = [shapely.transform(s, lambda xy: xy * 0.9) if at in country.islands else s for at, s in enumerate(shapes)]
    columns = {"name": [NAMES[int(code[4:]) - 1] for code in codes], "province": [code[:2] for code in codes]}
    columns |= {"province_name": columns["province"], "prefecture": [code[:4] for code in codes]}
    return gpd.GeoDataFrame(columns, geometry=shapes, index=pd.Index(codes, name="code"), crs="EPSG:4326")


def mapped(country: Country) -> pd.DataFrame:
    """Say what the map knows of residents."""
    years, unknown = country.mapped
    codes = country.codes
    frame = pd.DataFrame(index=pd.Index(codes, name="code"))
    for year in years:
        count = [country.people[at][0] + 3 * (at in country.wrong) for at in range(len(codes))]
        frame[year] = [np.nan if at in unknown else float(number) for at, number in enumerate(count)]
    return frame


def census(country: Country, year: int) -> Census:
    """Write the rows of one census: one a polygon, then the edits."""
    rows = []
    for code, (start, growth) in zip(country.codes, country.people, strict=False):
        people = start if year == 2010 else start + start * growth // 100
        rows.append([code, NAMES[int(code[4:]) - 1], code[:4], people])
    for edit in dict(country.edits).get(year, ()):
        _edit(rows, edit)
    keys = [code or f"{prefecture}:{name}" for code, name, prefecture, _ in rows]
    frame = pd.DataFrame(rows, columns=["code", "name", "prefecture", "people"], index=pd.Index(keys, name="key"))
    frame = frame[~frame.index.duplicated()]  # the reader of a year-book refuses two rows of one key
    frame = frame.assign(province=frame["prefecture"].str[:2], line=np.arange(2, len(frame) + 2))
    return Census(year, f"{year}.xlsx", frame.astype({"people": np.int64}))


def _edit(rows: list[list[Any]], edit: Edit) -> None:
    kind, *rest = edit
    if kind == "zone":
        rows.append(["", f"开发区{len(rows)}", rest[0], rest[1]])
        return
    if not rows:
        return
    at = rest[0] % len(rows)
    row = rows[at]
    other = rows[rest[1] % len(rows)] if kind in ("join", "move", "part") else row
    if kind == "drop" and len(rows) > 1:
        del rows[at]
    elif kind == "join" and other is not row:
        row[3] += other[3]
        rows.remove(other)
    elif kind in ("recode", "unknown"):
        row[0] = OTHERS[rest[1] % len(OTHERS)] if kind == "recode" else ""
    elif kind == "rename":
        row[1] = rest[1]
    elif kind == "people":
        row[3] = rest[1]
    elif kind == "move":
        moved = min(row[3], rest[2])
        row[3], other[3] = row[3] - moved, other[3] + moved
    elif kind == "part":
        moved = min(row[3], rest[2])
        row[3] -= moved
        rows.append([OTHERS[rest[1] % len(OTHERS)], "新区", row[2], moved])


def history(country: Country) -> CodeHistory:
    """Write the history of codes in both directions."""
    pool = [*country.codes, *OTHERS]
    after: dict[str, list[tuple[int, str]]] = {}
    before: dict[str, list[tuple[int, str]]] = {}
    for old, year, new in country.changes:
        first, then = pool[old % len(pool)], pool[new % len(pool)]
        after.setdefault(first, []).append((year, then))
        before.setdefault(then, []).append((year, first))
    names = {code: (NAMES[at % len(NAMES)],) for at, code in enumerate(pool)}
    sides = ({code: tuple(sorted(entries)) for code, entries in side.items()} for side in (after, before))
    return CodeHistory(*sides, names, "codes.csv")


def harmonise(country: Country) -> tuple[crosswalk.Crosswalk, list[Census]]:
    """Apply the rules as the source does, with its checks."""
    censuses = [census(country, year) for year in YEARS]
    on_map = polygons(country)
    named = {each.year: list(each.rows.index) for each in censuses} | {VINTAGE: country.codes}
    decided = []
    for line, (year, unit, into) in enumerate(country.decided, start=2):
        if named[year]:
            codes = dict.fromkeys(country.codes[at % len(country.codes)] for at in into)
            decided.append(Decision(year, str(named[year][unit % len(named[year])]), tuple(codes), "as drawn", line))
    decisions.check(decided, named, country.codes, VINTAGE, "decisions.csv")
    rules = units.Rules(history(country), decided, VINTAGE, country.zone_share, country.contrast)
    return units.harmonise(on_map, mapped(country), censuses, rules).crosswalk, censuses


def people_of(censuses: list[Census], on_map: pd.DataFrame) -> dict[int, pd.Series]:
    """Residents by unit of every census, those that only the map has among them."""
    people = {each.year: each.rows["people"] for each in censuses}
    return people | {int(year): on_map[year].dropna() for year in on_map if year not in people}


def table(of: Census) -> CensusTable:
    """A year-book with nothing but residents and households."""
    rows = of.rows.index.to_numpy(dtype=np.str_)
    counts = of.rows["people"].to_numpy(dtype=np.float64)
    quantities = xr.Dataset({"residents": ("row", counts), "households": ("row", counts / 3)}, coords={"row": rows})
    return CensusTable(of.year, of.file, "", of.rows, quantities, (), (), pd.DataFrame())
