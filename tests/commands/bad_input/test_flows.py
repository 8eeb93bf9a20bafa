"""Flow tables that are wrong (row 60, and rows 73 to 86): each told with code, place, value, fix and people."""

import geopandas as gpd
import pytest
import shapely
from small_flows import SmallFlows


@pytest.fixture
def small(tmp_path):
    return SmallFlows(tmp_path)


def place(issue):
    return issue.code, issue.file, issue.line, issue.column, issue.value


@pytest.mark.row(60)
def test_axes_of_a_matrix_in_different_orders(small):
    small.as_matrix()
    small.table[0] = ["", "A", "C", "B"]
    issue = small.only("E-OD-ORDER")
    assert place(issue) == ("E-OD-ORDER", "flows.csv", 3, "C", "B")
    assert "2 places differ: place 2 is B in the rows, C in the columns; place 3 is C" in issue.rule


@pytest.mark.row(60)
def test_distances_in_another_order_than_the_flows(small):
    small.as_matrix(distance={"matrix": "cost.csv"})
    small.write("cost.csv", [["", "B", "A", "C"], *([label, "1", "2", "3"] for label in "BAC")])
    errors = small.errors()
    assert {(issue.code, issue.file, issue.value) for issue in errors} == {("E-OD-ORDER", "cost.csv", "B")}
    assert [("rows" in issue.rule, "columns" in issue.rule) for issue in errors] == [(True, False), (False, True)]


@pytest.mark.row(73)
def test_matrix_without_labels(small):
    small.as_matrix()
    small.table = [["0", "20", "5"], ["12", "0", "30"], ["7", "8", "0"]]
    issue = small.only("E-OD-LABEL")
    assert place(issue) == ("E-OD-LABEL", "flows.csv", 1, None, "0")
    assert "this has none" in issue.rule


@pytest.mark.row(73)
def test_labels_of_a_matrix_that_are_blank_or_stand_twice(small):
    small.as_matrix()
    small.table[0] = ["", "A", "", "A"]
    small.table[2][0] = ""
    errors = small.errors()
    assert [place(issue) for issue in errors] == [
        ("E-OD-LABEL", "flows.csv", 1, None, "A"),
        ("E-OD-LABEL", "flows.csv", 1, None, ""),
        ("E-OD-LABEL", "flows.csv", 1, None, "A"),
        ("E-OD-LABEL", "flows.csv", 3, None, ""),
    ]
    assert "column 1 has that of column 3" in errors[0].rule


def test_columns_that_are_wholly_blank_are_no_zones(small):
    small.as_matrix()
    small.table = [[*row, "", ""] for row in small.table]
    assert small.read().destinations == ("A", "B", "C")


@pytest.mark.row(73)
def test_row_without_a_label(small):
    small.set(3, "to", "")
    issue = small.only("E-OD-LABEL")
    assert place(issue) == ("E-OD-LABEL", "flows.csv", 3, "to", "")
    assert issue.people == 5


@pytest.mark.row(74)
def test_pair_twice(small):
    small.table.append(["A", "B", "21", *small.table[1][3:]])
    errors = small.errors()
    assert [(*place(issue), issue.people) for issue in errors] == [
        ("E-OD-PAIR-DUP", "flows.csv", 2, "people", "A to B", 20),
        ("E-OD-PAIR-DUP", "flows.csv", 8, "people", "A to B", 21),
    ]
    assert ["also at 8" in errors[0].rule, "also at 2" in errors[1].rule] == [True, True]


@pytest.mark.row(75)
def test_flow_between_zones_that_are_not_there(small):
    small.with_zones()
    small.zone_table[3][0] = "Cc"
    errors = small.errors()
    assert [(*place(issue), issue.people) for issue in errors] == [
        ("E-OD-ZONE-UNKNOWN", "flows.csv", 6, "from", "C", 8),
        ("E-OD-ZONE-UNKNOWN", "flows.csv", 3, "to", "C", 35),
    ]
    assert "2 pairs to this" in errors[1].rule
    assert "is it Cc?" in errors[0].fix


