"""A crosswalk that was edited and fed back: what the audit says of it, what is refused, what is never overwritten."""

import sqlite3

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from small_country import PERSONS, SmallCountry

from geo import config as zones_config
from geo.errors import DataError
from geo.sources import assemble
from geo.sources.harmonised import crosswalk, decisions
from geo.sources.harmonised.decisions import Decision


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return SmallCountry(tmp_path_factory.mktemp("first")).build()


@pytest.fixture
def country(first, tmp_path):
    """The small country with the crosswalk of its rules named in the config; the decisions stay there as well."""
    country = SmallCountry(tmp_path)
    country.section["harmonise"]["crosswalk"] = "edited.csv"
    return country


def feed(country, frame):
    """Write the crosswalk and build the zones by it."""
    frame.to_csv(country.folder / "edited.csv", index=False)
    return country.build()


def refused(country, frame):
    with pytest.raises(DataError) as caught:
        feed(country, frame)
    return [(one.code, one.file, one.line, one.column, one.value, one.people) for one in caught.value.issues]


def test_decisions_beside_a_crosswalk_are_not_read_and_nothing_says_so_but_the_rules(country, first):
    country.decisions.append(["2020", "no such unit", "110101", ""])
    source = feed(country, first.tables["crosswalk.csv"])  # read, the row without a reason would be an error
    names = [of["file"] for of in source.inputs]
    assert "edited.csv" in names
    assert "decisions.csv" not in names
    told = [rule for rule in source.rules if "edited.csv" in rule]
    assert told == ["the zones are those of edited.csv; the rules were not applied, and decisions.csv was not read"]
    assert not any("edited.csv" in rule for rule in first.rules)


def test_the_audit_of_a_crosswalk_repeats_its_own_reasons(country, first):
    frame = first.tables["crosswalk.csv"].copy()
    line = (frame["from"] == "1201:林场") & (frame["year"] == 2020)
    frame.loc[line, ["to", "reason"]] = ["120121", "our own map"]
    moved = (frame["from"] == "110221") & (frame["year"] == 2000)
    frame.loc[moved, "to"] = "110201"
    source = feed(country, frame)
    audit = source.tables["audit.csv"].set_index(["zone", "year", "decision"])
    assert audit.loc[("120121", 2020, "our own map"), ["unit", "detail"]].tolist() == ["1201:林场", "from edited.csv"]
    assert audit.loc[("110101", 2020, "development_zone_shared"), "detail"].endswith(
        "of its residents; from edited.csv"
    )
    # A line that was moved and kept its old reason is told as well; so are the residents of the map.
    assert audit.loc[("110201", 2000, "map"), ["unit", "people"]].tolist() == ["110221", 3 * PERSONS]
    merged = audit.xs("merged:crosswalk", level="decision")
    assert merged["unit"].to_dict() == {("110222", 2019): "110222;110223", ("120101", 2019): "120101;120102"}
    assert set(merged["detail"]) == {"from edited.csv"}


def test_zones_may_be_called_as_their_writer_likes(country, first):
    frame = first.tables["crosswalk.csv"].copy()
    frame["to"] = frame["to"].replace("120101", "the south")
    audit = feed(country, frame).tables["audit.csv"].set_index(["zone", "decision"])
    assert audit.loc[("the south", "merged:crosswalk"), ["name", "unit"]].tolist() == ["上区", "120101;120102"]


def test_every_line_of_the_rules_says_why(first):
    audit = first.tables["audit.csv"].set_index(["zone", "decision"])["detail"]
    assert (audit.str.len() > 0).all()
    assert audit["110103", "code_history"] == "2015: 110121 to 110103"
    assert audit["110104", "code_history"] == "0.800000 of its residents; 2014: 110105 to 110104"
    assert audit["110102", "development_zone_shared"].endswith("shared out by residents, this part to 110102")
    assert audit["120101", "development_zone_merged"] == "cut out of 120101;120102, which are one zone for it"
    assert "110101" not in audit["110201", "only_polygon"]
    assert "all in this zone" in audit["110201", "only_polygon"]


def test_the_last_of_several_changes_is_named(tmp_path):
    country = SmallCountry(tmp_path)
    country.history[1:2] = [
        ("110121", "南县", "1981", "2012", "110122"),
        ("110122", "南市", "2012", "2015", "110103"),
    ]
    audit = country.build().tables["audit.csv"].set_index(["zone", "decision"])["detail"]
    assert audit["110103", "code_history"] == "2015: 110122 to 110103"
    country.history[2:3] = [("110122", "南市", "2012", "2016", "110103[2014];110103")]
    country.history.append(("110103", "南区", "2014", "", "110103[2018]"))  # a new name is no change of code
    audit = country.build().tables["audit.csv"].set_index(["zone", "decision"])["detail"]
    assert audit["110103", "code_history"] == "2016: 110122 to 110103"


def test_a_zone_across_prefectures_is_listed(tmp_path):
    country = SmallCountry(tmp_path)
    country.decisions.append(["2019", "110104", "110201", "one town"])
    source = country.build()
    audit = source.tables["audit.csv"].set_index("decision")
    line = audit.loc["spans_prefectures"]
    assert (line["zone"], line["year"], line["unit"]) == ("110104", 2019, "110104;110201")
    assert line["detail"] == "prefectures 1101;1102"


