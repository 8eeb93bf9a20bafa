"""Zone codes that lost digits, stand twice or have no partner (rows 34 to 40)."""

import pandas as pd
import pytest
import xarray as xr

from flowmodel.zones import table as store
from geo.sources import panel


def _parquet(small_panel, kind):
    frame = pd.DataFrame(small_panel.rows, columns=small_panel.header).astype({"code": kind})
    frame.to_parquet(small_panel.folder / "census.parquet")
    small_panel.section["table"]["file"] = "census.parquet"


@pytest.mark.row(34)
def test_lost_digit_of_a_code(small_panel, build):
    small_panel.rows[0][0] = "11101"
    small_panel.write()
    issue = build(small_panel.section).first("E-CODE-FORMAT")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "2", "code")
    assert (issue["value"], float(issue["people"])) == ("11101", 110)


@pytest.mark.row(35)
def test_codes_with_a_fraction(small_panel, build):
    for row in small_panel.rows:
        row[0] += ".0"
    small_panel.write()
    issue = build(small_panel.section).first("E-CODE-FORMAT")
    assert issue["value"] == "110101.0"
    assert "normalize_codes = true" in issue["fix"]
    small_panel.section["table"]["normalize_codes"] = True
    source = panel.build(small_panel.parse())
    assert source.zones.index[0] == "110101"
    assert source.rules[0].startswith("codes: 9 codes were written as decimal numbers")


def test_codes_that_a_blank_cell_made_floating(small_panel):
    small_panel.write()
    _parquet(small_panel, float)
    small_panel.section["table"]["normalize_codes"] = True
    source = panel.build(small_panel.parse())
    assert source.zones.index[0] == "110101"
    assert source.rules[0].startswith("codes: 9 codes")


@pytest.mark.row(36)
def test_codes_in_scientific_notation(small_panel, build):
    small_panel.rows[0][0] = "1.10101E+11"
    small_panel.write()
    issue = build(small_panel.section).first("E-CODE-SCI")
    assert (issue["line"], issue["value"], float(issue["people"])) == ("2", "1.10101E+11", 110)
    assert "text" in issue["fix"]


@pytest.mark.row(37)
def test_codes_of_twelve_digits_never_become_numbers(small_panel, build):
    for row in small_panel.rows:
        row[0] += "001201"
    small_panel.polygons["code"] += "001201"
    undeclared = small_panel.errors_of(small_panel.write())
    assert {(issue.code, len(str(issue.value))) for issue in undeclared} == {("E-CODE-FORMAT", 12)}
    small_panel.section["table"]["code_digits"] = 12
    outcome = build(small_panel.section)
    assert outcome.status == 0, outcome.text
    with xr.open_dataset(outcome.folder / "zones.nc", engine="h5netcdf") as data:
        assert data["zone"].values[0] == "110101001201"
    table = store.read_zones(outcome.folder / "zones.nc")
    assert table.indices("prefecture").tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # all that arrays ever hold of codes


@pytest.mark.row(38)
def test_code_in_two_rows(small_panel, build):
    small_panel.rows.append(list(small_panel.rows[0]))
    small_panel.write()
    outcome = build(small_panel.section)
    assert "also at 11" in outcome.first("E-CODE-DUP")["rule"]
    found = [issue for issue in outcome.issues if issue["code"] == "E-CODE-DUP"]
    assert [(issue["line"], issue["value"], float(issue["people"])) for issue in found] == [
        ("2", "110101", 110),
        ("11", "110101", 110),
    ]


@pytest.mark.row(39)
def test_join_loses_nobody_and_names_the_nearest(small_panel, build):
    small_panel.polygons.loc[4, "code"] = "110299"
    small_panel.write()
    outcome = build(small_panel.section)
    outcome.first("E-JOIN-UNMATCHED")
    here, there = (issue for issue in outcome.issues if issue["severity"] == "error")
    assert (here["file"], here["line"], here["value"]) == ("census.csv", "6", "110202")
    assert (there["file"], there["line"], there["value"]) == ("squares.gpkg", "5", "110299")
    assert float(here["people"]) == 510
    assert "is it 110299" in here["fix"]
    assert "remove it here with its people" in here["fix"]
    assert "is it 110202" in there["fix"]
    assert "[zones.polygons] exclude" in there["fix"]


def test_join_finds_a_changed_code_by_its_name(small_panel):
    small_panel.polygons["name"] = [row[1] for row in small_panel.rows]
    small_panel.polygons.loc[[4, 8], "code"] = ["120199", "110299"]  # 110202 E has moved to the other province
    fixes = {issue.value: issue.fix for issue in small_panel.errors_of(small_panel.write())}
    assert fixes["110202"].startswith("is it 120199, which has the same name in squares.gpkg?")
    assert fixes["120199"].startswith("is it 110202, which has the same name in census.csv?")


@pytest.mark.row(40)
def test_codes_as_floating_numbers(small_panel, build):
    small_panel.polygons["code"] = small_panel.polygons["code"].astype(float)
    small_panel.write()
    issue = build(small_panel.section).only("E-CODE-TYPE")
    assert (issue["file"], issue["line"], issue["column"]) == ("squares.gpkg", "1", "code")


def test_table_codes_as_floating_numbers(small_panel):
    small_panel.write()
    _parquet(small_panel, float)
    issue = small_panel.only(small_panel.errors_of(small_panel.parse()))
    assert (issue.code, issue.file) == ("E-CODE-TYPE", "census.parquet")


def test_codes_as_whole_numbers_join_text(small_panel):
    small_panel.write()
    _parquet(small_panel, int)
    assert panel.build(small_panel.parse()).zones.index[0] == "110101"
    small_panel.polygons["code"] = small_panel.polygons["code"].astype(int)
    assert panel.build(small_panel.write()).zones.index[0] == "110101"


def test_whole_numbers_that_lost_a_zero(small_panel):
    small_panel.rows[0][0] = small_panel.polygons.loc[0, "code"] = "010101"
    small_panel.write()
    _parquet(small_panel, int)
    found = small_panel.errors_of(small_panel.parse())
    assert [(issue.code, issue.file, issue.line, issue.value) for issue in found] == [
        ("E-CODE-TYPE", "census.parquet", 1, "10101"),
        ("E-JOIN-UNMATCHED", "squares.gpkg", 1, "010101"),
    ]
