"""Bad inputs: each is an error with code, file, line, column, value, rule, fix; all of a run come at once."""

import pytest
import shapely

from geo.errors import DataError, error
from geo.sources import panel

CELLS = [
    # column, text, code, people of zone 110102 that the message names
    ("p2010", "-5", "E-POP-NEG", 0),
    ("p2010", "0", "E-POP-ZERO", 0),
    ("p2010", "", "E-POP-MISSING", None),
    ("p2010", "200.5", "E-POP-FRACTIONAL", 200.5),
    ("p2010", "about 200", "E-NUM", None),
    ("p2010", "2,000", "E-NUM", None),
    ("p2010", "２００²", "E-NUM", None),
    ("p2010", "①", "E-NUM", None),
    ("p2010", "-", "E-NUM", None),
    ("p2010", "200,5", "E-NUM", None),
    ("p2010", "2_00", "E-NUM", None),
    ("p2010", "NaN", "E-NUM", None),
    ("p2010", "inf", "E-NUM-INF", None),
    ("p2010", "1e400", "E-NUM-INF", None),
    ("school", "12.3*", "E-NUM", 200),
    ("school", "-", "E-NUM", 200),
    ("school", "", "E-MISSING", 200),
    ("school", "-1", "E-NEG", 200),
    ("urban", "201", "E-SHARE", 200),
    ("birth", "119", "E-RATE-RANGE", 200),
    ("birth", "-1", "E-RATE-RANGE", 200),
    ("death", "", "E-MISSING", 200),
    ("km2", "0", "E-AREA", 200),
    ("km2", "", "E-AREA", 200),
    ("lat", "104.5", "E-POS-RANGE", 200),
    ("lon", "", "E-POS-RANGE", 200),
    ("lon", "114.5", "E-POS-FAR", 200),
    ("prov", "", "E-PROVINCE", 200),
]


@pytest.mark.parametrize(("column", "text", "code", "people"), CELLS)
def test_bad_cell_is_one_error_at_its_place(small_panel, column, text, code, people):
    if column == "p2010":
        del small_panel.section["covariates"]["urban_share"]  # it is divided by p2010 and would complain as well
    small_panel.set("110102", column, text)
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.file, issue.line, issue.column) == (code, "census.csv", 3, column)
    assert issue.people == people
    if code not in {"E-SHARE", "E-RATE-RANGE", "E-NEG", "E-POS-FAR"}:  # these name the finished quantity
        assert issue.value == text


def test_every_problem_of_both_files_comes_at_once(small_panel):
    small_panel.set("110101", "p2020", "-1")
    small_panel.set("110103", "school", "n/a")
    small_panel.set("120101", "birth", "")
    small_panel.section["table"]["area"]["column"] = "km_2"
    shapes = small_panel.polygons.geometry.to_list()
    shapes[4] = shapely.Polygon([(104, 35), (105, 36), (105, 35), (104, 36)])
    small_panel.polygons = small_panel.polygons.set_geometry(shapes, crs=4326)
    small_panel.polygons.loc[8, "code"] = "120109"
    with pytest.raises(DataError) as caught:
        panel.build(small_panel.write())
    codes = sorted(issue.code for issue in caught.value.issues if issue.severity == "error")
    wanted = ["E-COL-MISSING", "E-GEOM-INVALID", "E-JOIN-UNMATCHED", "E-JOIN-UNMATCHED", "E-MISSING", "E-NUM"]
    assert codes == [*wanted, "E-POP-NEG"]
    text = str(caught.value)
    assert text.startswith("7 errors in the input\n")
    assert "E-NUM census.csv:4 column 'school' value 'n/a': " in text
    assert "(510 people)" in text  # those of the bow-tie


def test_an_unreadable_file_does_not_hide_the_other(small_panel):
    config = small_panel.write()
    (small_panel.folder / "squares.gpkg").write_bytes(b"not a geopackage at all")
    small_panel.set("110101", "p2020", "")
    small_panel.write_table()
    assert sorted(issue.code for issue in small_panel.errors_of(config)) == ["E-IO-FORMAT", "E-POP-MISSING"]


def test_errors_of_one_kind_are_one_line(small_panel):
    for row in small_panel.rows:
        row[8], row[9], row[12] = "?", "?", "?"
    with pytest.raises(DataError) as caught:
        panel.build(small_panel.write())
    count = sum(issue.severity == "error" for issue in caught.value.issues)
    first, *lines = str(caught.value).splitlines()
    assert first == f"{count} errors in the input"
    rows = len(small_panel.rows)
    assert count == 3 * rows
    assert [line.split(": ")[0] for line in lines] == [
        f"E-NUM census.csv:2-{rows + 1} column '{column}' value '?' ({rows} alike)"
        for column in ("p2010", "p2020", "school")
    ]


def test_many_kinds_of_errors_are_shown_in_part():
    issues = [error(f"E-{kind}", "census.csv", rule="a rule", fix="a fix") for kind in range(25)]
    lines = str(DataError(issues)).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "... and 5 more kinds, all in issues.csv"


