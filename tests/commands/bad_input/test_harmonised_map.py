"""Maps and histories that do not serve a harmonised source: residents that are no numbers, areas of somewhere else."""

import pandas as pd
import pytest
from small_country import PERSONS, SmallCountry


@pytest.fixture
def country(tmp_path):
    return SmallCountry(tmp_path)


def test_residents_of_the_map_as_text(country, build):
    counts = [None if pd.isna(count) else f"{count:.0f}" for count in country.polygons["p2010"]]
    country.polygons["p2010"] = [*counts[:4], "608人", *counts[5:]]
    country.write()
    issue = build(country.section).only("E-NUM")
    assert (issue["file"], float(issue["line"]), issue["column"]) == ("map.gpkg", 5, "p2010")
    assert issue["value"] == "608人"


def test_history_of_another_country(country, build):
    country.history = [("990101", "远区", "1981", "2014", "990102")]
    country.write()
    issue = build(country.section).only("E-HISTORY")
    assert (issue["file"], issue["column"], issue["value"]) == ("codes.csv", "代码", "110101")


def test_merged_zone_that_stands_in_the_zone_between(country, build):
    country.decisions.append(["2019", "110101", "110103", "they exchanged towns"])
    country.write()
    outcome = build(country.section)
    assert outcome.status == 0, outcome.text
    (issue,) = [issue for issue in outcome.issues if issue["code"] == "W-POS-OUTSIDE"]
    assert (issue["severity"], issue["file"], issue["line"]) == ("warning", "map.gpkg", "")
    assert "110101" in issue["rule"]
    assert float(issue["people"]) > (11 + 13) * PERSONS  # and a share of 小开发区


def test_rate_that_is_no_rate(country, build):
    country.section["rates"]["birth"] = {"quantity": "schooling", "year": 2010}
    country.write()
    issue = build(country.section).only("E-QUANTITY")
    assert (issue["file"], issue["column"], issue["value"]) == ("[zones.rates]", "birth", "schooling")


def test_rate_with_a_category(country, build):
    country.section["rates"]["birth"]["select"] = ["male"]
    country.write()
    outcome = build(country.section)
    assert outcome.status == 2
    assert "no select" in outcome.text