@pytest.mark.row(75)
def test_label_of_a_matrix_that_no_zone_has(small):
    small.as_matrix().with_zones()
    small.table[3][0] = "Q"
    issue = small.only("E-OD-ZONE-UNKNOWN")
    assert place(issue) == ("E-OD-ZONE-UNKNOWN", "flows.csv", 4, None, "Q")
    assert issue.people == 8


@pytest.mark.row(76)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-3", "E-OD-FLOW"),
        ("", "E-OD-FLOW"),
        ("few", "E-NUM"),
        ("-", "E-NUM"),
        ("1,200", "E-NUM"),
        ("inf", "E-NUM-INF"),
    ],
)
def test_flow_that_is_none(small, text, code):
    small.set(4, "people", text)
    assert place(small.only(code)) == (code, "flows.csv", 4, "people", text)


@pytest.mark.row(76)
def test_negative_flow_of_a_matrix(small):
    small.as_matrix()
    small.table[2][3] = "-30"
    assert place(small.only("E-OD-FLOW")) == ("E-OD-FLOW", "flows.csv", 3, "C", "-30")


def test_fractions_of_flows_are_fine(small):
    small.set(4, "people", "12.25")
    assert small.read().flow[1, 0] == 12.25


@pytest.mark.row(77)
def test_sums_of_a_matrix_that_are_wrong(small):
    small.as_matrix(total="Total")
    small.table = [[*row, total] for row, total in zip(small.table, ["Total", "95", "41", "8"], strict=True)]
    small.table.append(["Total", "82", "30", "35", "146"])
    errors = small.errors()
    assert [(*place(issue), issue.people) for issue in errors] == [
        ("E-OD-SUM", "flows.csv", 3, "Total", "41", 1),
        ("E-OD-SUM", "flows.csv", 5, "B", "30", 2),
        ("E-OD-SUM", "flows.csv", 5, "Total", "146", 1),
    ]
    assert "42; they differ by +1" in errors[0].rule


@pytest.mark.row(77)
def test_where_pairs_may_be_missing_a_sum_may_not_be_less_than_its_parts(small):
    small.as_matrix(total="T", absent_pairs="missing")
    small.table = [[*row, total] for row, total in zip(small.table, ["T", "95", "42", "9"], strict=True)]
    assert small.read().flow.sum() == 75  # a cell of the last row is blank
    small.table[3][4] = "7"
    assert place(small.only("E-OD-SUM")) == ("E-OD-SUM", "flows.csv", 4, "T", "7")
    small.table[3][4], small.table[1][4] = "9", "96"
    assert place(small.only("E-OD-SUM")) == ("E-OD-SUM", "flows.csv", 2, "T", "96")


@pytest.mark.row(77)
def test_label_of_sums_that_is_not_there(small):
    small.as_matrix(total="Sum")
    assert place(small.only("E-OD-LABEL")) == ("E-OD-LABEL", "flows.csv", None, None, "Sum")


@pytest.mark.row(78)
def test_published_totals_that_the_flows_do_not_make(small):
    small.with_zones(outflow="left", inflow="came")
    small.set_zone(2, "left", "26")
    small.set_zone(4, "came", "34")
    errors = small.errors()
    assert [(*place(issue), issue.people) for issue in errors] == [
        ("E-OD-SUM", "zones.csv", 2, "left", "26", 1),
        ("E-OD-SUM", "zones.csv", 4, "came", "34", 1),
    ]
    small.flows["absent_pairs"] = "missing"
    assert small.only("E-OD-SUM").column == "came"  # more people than are published


@pytest.mark.row(79)
@pytest.mark.parametrize(
    ("text", "code"), [("", "E-OD-DISTANCE"), ("-1", "E-OD-DISTANCE"), ("far", "E-NUM"), ("1e999", "E-NUM-INF")]
)
def test_distance_that_is_none(small, text, code):
    small.flows |= {"distance": "km", "absent_pairs": "missing"}
    small.set(5, "km", text)
    issue = small.only(code)
    assert place(issue) == (code, "flows.csv", 5, "km", text)
    assert issue.people == (30 if code == "E-OD-DISTANCE" else None)


