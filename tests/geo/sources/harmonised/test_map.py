"""The map of census units read as strictly as a table, and what is measured on it, wherever on Earth it lies."""

import datetime
import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from small_country import HISTORY_HEADER, PERSONS, SmallCountry

from geo import config as zones_config
from geo.errors import DataError
from geo.sources.harmonised import census_map, history, places
from geo.sources.harmonised.places import longest_border


@pytest.fixture
def country(tmp_path):
    return SmallCountry(tmp_path)


def _read(country):
    config = zones_config.parse(country.write(), country.folder)
    return census_map.read(config.polygons)


def _errors(country):
    with pytest.raises(DataError) as caught:
        _read(country)
    return [issue for issue in caught.value.issues if issue.severity == "error"]


def _residents(country, at, value):
    """Put one value among the residents of 2010, in a column of its own kind."""
    cells = country.polygons["p2010"].astype(object).tolist()
    cells[at] = value
    kind = object if isinstance(value, str) else None
    country.polygons["p2010"] = pd.Series(cells, index=country.polygons.index, dtype=kind)
    if kind is object:  # GDAL keeps one type a column
        country.polygons["p2010"] = [None if pd.isna(cell) else str(cell) for cell in cells]


@pytest.mark.parametrize(
    ("value", "code"),
    [("380人", "E-NUM"), ("1,380", "E-NUM"), ("-", "E-NUM"), (math.inf, "E-NUM-INF"), ("inf", "E-NUM-INF")],
)
def test_residents_that_are_no_numbers(country, value, code):
    _residents(country, 4, value)
    (issue,) = _errors(country)
    assert (issue.code, issue.file, issue.line, issue.column) == (code, "map.gpkg", 5, "p2010")
    assert issue.value == str(value)
    assert "missing_values" not in issue.fix  # a layer has no such key
    assert "thousands" not in issue.fix


@pytest.mark.parametrize("kind", ["days", "truths"])
def test_a_column_of_another_kind_holds_no_residents(country, kind):
    column = {"days": pd.Timestamp(datetime.date(2010, 11, 1)), "truths": True}[kind]
    country.polygons["p2010"] = column
    issues = _errors(country)
    assert [(issue.code, issue.line) for issue in issues] == [("E-NUM", line) for line in range(1, 13)]
    assert {issue.value for issue in issues} == {str(column)}


def test_residents_written_as_text_are_read_and_blanks_are_missing(country):
    plain = _read(country).residents
    country.polygons["p2010"] = [None if pd.isna(count) else f"{count:.0f}" for count in country.polygons["p2010"]]
    country.polygons.loc[country.polygons["code"] == "110223", "p2010"] = ""
    pd.testing.assert_frame_equal(_read(country).residents, plain)
    assert plain[2010].isna().sum() == 1
    assert plain.at["110101", 2010] == 10 * PERSONS


@pytest.mark.parametrize("column", ["name", "province"])
def test_names_of_the_map_read_in_another_encoding(country, column):
    wrong = country.polygons.at[2, column].encode("gb18030").decode("latin-1")
    country.polygons.loc[2, column] = wrong
    (issue,) = _errors(country)
    assert (issue.code, issue.line, issue.column, issue.value) == ("E-ENC-MOJIBAKE", 3, column, wrong)
    assert issue.people == 11 * PERSONS
    assert "[zones.polygons] encoding" in issue.fix


@pytest.mark.parametrize(
    ("section", "key", "value", "told"),
    [
        ("rates", "birth", {"quantity": "birth_rate", "year": 2010, "select": ["male"]}, "no select"),
        ("rates", "death", {"quantity": "death_rate", "year": 2010, "per": "residents"}, "no per"),
        ("rates", "death", {"quantity": "death_rate", "change": [2010, 2020]}, "no change"),
        ("covariates", "population_counted", {"quantity": "urban", "year": 2010}, "population_counted"),
        ("covariates", "sector", {"quantity": "urban", "year": 2010}, "in use for something else: sector"),
        ("polygons", "dates", {"2000": datetime.date(2001, 11, 1)}, "census 2000 has the date 2001-11-01"),
        ("polygons", "dates", {"2010": datetime.date(2010, 11, 1)}, "no residents of those years"),
    ],
)
def test_a_section_that_contradicts_itself(country, section, key, value, told):
    country.section[section][key] = value
    with pytest.raises(ValueError, match=told):
        zones_config.parse(country.section, country.folder)


def test_the_day_of_a_census_that_the_map_brings(country):
    country.section["polygons"]["dates"] = {"2000": datetime.date(2000, 11, 1)}
    told = country.build().attributes["population"]["reference_dates"]
    assert json.loads(told) == {"2000": "2000-11-01", "2010": "2010-11-01", "2020": "2020-11-01"}


def _history(country, *rows):
    cells = [(code, "", "", name, "县级", "", "1981", "2014", after) for code, name, after in rows]
    return history.read(country.table("codes.csv", HISTORY_HEADER, cells))


@pytest.mark.parametrize("code", ["1101010", "11010", "11010a", "１１０１０１", ""])
def test_a_code_of_the_history_that_is_not_six_digits(country, code):
    with pytest.raises(DataError) as caught:
        _history(country, ("110105", "老区", ""), (code, "东区", ""))
    (issue,) = caught.value.issues
    assert (issue.code, issue.file, issue.line, issue.column) == ("E-CODE-FORMAT", "codes.csv", 3, "代码")
    assert issue.value == code


