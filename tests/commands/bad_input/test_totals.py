"""Tables that count somebody else, or the same people twice, or in another unit (rows 43 to 47)."""

import datetime

import pytest

from geo.errors import DataError
from geo.sources import panel

REST = ("104", "35", "9"), ("12", "7", "9", "9")


def _total(code, name, first, last):
    """A row of the table with the people of others."""
    return [code, name, "11", "P", "1101", *REST[0], first, last, *REST[1]]


def _census(small_panel, year):
    return small_panel.section["population"][str(year)]


@pytest.mark.row(43)
def test_total_beside_its_parts(small_panel, build):
    small_panel.rows.insert(0, _total("110000", "省", "2100", "2160"))
    small_panel.write()
    issue = build(small_panel.section).only("E-HIER-TOTAL")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "2", "code")
    assert (issue["value"], float(issue["people"])) == ("110000", 2160)
    assert 'totals = "drop"' in issue["fix"]


@pytest.mark.parametrize(
    ("code", "name", "people"),
    [
        ("110100", "市", ("600", "630")),
        ("110199", "合 计", ("1", "1")),
        ("110199", "其中：城区", ("1", "1")),
        ("", "Total", ("1", "1")),
        ("110101", "市辖区", ("600", "630")),
        ("110299", "whatever", ("1500", "1530")),
    ],
)
def test_totals_are_known_by_code_by_name_and_by_sum(small_panel, code, name, people):
    if code == "110101":  # the code of 市辖区 stands for no area, so no polygon has it
        small_panel.rows[0][0] = small_panel.polygons.loc[0, "code"] = "110104"
    small_panel.rows.append(_total(code, name, *people))
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.line, issue.people) == ("E-HIER-TOTAL", 11, float(people[1]))


def test_row_that_is_no_total_is_unmatched(small_panel):
    small_panel.rows.append(_total("110299", "whatever", "1500", "1531"))
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-JOIN-UNMATCHED"


@pytest.fixture
def with_totals(small_panel):
    for row in small_panel.rows:
        row[1] += "区"
    small_panel.rows[5][1] = "六枝特区"
    small_panel.rows.append(_total("110000", "省", "2100", "2160"))
    small_panel.rows.append(_total("110299", "市辖区", "900", "920"))
    small_panel.rows.append(_total("", "合计", "4500", "4590"))
    small_panel.section["table"]["totals"] = "drop"
    return small_panel


def test_declared_totals_are_checked_and_left_out(with_totals):
    source = panel.build(with_totals.write())
    assert source.population.sum().to_dict() == {2010: 4500, 2020: 4590}
    assert source.rules[0].startswith("totals: 3 rows (7,670 people at the last census)")
    assert [issue.line for issue in source.issues if issue.code == "W-HIER-TOTAL"] == [11, 12, 13]


def test_declared_totals_that_do_not_add_up(with_totals):
    for row in with_totals.rows[-3:]:
        row[9] = str(int(row[9]) + 7)
    found = with_totals.errors_of(with_totals.write())
    assert [(issue.code, issue.line) for issue in found] == [("E-HIER-SUM", line) for line in (11, 12, 13)]
    assert [issue.people for issue in found] == [7, 7, 4597]  # what is off; all of it where nothing fits


def test_totals_in_ten_thousands_may_be_off_by_the_rounding(with_totals):
    for year in (2010, 2020):
        _census(with_totals, year)["unit"] = "ten_thousand_persons"
    for row in with_totals.rows:
        row[8], row[9] = f"{int(row[8]) / 7:.1f}", f"{int(row[9]) / 7:.1f}"
        row[13] = "0"
    with_totals.rows.pop()  # nothing but its sum says which rows the nation adds up
    assert len(panel.build(with_totals.write()).zones) == 9
    with_totals.rows[-1][9] = str(float(with_totals.rows[-1][9]) + 0.3)
    assert with_totals.only(with_totals.errors_of(with_totals.write())).code == "E-HIER-SUM"


def test_city_without_counties_is_a_zone(small_panel):
    small_panel.rows[8][0] = small_panel.polygons.loc[8, "code"] = "120100"
    assert "120100" in panel.build(small_panel.write()).zones.index


@pytest.mark.row(44)
def test_published_total(small_panel, build):
    published = {"total": 4700, "military": 80, "undetermined": 20, "tolerance": 0.001}
    _census(small_panel, 2020)["published"] = published
    small_panel.write()
    issue = build(small_panel.section).only("E-TOTAL")
    assert (issue["file"], issue["column"], issue["value"]) == ("census.csv", "p2020", "4590")
    assert float(issue["people"]) == 10
    assert "-10 people" in issue["rule"]
    published["total"] = 4694  # 4 of 4,694 people are within a thousandth
    assert len(panel.build(small_panel.parse()).zones) == 9


@pytest.mark.row(45)
def test_registered_people_are_no_residents(small_panel, build):
    _census(small_panel, 2020)["definition"] = "registered"
    small_panel.write()
    issue = build(small_panel.section).only("E-DEF-MIX")
    assert (issue["file"], issue["column"], issue["value"]) == ("census.csv", "p2020", "registered")
    assert float(issue["people"]) == 4590


def test_registered_people_throughout(small_panel):
    for year in (2010, 2020):
        _census(small_panel, year)["definition"] = "registered"
    found = small_panel.errors_of(small_panel.write())
    assert [(issue.code, issue.column) for issue in found] == [("E-DEF", "p2010"), ("E-DEF", "p2020")]


@pytest.mark.row(46)
def test_date_of_another_year(small_panel, build):
    _census(small_panel, 2010)["date"] = datetime.date(2011, 12, 31)
    small_panel.write()
    issue = build(small_panel.section).only("E-DATE")
    assert (issue["file"], issue["column"], issue["value"]) == ("census.csv", "p2010", "2011-12-31")
    assert float(issue["people"]) == 4500


def test_days_between_censuses_are_kept(small_panel):
    _census(small_panel, 2020)["date"] = datetime.date(2020, 12, 31)  # a year-end count beside a November census
    source = panel.build(small_panel.write())
    [issue] = [issue for issue in source.issues if issue.code == "W-DATE-INTERVAL"]
    assert "3,713 days" in issue.rule
    attributes = source.attributes["population"]
    assert (attributes["reference_dates"], attributes["interval_days"]) == ("2010-11-01, 2020-12-31", "3713")


@pytest.mark.row(47)
def test_ten_thousands_read_as_persons(small_panel, build):
    _census(small_panel, 2020)["published"] = {"total": 45_900_000}
    small_panel.write()
    issue = build(small_panel.section).only("E-UNIT")
    assert (issue["file"], issue["column"], issue["value"]) == ("census.csv", "p2020", "4590")
    assert 'unit = "ten_thousand_persons"' in issue["fix"]


@pytest.mark.parametrize(("area", "unit"), [("50000", "ten_thousand_persons"), ("0.005", "persons")])
def test_wrong_unit_shows_in_the_density(small_panel, area, unit):
    for row in small_panel.rows:
        row[7] = area
    found = small_panel.errors_of(small_panel.write())
    assert [(issue.code, issue.column) for issue in found] == [("E-UNIT", "p2010"), ("E-UNIT", "p2020")]
    assert all(f'unit = "{unit}"' in issue.fix for issue in found)


def test_wrong_unit_shows_without_areas_in_the_table(small_panel):
    del small_panel.section["table"]["area"]
    for row in small_panel.rows:
        row[8], row[13] = "10", "5"
    with pytest.raises(DataError, match=r"E-UNIT .* 2010: 0\.00099"):  # 90 people on 90,500 km2
        panel.build(small_panel.write())
