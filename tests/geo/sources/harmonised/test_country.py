"""A small country from raw files to zones: every reason is in the audit, and nobody is lost on the way."""

import csv
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import shapely
from small_country import PERSONS, SmallCountry

from geo.config import PublishedConfig
from geo.errors import DataError
from geo.sources.harmonised import account, crosswalk, places
from geo.sources.harmonised.crosswalk import Crosswalk

ZONES = ["110101", "110102", "110103", "110104", "110201", "110221", "110222", "120101", "120121", "120122"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    country = SmallCountry(tmp_path_factory.mktemp("country"))
    return country, country.build()


def test_every_rule_is_used_and_told(built):
    _, source = built
    audit = source.tables["audit.csv"]
    told = list(zip(audit["zone"], audit["year"], audit["decision"], audit["unit"], strict=True))
    assert told == [
        ("110101", 2020, "development_zone_shared", "1101:小开发区"),
        ("110102", 2010, "code_history", "110105"),
        ("110102", 2020, "development_zone_shared", "1101:小开发区"),
        ("110103", 2010, "code_history", "110121"),
        ("110103", 2020, "development_zone_shared", "1101:小开发区"),
        ("110104", 2010, "code_history", "110105"),
        ("110104", 2020, "development_zone_shared", "1101:小开发区"),
        ("110201", 2020, "only_polygon", "1102:中心开发区"),
        ("110222", 2010, "code_history", "110224"),
        ("110222", 2010, "merged:no_census", "110223;110222"),
        ("120101", 2020, "development_zone_merged", "1201:大开发区"),
        ("120101", 2020, "merged:development_zone_merged", "120101;120102"),
        ("120121", 2013, "uncounted_transfer_left", "120121"),
        ("120122", 2020, "decision", "1201:林场"),
    ]
    people = audit.set_index(["zone", "decision"])["people"]
    assert people["110104", "code_history"] == 8 * PERSONS
    assert people["120101", "development_zone_merged"] == 6 * PERSONS


def test_nobody_is_lost_and_everybody_is_whole(built):
    country, source = built
    assert source.population.index.tolist() == ZONES
    for year in (2010, 2020):
        people = source.population[year]
        assert people.sum() == country.people(year)
        assert (people == people.round()).all()
    assert source.population.loc["110102", 2010] == 12 * PERSONS
    assert source.population.loc["110201", 2020] == 17 * PERSONS
    shared = source.population.loc[ZONES[:4], 2020] - np.array([11, 12, 13, 9]) * PERSONS
    assert shared.tolist() == [9, 10, 11, 8]


def test_a_polygon_that_the_map_did_not_count_is_missing_and_no_other(built):
    _, source = built
    assert source.population[2000].isna().tolist() == [zone == "110222" for zone in ZONES]
    counted = source.censuses["population_counted"].sel(year=2000)
    assert counted.values.tolist() == [int(zone != "110222") for zone in ZONES]
    assert source.population.loc["120101", 2000] == 12 * PERSONS


def test_the_written_crosswalk_gives_the_same_zones(built, tmp_path):
    first = built[1]
    country = SmallCountry(tmp_path)
    country.section["harmonise"] = {"codes": "codes.csv", "crosswalk": "crosswalk.csv"}
    first.tables["crosswalk.csv"].to_csv(tmp_path / "crosswalk.csv", index=False)
    again = country.build()
    pd.testing.assert_frame_equal(again.population, first.population, check_exact=True)
    pd.testing.assert_frame_equal(again.zones, first.zones, check_exact=True)
    pd.testing.assert_frame_equal(again.covariates, first.covariates, check_exact=True)
    assert again.censuses.equals(first.censuses)
    with (tmp_path / "crosswalk.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    frame = crosswalk.read(tmp_path / "crosswalk.csv", 2019).frame
    assert [lines[line - 2]["from"] for line in frame.index] == frame["from"].tolist()
    assert first.tables["crosswalk.csv"].index.tolist() == frame.index.tolist()


def test_zones_on_the_map(built):
    country, source = built
    shapes, zones = source.polygons.geometry, source.zones
    assert zones.loc["120101", ["name", "province", "province_name", "prefecture"]].tolist() == [
        *("下区等2", "12", "乙省", "1201"),
    ]
    # 上区 and 下区 lie side by side: 6 and 8 parts of the people of 2010.
    assert zones.at["120101", "lon"] == pytest.approx((6 * 103.5 + 8 * 104.5) / 14)
    assert zones.at["120101", "area_km2"] == pytest.approx(2 * zones.at["120121", "area_km2"], rel=1e-9)
    assert shapes["120101"].equals(shapely.box(103, 36, 105, 37))
    assert shapely.union_all(shapes.to_numpy()).equals(shapely.union_all(country.polygons.geometry.to_numpy()))
    assert shapely.area(shapes.to_numpy()).sum() == pytest.approx(len(country.polygons))


def test_a_point_of_a_hollow_polygon_lies_in_it(built):
    country, _ = built
    ring = shapely.box(103, 34, 104, 35) - shapely.box(103.1, 34.1, 103.9, 35)
    units = country.polygons.iloc[:2].set_index("code")
    units = units.assign(province_name=units["province"], prefecture="1101").set_geometry(
        [ring, units.geometry.iloc[1]]
    )
    members = {code: (code,) for code in units.index}
    unknown = pd.Series(np.nan, index=units.index)
    zones = places.describe(units, members, unknown, places.outlines(units, members))
    assert shapely.contains_properly(ring, shapely.Point(zones.at["110101", "lon"], zones.at["110101", "lat"]))
    # Without numbers all polygons of a zone weigh the same.
    joined = {"110101": ("110101", "110102")}
    middle = places.describe(units, joined, unknown, places.outlines(units, joined))
    assert middle.at["110101", "lon"] == pytest.approx(zones["lon"].mean())


def test_growth_beyond_belief_and_corrected_cells_are_listed(tmp_path):
    country = SmallCountry(tmp_path)
    country.books[2020][5] = ("中区", "110201", 70)
    line = country.line(2020, "山县")
    country.bent[2020]["山县", "家庭户数"] = 41
    cells = [("census_2020.xlsx", line, "家庭户数", "41", "40", "the prefecture's total leaves it")]
    country.table("corrections.csv", ("file", "line", "column", "found", "use", "reason"), cells)
    country.section["census"]["2020"]["corrections"] = "corrections.csv"
    audit = country.build().tables["audit.csv"].set_index("decision")
    grown = audit.loc["large_growth"]
    assert (grown["zone"], grown["year"], grown["people"]) == ("110201", 2020, 72 * PERSONS)
    assert grown["detail"] == f"{np.log(72 / 16):+.2f} in log since 2010"
    corrected = audit.loc["corrected_cell"]
    assert (corrected["zone"], corrected["unit"], corrected["year"]) == ("110221", "110221", 2020)
    assert f"line {line}, 家庭户数: 41 read as 40" in corrected["detail"]


def test_the_account_of_who_stands_in_no_zone():
    population = pd.DataFrame({2000: [90.0, np.nan], 2010: [400.0, 560.0], 2020: [1.0, 2.0]}, index=["a", "b"])
    published = {
        2000: PublishedConfig(total=1000),
        2010: PublishedConfig(total=1000, military=30, undetermined=10, tolerance=0.01),
    }
    frame, issues = account.close(published, population, {2000: "map.gpkg", 2010: "book.xlsx", 2020: "book.xlsx"})
    assert tuple(frame.columns) == account.COLUMNS
    assert frame.iloc[1].tolist() == [2010, 1000, 960, 40, 30, 10, 0, 0]
    assert frame.iloc[0].tolist() == [2000, 1000, 90, 910, 0, 0, 910, 1]
    assert frame.iloc[2].dropna().tolist() == [2020, 3, 0]
    assert issues == []  # who was not counted cannot make a total wrong
    published[2010] = PublishedConfig(total=1000, tolerance=0.01)
    _, (issue,) = account.close(published, population, {2000: "map.gpkg", 2010: "book.xlsx", 2020: "book.xlsx"})
    assert (issue.code, issue.file, issue.value, issue.people) == ("E-TOTAL", "book.xlsx", "960", 40)


@pytest.mark.parametrize("seed", range(5))
def test_shares_become_whole_persons_of_each_unit(seed):
    """Nobody is lost, nobody is made, and no line is a person from its share."""
    random = np.random.default_rng(seed)
    units = [f"{code:06d}" for code in range(30)]
    people = pd.Series(random.integers(0, 3000, len(units)), index=units)
    rows = []
    for unit in units:
        shares = random.dirichlet(np.ones(random.integers(1, 6)))
        rows += [(unit, f"zone{at}", share) for at, share in enumerate(shares)]
    lines = pd.DataFrame(rows, columns=["from", "to", "share"]).sample(frac=1, random_state=seed)
    persons = crosswalk.whole_shares(lines, people)
    sums: dict[str, int] = defaultdict(int)
    for unit, share, count in zip(lines["from"], lines["share"], persons, strict=True):
        sums[unit] += count
        assert abs(count - share * people[unit]) < 1
    assert dict(sums) == people.to_dict()


def test_a_crosswalk_that_loses_somebody_is_found():
    rows = [("a", "z", 0.5, 2010), ("b", "z", 1.0, 2010), ("p", "z", 1.0, 2019), ("a", "z", 1.0, 2011)]
    frame = pd.DataFrame([(*row, "") for row in rows], columns=list(crosswalk.COLUMNS), index=range(2, 6))
    people = {2010: pd.Series({"a": 30, "b": 40, "c": 50})}
    found = crosswalk.check(Crosswalk(frame, 2019), people, pd.Index(["p", "q"]), "crosswalk.csv")
    assert [(issue.line, issue.column, issue.value, issue.people) for issue in found] == [
        (5, "year", "2011", None),
        (2, "share", "a", 15),
        (None, "share", "c", 50),
        (None, "share", "q", None),
    ]


def test_lines_of_a_crosswalk_that_cannot_be_read(tmp_path):
    shares = ["-0.2", "0", "1.2", "80%", "nan", "1"]
    rows = [("110101", "110101", share, "2010", "mine") for share in shares]
    rows += [("110101", "110101", "1", "20l0", "mine"), ("110101", "110101", "1", "2010", " ")]
    file = SmallCountry(tmp_path).table("crosswalk.csv", crosswalk.COLUMNS, rows)
    with pytest.raises(DataError) as caught:
        crosswalk.read(file, 2019)
    found = [(issue.code, issue.line, issue.column, issue.value) for issue in caught.value.issues]
    wrong = [("E-XWALK", line, "share", share) for line, share in enumerate(shares[:-1], start=2)]
    assert found == [*wrong, ("E-XWALK", 8, "year", "20l0"), ("E-XWALK", 9, "reason", "")]


def test_a_map_without_residents_and_a_single_census(tmp_path):
    country = SmallCountry(tmp_path)
    del country.section["polygons"]["residents"], country.section["harmonise"]["decisions"]
    del country.section["census"]["2020"]
    source = country.build()
    assert source.population.sum().to_dict() == {2010: country.people(2010)}
    # Without the map's numbers nobody says where the people of 老区 went, nor those of the part of 河县.
    audit = source.tables["audit.csv"].set_index("decision")
    assert audit.loc["merged:code_history", "unit"].tolist() == ["110102;110104", "120121;120122"]
    assert source.zones.at["110102", "lon"] == pytest.approx((104.5 + 106.5) / 2)


def test_problems_of_all_files_come_at_once(tmp_path):
    country = SmallCountry(tmp_path)
    country.history.append(("110299", "乱", "", "", "so"))
    country.decisions.append(["", "110299", "110101", "why"])
    country.bent[2010]["山县", "合计"] = "many"
    with pytest.raises(DataError) as caught:
        country.build()
    codes = {issue.code for issue in caught.value.issues if issue.severity == "error"}
    assert {"E-HISTORY", "E-DECISION", "E-NUM"} <= codes
