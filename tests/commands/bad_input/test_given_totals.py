"""Totals that flows are to have, and that are wrong (rows 87 to 89): each told with code, place, value and fix."""

import csv

import numpy as np
import pytest

from geo import flows
from geo.config import BalanceTables
from geo.errors import DataError

FLOWS = [["from", "to", "people"], ["A", "B", "20"], ["B", "C", "5"], ["C", "A", "8"]]
ZONES = [
    ["code", "region", "left", "net"],
    ["A", "north", "20", "-12"],
    ["B", "south", "", "15"],
    ["C", "south", "8", ""],
]
BLOCKS = [["from", "to", "people"], ["north", "south", "20"], ["south", "south", ""]]
ENDS = {"origin": "from", "destination": "to", "flow": "people"}


class Given:
    """Three tables that a test bends before they are written."""

    def __init__(self, folder):
        self.folder = folder
        self.flows, self.zones, self.blocks = ([row[:] for row in table] for table in (FLOWS, ZONES, BLOCKS[:2]))
        self.totals = {"file": "zones.csv", "id": "code", "outflow": "left", "net": "net", "group": "region"}
        self.totals["block"] = {"file": "blocks.csv", **ENDS}

    def sections(self):
        """Writes the tables and gives the sections that name them."""
        for name in ("flows", "zones", "blocks"):
            with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(getattr(self, name))
        return {"flows": {"file": "flows.csv", **ENDS}, "totals": self.totals}

    def read(self):
        return flows.read_prior(BalanceTables.read(self.sections(), self.folder))

    def errors(self):
        with pytest.raises(DataError) as caught:
            self.read()
        errors = [issue for issue in caught.value.issues if issue.severity == "error"]
        assert all(issue.file and issue.rule and issue.fix for issue in errors)
        return errors

    def only(self):
        (issue,) = self.errors()
        return issue


@pytest.fixture
def given(tmp_path):
    return Given(tmp_path)


def place(issue):
    return issue.code, issue.file, issue.line, issue.column, issue.value


def test_what_is_right_is_read(given):
    read, nan = given.read(), np.nan
    assert read.zones == ("A", "B", "C")
    np.testing.assert_array_equal(read.flow, [[0, 20, 0], [0, 0, 5], [8, 0, 0]])
    assert set(read.totals) == {"outflow", "net"}
    np.testing.assert_array_equal(read.totals["outflow"], [20, nan, 8])
    np.testing.assert_array_equal(read.totals["net"], [-12, 15, nan])
    assert read.blocks.groups == ("north", "south")
    np.testing.assert_array_equal(read.blocks.group, [0, 1, 1])
    np.testing.assert_array_equal(read.blocks.flow, [[nan, 20], [nan, nan]])


@pytest.mark.row(87)
@pytest.mark.parametrize(
    ("text", "code"), [("-20", "E-OD-TOTAL"), ("twenty", "E-NUM"), ("-", "E-NUM"), ("inf", "E-NUM-INF")]
)
def test_total_that_is_none(given, text, code):
    given.zones[1][2] = text
    assert place(given.only()) == (code, "zones.csv", 2, "left", text)


@pytest.mark.row(87)
def test_totals_that_are_all_blank(given):
    given.zones = [row if at == 0 else [*row[:2], "", ""] for at, row in enumerate(given.zones)]
    del given.totals["block"], given.totals["group"]
    assert place(given.only())[:2] == ("E-OD-TOTAL", "zones.csv")


def test_text_for_unknown_is_a_total_that_is_not_given(given):
    given.zones[1][2], given.totals["missing_values"] = "-", ["-"]
    np.testing.assert_array_equal(given.read().totals["outflow"], [np.nan, np.nan, 8])


@pytest.mark.row(88)
def test_block_between_groups_that_no_zone_has(given):
    given.blocks[1][1] = "sout"
    issue = given.only()
    assert place(issue) == ("E-OD-GROUP", "blocks.csv", 2, "to", "sout")
    assert "is it south?" in issue.fix


@pytest.mark.row(88)
def test_block_that_stands_twice_or_has_no_flow(given):
    given.blocks += [BLOCKS[1], BLOCKS[2]]
    assert [(issue.code, issue.line) for issue in given.errors()] == [
        ("E-OD-FLOW", 4),
        ("E-OD-PAIR-DUP", 2),
        ("E-OD-PAIR-DUP", 3),
    ]
    assert "[totals.block] missing_values" in given.errors()[0].fix


@pytest.mark.row(88)
def test_zone_without_a_group(given):
    given.zones[3][1] = ""
    assert place(given.only()) == ("E-OD-GROUP", "zones.csv", 4, "region", "")


@pytest.mark.row(89)
def test_prior_between_zones_without_a_row(given):
    del given.zones[3]
    errors = given.errors()
    assert [place(issue) for issue in errors] == [
        ("E-OD-ZONE-UNKNOWN", "flows.csv", 4, "from", "C"),
        ("E-OD-ZONE-UNKNOWN", "flows.csv", 3, "to", "C"),
    ]
    assert "zones of [totals]" in errors[0].rule
    assert "add the zone to [totals]" in errors[0].fix


@pytest.mark.row(89)
def test_row_of_totals_twice_and_missing_columns(given):
    given.zones.append(given.zones[1])
    assert [(issue.code, issue.line) for issue in given.errors()] == [("E-CODE-DUP", 2), ("E-CODE-DUP", 5)]
    del given.zones[4]
    given.zones[0][2:] = ["lef", "saldo"]
    assert [(issue.code, issue.column) for issue in given.errors()] == [
        ("E-COL-MISSING", "left"),
        ("E-COL-MISSING", "net"),
    ]
    assert "'lef'" in given.errors()[0].fix


@pytest.mark.row(89)
def test_every_problem_of_all_files_comes_at_once(given):
    given.flows[1][2], given.zones[1][2], given.blocks[1][0] = "-1", "-2", "east"
    assert {issue.code for issue in given.errors()} == {"E-OD-FLOW", "E-OD-TOTAL", "E-OD-GROUP"}
    given.flows = [["from"], ["A"]]
    assert {issue.code for issue in given.errors()} == {"E-COL-MISSING", "E-OD-TOTAL", "E-OD-GROUP"}


@pytest.mark.parametrize(
    ("table", "line", "column", "text", "code"),
    [
        pytest.param("zones", 2, "left", "-20", "E-OD-TOTAL", marks=pytest.mark.row(87)),
        pytest.param("blocks", 2, "to", "sout", "E-OD-GROUP", marks=pytest.mark.row(88)),
        pytest.param("flows", 4, "from", "Cc", "E-OD-ZONE-UNKNOWN", marks=pytest.mark.row(89)),
    ],
)
def test_the_command_names_a_wrong_cell(given, balance_flows, table, line, column, text, code):
    rows = getattr(given, table)
    rows[line - 1] = rows[line - 1][:]
    rows[line - 1][rows[0].index(column)] = text
    issue = balance_flows(given.sections()).only(code)
    assert (issue["file"], issue["line"], issue["column"], issue["value"]) == (f"{table}.csv", str(line), column, text)