def test_a_pair_that_is_left_out_needs_no_distance(small):
    small.flows |= {"distance": "km", "absent_pairs": "missing"}
    small.set(7, "km", "")
    assert small.read().allowed.sum() == 5


@pytest.mark.row(79)
@pytest.mark.parametrize(
    ("absent", "said"), [("zero", "count as zeros"), ({"below": 4, "column": "cases"}, "count as below the threshold")]
)
def test_absent_pairs_that_count_need_distances(small, absent, said):
    small.flows |= {"distance": "km", "absent_pairs": absent}
    small.table.append(["B", "D", "9", "10", "9", "1", "1", "0"])
    issue = small.only("E-OD-DISTANCE")
    assert place(issue) == ("E-OD-DISTANCE", "flows.csv", None, "km", "A to D")
    assert issue.rule.startswith("3 pairs are not listed")
    assert said in issue.rule
    assert "haversine" in issue.fix


def test_a_misspelt_label_is_one_problem(small):
    small.with_zones()
    small.flows["distance"] = "km"
    small.table.append(["C", "A", "0", "200", "0", "3000", "1000", "0"])
    small.set(2, "to", "Bb")  # its pair is not absent, but listed under a wrong name
    assert place(small.only("E-OD-ZONE-UNKNOWN")) == ("E-OD-ZONE-UNKNOWN", "flows.csv", 2, "to", "Bb")


def test_a_wrong_mass_is_one_problem(small):
    small.set(6, "size_o", "many")  # the only row from C, whose other pair is absent
    assert place(small.only("E-NUM", ["size_o"], [], [])) == ("E-NUM", "flows.csv", 6, "size_o", "many")


@pytest.mark.row(79)
def test_matrix_of_distances_with_gaps(small):
    small.flows["distance"] = {"matrix": "cost.csv"}
    small.write("cost.csv", [["", "A", "B", "C"], ["A", "", "1", ""], ["B", "1", "", "-2"], ["C", "1", "1", ""]])
    assert place(small.only("E-OD-DISTANCE")) == ("E-OD-DISTANCE", "cost.csv", 3, "C", "-2")
    small.write("cost.csv", [["", "A", "B", "C"], ["A", "", "1", ""], ["B", "1", "", "2"], ["C", "1", "1", ""]])
    issue = small.only("E-OD-DISTANCE")
    assert place(issue) == ("E-OD-DISTANCE", "cost.csv", 2, "C", "")
    assert "A to C has none" in issue.rule
    small.write("cost.csv", [["", "A", "B", "Cc"], ["A", "", "1", "1"], ["B", "1", "", "2"], ["C", "1", "1", ""]])
    issue = small.only("E-OD-DISTANCE")
    assert place(issue) == ("E-OD-DISTANCE", "cost.csv", None, None, "C")
    assert "is it Cc?" in issue.fix


@pytest.mark.row(80)
@pytest.mark.parametrize(("text", "code"), [("", "E-OD-POSITION"), ("north", "E-NUM"), ("91", "E-POS-RANGE")])
def test_zone_without_a_position(small, text, code):
    small.with_zones()
    small.set_zone(3, "lat", text)
    small.read()  # nobody asks where it is
    small.flows["distance"] = "geodesic"
    assert place(small.only(code)) == (code, "zones.csv", 3, "lat", text)


@pytest.mark.row(80)
def test_two_zones_at_one_place(small):
    small.with_zones()
    small.flows["distance"] = "haversine"
    small.set_zone(3, "lon", "0.0")
    issue = small.only("E-DIST-ZERO")
    assert (issue.file, issue.line) == ("zones.csv", 3)


@pytest.mark.row(80)
def test_polygon_that_gives_no_position(small, tmp_path):
    shapes = [shapely.box(0, 0, 1, 1), shapely.Polygon([(1, 0), (2, 1), (2, 0), (1, 1)]), shapely.box(2, 0, 3, 1)]
    gpd.GeoDataFrame({"id": ["A", "B", "C"]}, geometry=shapes, crs=4326).to_file(tmp_path / "zones.geojson")
    small.zones = {"file": "zones.geojson", "id": "id"}
    small.flows["distance"] = "haversine"
    issue = small.only("E-GEOM-INVALID")
    assert place(issue) == ("E-GEOM-INVALID", "zones.geojson", 2, "id", "B")


