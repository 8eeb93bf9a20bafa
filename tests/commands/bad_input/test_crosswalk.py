"""Borders that move between censuses: crosswalks that lose people, and what no rule can place (rows 41 and 42)."""

import csv

import pytest
import xarray as xr
from small_country import PERSONS, SmallCountry


@pytest.fixture
def country(tmp_path):
    return SmallCountry(tmp_path)


@pytest.fixture
def lines(country):
    """The crosswalk that the rules write, as lines of text to be edited and fed back; the header is line 1."""
    frame = country.build().tables["crosswalk.csv"]
    country.section["harmonise"] = {"codes": "codes.csv", "crosswalk": "crosswalk.csv"}
    frame.to_csv(country.folder / "crosswalk.csv", index=False)
    with (country.folder / "crosswalk.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _at(lines, unit, zone, year):
    return next(at for at, line in enumerate(lines) if (line[0], line[1], line[3]) == (unit, zone, str(year)))


def _fed_back(country, build, lines):
    """Every error of a run with this crosswalk: line, column, value, people."""
    country.table("crosswalk.csv", lines[0], lines[1:])
    outcome = build(country.section)
    assert outcome.first("E-XWALK")["file"] == "crosswalk.csv"
    errors = [issue for issue in outcome.issues if issue["severity"] == "error"]
    assert {issue["code"] for issue in errors} == {"E-XWALK"}
    numbers = [[float(issue[name]) if issue[name] else None for name in ("line", "people")] for issue in errors]
    return [(line, one["column"], one["value"], people) for one, (line, people) in zip(errors, numbers, strict=True)]


@pytest.mark.row(41)
def test_crosswalk_that_loses_people(country, build, lines):
    """Shares that do not sum to 1, a unit left out, a unit and a zone that are not there: all in one pass."""
    divided = _at(lines, "110105", "110104", 2010)
    lines[divided][2] = "0.7"
    astray = _at(lines, "110201", "110201", 2020)
    lines[astray][1] = "110209"
    lines.append(["110199", "110101", "1.0", "2010", "mine", "", ""])
    left_out = _at(lines, "110221", "110221", 2020)
    del lines[left_out]
    assert left_out > astray > divided
    assert sorted(_fed_back(country, build, lines), key=str) == sorted(
        [
            (divided, "share", "110105", pytest.approx(PERSONS)),  # the line of its first share
            (None, "share", "110221", 4 * PERSONS),
            (len(lines), "from", "110199", None),
            (astray + 1, "to", "110209", None),
        ],
        key=str,
    )


@pytest.mark.row(41)
def test_negative_share(country, build, lines):
    at = _at(lines, "110105", "110104", 2010)
    lines[at][2] = "-0.8"
    assert _fed_back(country, build, lines) == [(at + 1, "share", "-0.8", None)]


@pytest.mark.row(41)
def test_crosswalk_without_a_whole_year(country, build, lines):
    kept = [line for line in lines if line[3] != "2010"]
    assert _fed_back(country, build, kept) == [(None, "year", "2010", country.people(2010))]


def test_crosswalk_edited_in_its_place_is_not_overwritten(country, build):
    country.write()
    assert build(country.section).status == 0
    again = build(country.section)  # a run may be repeated in its folder as long as nobody has edited it
    assert again.status == 0, again.text
    written = again.folder / "crosswalk.csv"
    edited = written.read_text(encoding="utf-8").replace("code_history", "by hand", 1)
    written.write_text(edited, encoding="utf-8")
    country.section["harmonise"]["crosswalk"] = "out/crosswalk.csv"
    outcome = build(country.section)
    assert outcome.status == 2, outcome.text
    assert "E-OUT" in outcome.text
    assert str(written) in outcome.text
    assert written.read_text(encoding="utf-8") == edited


def test_crosswalk_in_the_folder_of_the_run_is_not_removed(country, build):
    country.write()
    written = build(country.section).folder / "crosswalk.csv"
    country.section["harmonise"]["crosswalk"] = "out/crosswalk.csv"
    outcome = build(country.section)
    assert outcome.status == 2, outcome.text
    assert "E-OUT" in outcome.text
    assert written.is_file()


def _audit(outcome):
    with (outcome.folder / "audit.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.row(41)
def test_growth_that_a_moved_border_would_look_like_is_listed(country, build):
    country.books[2020][5] = ("中区", "110201", 70)
    country.write()
    outcome = build(country.section)
    assert outcome.status == 0, outcome.text
    (line,) = [line for line in _audit(outcome) if line["decision"] == "large_growth"]
    assert (line["zone"], line["year"], float(line["people"])) == ("110201", "2020", 72 * PERSONS)


@pytest.mark.row(42)
def test_upgrade_split_and_merger_keep_everybody(country, build):
    country.write()
    outcome = build(country.section)
    assert outcome.status == 0, outcome.text
    with xr.open_dataset(outcome.folder / "zones.nc", engine="h5netcdf") as zones:
        people = zones["population"].to_pandas() / PERSONS
    assert (people[[2010, 2020]].sum() * PERSONS).tolist() == [country.people(2010), country.people(2020)]
    # 南县 became 南区; 老区 went to 西区 and 北区; 泉县 joined 水县.
    assert people.loc[["110103", "110102", "110104", "110222"], 2010].tolist() == [11, 12, 8, 7]
    told = {(line["zone"], line["unit"]) for line in _audit(outcome) if line["decision"] == "code_history"}
    assert told == {("110103", "110121"), ("110102", "110105"), ("110104", "110105"), ("110222", "110224")}


def test_unit_that_no_rule_places(country, build):
    country.decisions = [["2020", "1102:中心开发区", "110201", "it lies there"]]
    country.polygons.loc[country.polygons["code"].isin(["120101", "120102"]), "name"] = ["上县", "下县"]
    country.write()
    outcome = build(country.section)
    assert [issue["code"] for issue in outcome.issues if issue["severity"] == "error"] == ["E-UNPLACED"] * 2
    issue = outcome.first("E-UNPLACED")
    assert (issue["file"], float(issue["line"])) == ("census_2020.xlsx", country.line(2020, "大开发区"))
    assert (issue["value"], float(issue["people"])) == ("1201:大开发区", 6 * PERSONS)


def test_decisions_that_decide_nothing(country, build):
    country.decisions += [
        ["2020", "1201:林地", "120122", "misspelt"],
        ["2020", "1102:中心开发区", "110201; 110299", "misspelt behind a space"],
        ["2019", "110101", "110102;110101", "with itself"],
        ["2020", "1201:林场", "120121", "as the first row"],
    ]
    country.write()
    outcome = build(country.section)
    assert outcome.first("E-DECISION")["file"] == "decisions.csv"
    errors = [(float(issue["line"]), issue["column"], issue["value"]) for issue in outcome.issues if issue["line"]]
    assert [(line, *rest) for line, *rest in errors if rest[0] in ("from", "to")] == [
        (2, "from", "1201:林场"),
        (3, "from", "1201:林地"),
        (4, "to", "110299"),
        (5, "to", "110101"),
        (6, "from", "1201:林场"),
    ]


def test_history_that_cannot_be_read(country, build):
    country.history.append(("110299", "乱区", "1981", "2014", "11020"))
    country.write()
    issue = build(country.section).only("E-HISTORY")
    assert (issue["file"], float(issue["line"]), issue["column"], issue["value"]) == ("codes.csv", 6, "新代码", "11020")


def test_quantity_that_no_census_keeps(country, build):
    country.section["covariates"]["income"] = {"quantity": "income", "year": 2010}
    country.write()
    issue = build(country.section).only("E-QUANTITY")
    assert (issue["column"], issue["value"]) == ("income", "income")
    assert "urban" in issue["fix"]


def test_polygon_that_a_census_never_counted_and_no_neighbour_has(country, build):
    island = country.polygons["code"] == "120122"
    country.polygons.loc[island, "geometry"] = country.polygons.geometry[island].translate(xoff=10).to_numpy()
    country.polygons.loc[island, "p2010"] = None
    country.books[2010].pop()
    country.history.pop()  # nor has it taken a part of anybody
    country.write()
    issue = build(country.section).only("E-JOIN-UNMATCHED")
    assert (issue["file"], issue["value"]) == ("census_2010.xlsx", "120122")


def test_difference_of_numbers_that_count_different_people(country, build):
    country.section["covariates"] = {"more_schooling": {"quantity": "schooling", "change": [2010, 2020]}}
    country.write()
    issue = build(country.section).only("E-DEF-MIX")
    assert (issue["column"], issue["value"]) == ("more_schooling", "*")
    assert "aged 15 and over" in issue["rule"]