def test_a_history_of_other_areas(country):
    codes = _history(country, ("110105", "老区", "110102"))
    assert history.check(codes, ["110105", "999999"]) == []
    assert history.check(codes, ["110102"]) == []  # known as a successor
    (issue,) = history.check(codes, ["220101", "210101"])
    assert (issue.code, issue.file, issue.value) == ("E-HISTORY", "codes.csv", "210101")


def _zones(shapes, people):
    """Every polygon a zone."""
    codes = [f"{110101 + at}" for at in range(len(shapes))]
    units = gpd.GeoDataFrame(
        {"name": codes, "province": "11", "province_name": "甲省", "prefecture": "1101"},
        geometry=shapes,
        index=pd.Index(codes, name="code"),
        crs="EPSG:4326",
    )
    return units, pd.Series(people, index=codes, dtype=float)


def _described(units, members, people):
    shapes = places.outlines(units, members)
    return places.describe(units, members, people, shapes), shapes


def _dense(shape):
    """Put a corner at every tenth of a degree."""
    return shapely.segmentize(shape, 0.1)


def test_centroids_on_the_sphere_anywhere():
    wedge = shapely.Polygon([(0, 0), (45, 0), (0, 90)])  # half of an octant
    across, south = _dense(shapely.box(-61, -11, -59, -9)), _dense(shapely.box(-71, -55, -69, -53))
    units, people = _zones([wedge, across, south], [1, 1, 1])
    zones, _ = _described(units, {code: (code,) for code in units.index}, people)
    assert zones["lon"].tolist() == pytest.approx([22.5, -60, -70], abs=1e-9)
    # By the integrals of the height over the equator, and of the distance from the axis.
    assert zones["lat"].iloc[0] == pytest.approx(math.degrees(math.atan2(1 / 2, 2 * math.sin(math.pi / 8))), abs=1e-9)
    a, b, half = math.radians(-55), math.radians(-53), math.radians(1)
    up = half * (math.sin(b) ** 2 - math.sin(a) ** 2)
    out = math.sin(half) * ((b - a) + (math.sin(2 * b) - math.sin(2 * a)) / 2)
    assert zones["lat"].iloc[2] == pytest.approx(math.degrees(math.atan2(up, out)), abs=1e-4)


def test_a_hole_and_an_island_move_the_centroid():
    square = shapely.box(0, -1, 2, 1)
    holed = square - shapely.box(0.2, -0.5, 0.7, 0.5)
    islands = shapely.MultiPolygon([shapely.box(0, -1, 2, 1), shapely.box(2.1, -1, 2.6, 1)])
    units, people = _zones([holed, islands], [1, 1])
    zones, _ = _described(units, {code: (code,) for code in units.index}, people)
    assert zones["lon"].iloc[0] == pytest.approx((4 * 1 - 0.5 * 0.45) / 3.5, abs=1e-3)
    assert zones["lon"].iloc[1] == pytest.approx((4 * 1 + 1 * 2.35) / 5, abs=1e-3)


def test_the_longest_border_of_another_country():
    """At 60 S a degree of longitude is half as long as one of latitude, whatever an Albers of China says."""
    here, east, south = (
        shapely.box(-71, -61, -70, -60),
        shapely.box(-70, -61, -69, -60),
        shapely.box(-71, -62, -70, -61),
    )
    wide = np.array(
        [shapely.box(-71, -60.6, -70, -60), shapely.box(-70, -60.6, -69, -60), shapely.box(-71, -62, -70, -60.6)]
    )
    assert longest_border(0, np.array([here, south, east], dtype=object)) == 2
    # 0.6 degrees of latitude are 66.8 km, a degree of longitude at 60.6 S is 54.8 km.
    assert longest_border(0, wide[[0, 2, 1]]) == 2


def test_positions_are_judged():
    ring = shapely.box(100, 30, 103, 33) - shapely.box(101, 31, 102, 33)
    left, right = shapely.box(100, 30, 101, 33), shapely.box(102, 30, 103, 33)
    hollow = shapely.box(101.2, 31.2, 101.8, 32)
    units, people = _zones([left, right, hollow], [20, 20, 7])
    assert not shapely.contains_xy(ring, 101.5, 31.5)
    members = {"110101": ("110101", "110102"), "110103": ("110103",)}
    zones, shapes = _described(units, members, people)
    residents = pd.Series({"110101": 40.0, "110103": 7.0})
    (issue,) = places.check(zones, shapes, "map.gpkg", residents)
    assert (issue.code, issue.severity, issue.file, issue.people) == ("W-POS-OUTSIDE", "warning", "map.gpkg", 40)
    assert issue.line is issue.column is None
    assert "110101" in issue.rule
    zones.loc["110103", ["lon", "lat"]] = zones.loc["110101", ["lon", "lat"]].to_numpy()
    found = places.check(zones, shapes, "map.gpkg", residents)
    assert [(issue.code, issue.people) for issue in found] == [
        ("W-POS-OUTSIDE", 40),
        ("E-DIST-ZERO", 7),
    ]