@pytest.mark.row(81)
def test_blank_mass(small):
    small.with_zones()
    small.set_zone(4, "population", "")
    issue = small.only("E-OD-COVARIATE", ["population"], ["population"], [])
    assert place(issue) == ("E-OD-COVARIATE", "zones.csv", 4, "population", "")


@pytest.mark.row(81)
def test_blank_number_of_a_pair(small):
    small.flows["absent_pairs"] = "missing"
    small.set(7, "border", "")  # within a zone, and left out
    small.set(6, "border", "")
    assert place(small.only("E-OD-COVARIATE", [], [], ["border"])) == ("E-OD-COVARIATE", "flows.csv", 6, "border", "")


@pytest.mark.row(81)
@pytest.mark.parametrize("columns", [([], [], ["border"]), (["size_d"], [], [])])
def test_absent_pairs_that_count_need_every_number(small, columns):
    name = [*columns[0], *columns[2]][0]
    issue = small.only("E-OD-COVARIATE", *columns)
    assert place(issue) == ("E-OD-COVARIATE", "flows.csv", None, name, "C to A")
    assert issue.rule.startswith("1 pairs are not listed")


@pytest.mark.row(81)
def test_zone_that_no_row_gives_a_mass(small):
    small.with_zones()
    small.zone_table.append(["D", "2", "2", "9", "", ""])
    issue = small.only("E-OD-COVARIATE", ["size_o"], [], [])
    assert place(issue) == ("E-OD-COVARIATE", "flows.csv", None, "size_o", "D to A")


@pytest.mark.row(82)
@pytest.mark.parametrize("text", ["3", ""])
def test_listed_pair_below_the_threshold(small, text):
    small.flows["absent_pairs"] = {"below": 4, "column": "cases"}
    small.set(4, "cases", text)
    issue = small.only("E-OD-THRESHOLD")
    assert place(issue) == ("E-OD-THRESHOLD", "flows.csv", 4, "cases", text)
    assert issue.people == 12


@pytest.mark.row(83)
def test_missing_columns_name_the_closest(small):
    small.with_zones(outflow="lefft")
    small.flows |= {"distance": "kms", "absent_pairs": {"below": 4, "column": "case"}}
    errors = small.errors(["populaton"], ["size"], ["boarder"])
    found = {(issue.file, issue.column): issue.fix for issue in errors}
    assert {issue.code for issue in errors} == {"E-COL-MISSING"}
    wanted = {("zones.csv", "lefft"): "'left'", ("zones.csv", "populaton"): "'population'"}
    wanted |= {("zones.csv", "size"): "'size_o'", ("flows.csv", "kms"): "'km'", ("flows.csv", "case"): "'cases'"}
    wanted |= {("flows.csv", "boarder"): "'border'"}
    assert found.keys() == wanted.keys()
    assert all(wanted[key] in fix for key, fix in found.items())


@pytest.mark.row(83)
def test_missing_columns_of_labels_and_flows(small):
    small.flows |= {"origin": "fron", "flow": "person"}
    small.with_zones(id="ident")
    errors = small.errors()
    assert [(issue.code, issue.file, issue.column) for issue in errors] == [
        ("E-COL-MISSING", "flows.csv", "fron"),
        ("E-COL-MISSING", "flows.csv", "person"),
        ("E-COL-MISSING", "zones.csv", "ident"),
    ]


@pytest.mark.row(83)
def test_a_matrix_has_no_columns_of_pairs(small):
    issue = small.as_matrix().only("E-COL-MISSING", [], [], ["A"])
    assert (issue.file, issue.column) == ("flows.csv", "A")