def test_a_line_of_many_errors_has_their_places_values_and_people():
    lines = (359, 360, 361, 371)
    issues = [
        error(
            "E-NUM",
            "census.csv",
            line=at,
            column="p2020",
            value=str(at),
            rule=f"{at} is no number",
            fix="correct it",
            people=10.0,
        )
        for at in lines
    ]
    assert str(DataError(issues)).splitlines()[1] == (
        "E-NUM census.csv:359-361, 371 column 'p2020' values '359', '360', '361', '371' (4 alike): "
        "359 is no number (40 people in all); fix: correct it"
    )


def test_line_numbers_count_lines_not_rows(small_panel):
    small_panel.set("110101", "name", "A\nquarter")  # a quoted cell over two lines
    small_panel.set("110102", "death", "x")
    assert small_panel.only(small_panel.errors_of(small_panel.write())).line == 4


# Codes and the join


@pytest.mark.parametrize(
    ("text", "code"),
    [("11010", "E-CODE-FORMAT"), ("110101.0", "E-CODE-FORMAT"), ("", "E-CODE-FORMAT"), ("1.10101E+5", "E-CODE-SCI")],
)
def test_code_that_is_not_six_digits(small_panel, text, code):
    small_panel.rows[0][0] = text
    issues = small_panel.errors_of(small_panel.write())
    assert {issue.code for issue in issues} == {code, "E-JOIN-UNMATCHED"}
    assert next(issue for issue in issues if issue.code == code).value == text


def test_duplicate_code_in_the_table(small_panel):
    small_panel.rows[1][0] = "110101"
    issues = small_panel.errors_of(small_panel.write())
    duplicates = [issue for issue in issues if issue.code == "E-CODE-DUP"]
    assert [(issue.file, issue.line, issue.value) for issue in duplicates] == [
        ("census.csv", 2, "110101"),
        ("census.csv", 3, "110101"),
    ]
    assert "also at 3" in duplicates[0].rule


def test_duplicate_code_in_the_polygons(small_panel):
    small_panel.polygons.loc[9] = small_panel.polygons.loc[0]
    issues = small_panel.errors_of(small_panel.write())
    assert [(issue.code, issue.file, issue.line) for issue in issues] == [
        ("E-CODE-DUP", "squares.gpkg", 1),
        ("E-CODE-DUP", "squares.gpkg", 10),
    ]


def test_row_without_polygon_names_the_people_lost(small_panel):
    small_panel.polygons = small_panel.polygons.drop(index=5)
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.file, issue.line, issue.value) == ("E-JOIN-UNMATCHED", "census.csv", 7, "110203")
    assert issue.people == 610


def test_polygon_without_row(small_panel):
    del small_panel.rows[5]
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.file, issue.line, issue.value) == ("E-JOIN-UNMATCHED", "squares.gpkg", 6, "110203")


def test_subtotal_row_is_recognised(small_panel):
    small_panel.rows.append(["110000", "P", "11", "P", "1100", "104", "35", "9", "2100", "2160", "12", "7", "9", "9"])
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert issue.people == 2160
    assert "total" in issue.fix


def test_two_zones_at_one_position(small_panel):
    small_panel.set("110102", "lon", "103.9")
    small_panel.set("110101", "lon", "103.9")
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert issue.code == "E-DIST-ZERO"
    assert "110101 and 110102" in issue.rule


def test_a_province_without_any_value_has_no_mean(small_panel):
    for code in ("120101", "120102", "120103"):
        small_panel.set(code, "school", "")
    small_panel.section["covariates"]["schooling"]["missing"] = "province_mean"
    issues = small_panel.errors_of(small_panel.write())
    assert [(issue.code, issue.line) for issue in issues] == [("E-MISSING-PROVINCE", line) for line in (8, 9, 10)]


def test_division_by_zero_people(small_panel):
    small_panel.set("110101", "p2010", "0")
    small_panel.section["population"]["2010"]["allow_zero"] = True
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-DIV-ZERO"


# Tables


def test_missing_column_names_the_closest(small_panel):
    small_panel.section["population"]["2020"]["column"] = "p2O20"
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.column) == ("E-COL-MISSING", "p2O20")
    assert "'p2020'" in issue.fix


def test_duplicated_header(small_panel):
    small_panel.header[9] = "p2010"
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-COL-DUP"


TABLES = [
    (lambda text: text.replace(",A,11", ",A,x,11").encode(), "E-CSV-RAGGED", 2),
    (lambda text: text.replace(",", ";").encode(), "E-CSV-DELIM", 1),
    (lambda text: text.replace(",A,", ",东城区,").encode("gb18030"), "E-ENC", 2),
    (lambda text: text.splitlines()[0].encode(), "E-EMPTY", None),
    (lambda text: text.replace(",A,", ',"A,').encode(), "E-IO-CORRUPT", 2),
]


@pytest.mark.parametrize(("spoil", "code", "line"), TABLES)
def test_spoilt_table(small_panel, spoil, code, line):
    config = small_panel.write()
    path = small_panel.folder / "census.csv"
    path.write_bytes(spoil(path.read_text()))
    issue = small_panel.only(small_panel.errors_of(config))
    assert (issue.code, issue.file, issue.line) == (code, "census.csv", line)


def test_missing_files(small_panel):
    issues = small_panel.errors_of(small_panel.parse())
    assert [(issue.code, issue.file) for issue in issues] == [
        ("E-IO-MISSING", "census.csv"),
        ("E-IO-MISSING", "squares.gpkg"),
    ]