def test_a_corrected_cell_stands_under_the_first_zone_of_its_unit(tmp_path):
    country = SmallCountry(tmp_path)
    country.bent[2010]["老区", "户数"] = 41
    cells = [("census_2010.xlsx", country.line(2010, "老区"), "户数", "41", "100", "its total leaves it")]
    country.table("corrections.csv", ("file", "line", "column", "found", "use", "reason"), cells)
    country.section["census"]["2010"]["corrections"] = "corrections.csv"
    audit = country.build().tables["audit.csv"].set_index("decision")
    assert audit.loc["corrected_cell", ["zone", "unit"]].tolist() == ["110102", "110105"]


def test_names_stand_beside_the_codes_and_are_ignored_when_fed_back(country, first):
    frame = first.tables["crosswalk.csv"]
    assert tuple(frame.columns) == (*crosswalk.COLUMNS, *crosswalk.NAMES)
    named = {(line["from"], line["year"]): (line["from_name"], line["to_name"]) for line in frame.to_dict("records")}
    assert named["110121", 2010] == ("南县", "南区")
    assert named["110102", 2000] == ("西区", "西区")
    assert named["120102", 2019] == ("下区", "下区等2")
    bent = frame.assign(from_name="wrong", to_name="")
    pd.testing.assert_frame_equal(feed(country, bent).population, first.population)
    pd.testing.assert_frame_equal(feed(country, frame[list(crosswalk.COLUMNS)]).population, first.population)


def test_a_line_without_a_reason_is_refused(country, first):
    frame = first.tables["crosswalk.csv"].copy()
    frame.loc[frame.index[3], "reason"] = " "
    assert refused(country, frame) == [("E-XWALK", "edited.csv", 5, "reason", "", None)]


def test_a_year_left_out_as_a_whole_is_one_error(country, first):
    frame = first.tables["crosswalk.csv"]
    without = frame[frame["year"] != 2010]
    everybody = float(country.people(2010))
    assert refused(country, without) == [("E-XWALK", "edited.csv", None, "year", "2010", everybody)]


def test_a_zone_without_residents_is_refused_on_both_paths(country, first, tmp_path):
    frame = first.tables["crosswalk.csv"].copy()
    moved = (frame["from"] == "110201") & (frame["year"] == 2010)
    frame.loc[moved, "to"] = "110101"
    frame["to"] = frame["to"].replace("110201", "the middle")  # who writes a crosswalk may call zones as he likes
    line = int(frame.index[(frame["year"] == 2019) & (frame["to"] == "the middle")][0])
    assert refused(country, frame) == [("E-POP-ZERO", "edited.csv", line, "to", "the middle", None)]
    del country.section["harmonise"]["crosswalk"]
    # The rules judge the censuses with a table before; of those the map alone knows nobody did.
    country.polygons.loc[country.polygons["code"] == "110201", "p2000"] = 0
    with pytest.raises(DataError) as caught:
        country.build()
    found = [(one.code, one.file, one.value) for one in caught.value.issues if one.severity == "error"]
    assert found == [("E-POP-ZERO", "map.gpkg", "110201")]


def test_problems_of_the_crosswalk_come_with_those_of_the_other_files(country, first):
    country.history.append(("110299", "乱", "", "", "so"))
    found = {one[0] for one in refused(country, first.tables["crosswalk.csv"].assign(share="all"))}
    assert found == {"E-XWALK", "E-HISTORY"}


def test_decisions_that_would_decide_nothing():
    rows = [
        Decision(2019, "a", ("b", "a"), "own", 2),
        Decision(2010, "x", ("a", "b", "a"), "twice", 3),
        Decision(2010, "a", ("a",), "a unit of the census under its own code", 4),
    ]
    with pytest.raises(DataError) as caught:
        decisions.check(rows, {2010: {"x", "a"}, 2019: {"a", "b"}}, {"a", "b"}, 2019, "decisions.csv")
    found = [(one.code, one.line, one.column, one.value) for one in caught.value.issues]
    assert found == [("E-DECISION", 2, "to", "a"), ("E-DECISION", 3, "to", "a")]


def test_spaces_around_semicolons_are_no_part_of_a_code(tmp_path):
    path = SmallCountry(tmp_path).table("decisions.csv", decisions.COLUMNS, [("2010", "x", "a ; b", "why")])
    assert decisions.read(path)[0].polygons == ("a", "b")


def test_polygons_carry_the_numbers_of_their_zones(tmp_path):
    country = SmallCountry(tmp_path)
    config = zones_config.parse(country.write(), tmp_path)
    built = assemble.build(config, seed=0)
    built.polygons.to_file(tmp_path / "zones.gpkg", layer="zones", driver="GPKG")
    layer = gpd.read_file(tmp_path / "zones.gpkg", layer="zones").set_index("code")
    years = [f"population_{year}" for year in (2000, 2010, 2020)]
    counted = [f"population_counted_{year}" for year in (2000, 2010, 2020)]
    names = ["name", "province", "prefecture", "area_km2", *years, *counted, "growth_2010_2020", "geometry"]
    assert layer.columns.tolist() == names
    fewer = assemble.with_numbers(built.polygons, built.dataset.sel(year=[2000, 2010]))
    assert [name for name in fewer if "20" in name] == [*years[:2], *counted[:2], "growth_2000_2010"]
    people = built.dataset["population"].to_pandas()
    np.testing.assert_array_equal(layer[years], people.loc[layer.index])
    np.testing.assert_array_equal(layer["growth_2010_2020"], np.log(people[2020] / people[2010]).loc[layer.index])
    np.testing.assert_array_equal(layer["area_km2"], built.dataset["area"])
    with sqlite3.connect(tmp_path / "zones.gpkg") as table:
        (unknown,) = table.execute("select code from zones where population_2000 is null").fetchall()
    assert unknown == ("110222",)
    assert layer.loc["110222", counted].tolist() == [0, 1, 1]