@pytest.mark.row(84)
def test_zone_twice_or_without_a_label(small):
    small.with_zones()
    small.zone_table.append(["B", "5", "5", "1", "0", "0"])
    small.zone_table.append(["", "6", "6", "1", "0", "0"])
    assert [place(issue) for issue in small.errors()] == [
        ("E-CODE-DUP", "zones.csv", 3, "id", "B"),
        ("E-CODE-DUP", "zones.csv", 5, "id", "B"),
        ("E-OD-LABEL", "zones.csv", 6, "id", ""),
    ]


@pytest.mark.row(85)
def test_zone_without_flows(small):
    small.with_zones()
    small.zone_table.append(["D", "2", "2", "9", "", ""])
    warnings = {issue.code: issue for issue in small.read().issues}
    assert place(warnings["W-OD-ZONE-IDLE"]) == ("W-OD-ZONE-IDLE", "zones.csv", 5, None, "D")


@pytest.mark.row(86)
def test_flows_that_are_left_out(small):
    small.flows["missing_values"] = ["x"]
    small.set(2, "people", "x")
    warnings = {issue.code: issue for issue in small.read().issues}
    assert (*place(warnings["W-OD-INTRAZONAL"]), warnings["W-OD-INTRAZONAL"].people) == (
        *("W-OD-INTRAZONAL", "flows.csv", 7, "people", "A to A"),
        70,
    )
    assert place(warnings["W-OD-FLOW"]) == ("W-OD-FLOW", "flows.csv", 2, "people", "A to B")


def test_every_problem_of_all_files_comes_at_once(small):
    small.with_zones(outflow="left")
    small.flows["distance"] = {"matrix": "cost.csv"}
    small.write("cost.csv", [["", "A", "B"], ["A", "", "x"], ["B", "1", ""]])
    small.set(2, "people", "-1")
    small.set(3, "size_o", "about 9")
    small.set_zone(2, "population", "?")
    codes = sorted(issue.code for issue in small.errors(["size_o"], ["population"], []))
    assert codes == ["E-NUM", "E-NUM", "E-NUM", "E-OD-DISTANCE", "E-OD-DISTANCE", "E-OD-FLOW"]


def test_an_unreadable_file_does_not_hide_the_other(small):
    small.zones = {"file": "nowhere.csv", "id": "id"}
    small.flows["distance"] = {"matrix": "costs.csv"}
    small.set(2, "people", "-1")
    found = [(issue.code, issue.file) for issue in small.errors()]
    assert found == [("E-IO-MISSING", "nowhere.csv"), ("E-IO-MISSING", "costs.csv"), ("E-OD-FLOW", "flows.csv")]


def _errors(done):
    """The errors of a command that stopped with status 3: code, file, line, column, value."""
    assert done.status == 3, done.text
    assert "Traceback" not in done.text
    errors = [issue for issue in done.issues if issue["severity"] == "error"]
    assert all(issue["rule"] and issue["fix"] and issue["code"] in done.text for issue in errors)
    return [tuple(issue[key] for key in ("code", "file", "line", "column", "value")) for issue in errors]


@pytest.mark.row(60)
def test_the_command_refuses_axes_in_different_orders(small, fit_flows):
    small.as_matrix(distance={"matrix": "cost.csv"})
    small.table[0] = ["", "A", "C", "B"]
    small.write_both()
    small.write("cost.csv", [["", "A", "C", "B"], *([label, "1", "2", "3"] for label in "ABC")])
    places = [("E-OD-ORDER", file, "3", "C", "B") for file in ("flows.csv", "cost.csv")]
    assert _errors(fit_flows({"flows": small.flows})) == places


@pytest.mark.row(77)
def test_the_command_adds_up_the_sums_of_a_matrix(small, fit_flows):
    small.as_matrix(total="Total", distance={"matrix": "cost.csv"})
    small.table = [[*row, total] for row, total in zip(small.table, ["Total", "95", "41", "8"], strict=True)]
    small.write_both()
    small.write("cost.csv", [["", *"ABC"], *([label, "1", "2", "3"] for label in "ABC")])
    assert _errors(fit_flows({"flows": small.flows})) == [("E-OD-SUM", "flows.csv", "3", "Total", "41")]


@pytest.mark.parametrize(
    ("line", "column", "text", "code"),
    [
        pytest.param(3, "to", "", "E-OD-LABEL", marks=pytest.mark.row(73)),
        pytest.param(4, "people", "-12", "E-OD-FLOW", marks=pytest.mark.row(76)),
        pytest.param(5, "km", "-1", "E-OD-DISTANCE", marks=pytest.mark.row(79)),
        pytest.param(6, "size_o", "", "E-OD-COVARIATE", marks=pytest.mark.row(81)),
        pytest.param(3, "cases", "1", "E-OD-THRESHOLD", marks=pytest.mark.row(82)),
        pytest.param(1, "km", "kms", "E-COL-MISSING", marks=pytest.mark.row(83)),
    ],
)
def test_the_command_names_a_wrong_cell_of_the_flows(small, fit_flows, line, column, text, code):
    small.table.append(["C", "A", "9", "200", "7", "3000", "1000", "0"])
    small.flows |= {"distance": "km", "absent_pairs": {"below": 2, "column": "cases"}}
    small.set(line, column, text)
    small.write_both()
    done = fit_flows({"flows": small.flows, "model": {"origin_mass": ["ln:size_o"]}})
    place = ("", "km", "") if code == "E-COL-MISSING" else (str(line), column, text)
    assert _errors(done) == [(code, "flows.csv", *place)]


@pytest.mark.parametrize(
    ("line", "column", "text", "code"),
    [
        pytest.param(2, "left", "26", "E-OD-SUM", marks=pytest.mark.row(78)),
        pytest.param(3, "lon", "", "E-OD-POSITION", marks=pytest.mark.row(80)),
        pytest.param(4, "id", "", "E-OD-LABEL", marks=pytest.mark.row(84)),
    ],
)
def test_the_command_names_a_wrong_cell_of_the_zones(small, fit_flows, line, column, text, code):
    small.with_zones(outflow="left")
    small.flows |= {"distance": "haversine"}
    small.set_zone(line, column, text)
    small.write_both()
    errors = _errors(fit_flows({"flows": small.flows, "zones": small.zones}))
    assert (code, "zones.csv", str(line), column, text) in errors


@pytest.mark.row(74)
@pytest.mark.row(75)
def test_the_command_refuses_a_pair_twice_and_one_between_unknown_zones(small, fit_flows):
    small.with_zones()
    small.flows |= {"distance": "haversine"}
    small.table += [["A", "B", "21", *small.table[1][3:]], ["A", "Q", "4", *small.table[1][3:]]]
    small.write_both()
    errors = _errors(fit_flows({"flows": small.flows, "zones": small.zones}))
    assert sorted((code, line, value) for code, _, line, _, value in errors) == [
        ("E-OD-PAIR-DUP", "2", "A to B"),
        ("E-OD-PAIR-DUP", "8", "A to B"),
        ("E-OD-ZONE-UNKNOWN", "9", "Q"),
    ]


@pytest.mark.row(85)
@pytest.mark.row(86)
def test_the_command_fits_and_tells_what_it_left_out(small, fit_flows):
    small.with_zones(exclude=["E"])
    small.zone_table += [["D", "2", "2", "10", "", ""], ["E", "3", "3", "10", "", ""]]
    small.table += [["A", "E", "4", *small.table[1][3:]], ["C", "A", "?", *small.table[1][3:]]]
    small.flows |= {"distance": "haversine", "absent_pairs": "missing", "missing_values": ["?"]}
    small.write_both()
    done = fit_flows({"flows": small.flows, "zones": small.zones})
    assert done.warning("W-OD-ZONE-IDLE")["value"] == "D"
    said = {code: done.warning(code) for code in ("W-OD-INTRAZONAL", "W-OD-EXCLUDED", "W-OD-FLOW")}
    assert {code: (one["value"], one["people"]) for code, one in said.items()} == {
        "W-OD-INTRAZONAL": ("A to A", "70.0"),
        "W-OD-EXCLUDED": ("A to E", "4.0"),
        "W-OD-FLOW": ("C to A", ""),
    }
