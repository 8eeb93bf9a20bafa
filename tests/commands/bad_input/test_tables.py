"""Cells that are no numbers, and tables that are no tables (rows 48 to 59)."""

import datetime

import openpyxl
import pytest

from geo.sources import panel


def _excel(small_panel, change):
    """Write the table as a workbook with numbers where a workbook has numbers."""
    book = openpyxl.Workbook()
    book.active.append(small_panel.header)
    for row in small_panel.rows:
        pairs = zip(small_panel.header, row, strict=True)
        book.active.append([cell if name in {"name", "prov", "prov_name"} else float(cell) for name, cell in pairs])
    change(book.active)
    book.save(small_panel.folder / "census.xlsx")
    small_panel.section["table"]["file"] = "census.xlsx"
    return small_panel.parse()


@pytest.mark.row(48)
def test_separators_between_thousands_are_declared(small_panel, build):
    small_panel.set("110102", "p2020", "1,234,567")
    small_panel.write()
    issue = build(small_panel.section).only("E-NUM")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "3", "p2020")
    assert issue["value"] == "1,234,567"
    assert 'thousands = ","' in issue["fix"]
    small_panel.section["table"]["thousands"] = ","
    assert panel.build(small_panel.parse()).population.loc["110102", 2020] == 1_234_567


@pytest.mark.row(49)
def test_marks_and_words_are_never_read_as_numbers(small_panel, build):
    cells = ["12.3万", "约5000", "5000*", "5000²", "5 000", "①", "5000(1)", "0x10", "1_000"]
    for row, cell in zip(small_panel.rows, cells, strict=True):
        row[9] = cell
    small_panel.write()
    outcome = build(small_panel.section)
    assert outcome.status == 3
    errors = [issue for issue in outcome.issues if issue["severity"] == "error"]
    found = [(issue["code"], issue["line"], issue["value"]) for issue in errors]
    assert found == [("E-NUM", str(line), cell) for line, cell in enumerate(cells, start=2)]


@pytest.mark.row(50)
def test_digits_of_full_width(small_panel, build):
    small_panel.set("110101", "p2020", "１１０")
    small_panel.set("110102", "p2020", "２１０．０")
    small_panel.write()
    issue = build(small_panel.section).warning("W-NUM-FULLWIDTH")
    assert (issue["line"], issue["column"], issue["value"]) == ("2", "p2020", "１１０")
    assert issue["rule"].startswith("2 cells")
    assert panel.build(small_panel.parse()).population[2020].tolist()[:2] == [110, 210]
    small_panel.set("110102", "p2020", "－５")
    negative = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (negative.code, negative.value) == ("E-POP-NEG", "－５")


@pytest.mark.row(51)
def test_texts_for_unknown_are_declared(small_panel, build):
    small_panel.section["covariates"]["schooling"]["missing"] = "province_mean"
    for code, token in {"110101": "-", "110102": "…", "110103": ".."}.items():
        small_panel.set(code, "school", token)
    small_panel.write()
    outcome = build(small_panel.section)
    assert 'missing_values = ["-"]' in outcome.first("E-NUM")["fix"]
    found = [issue for issue in outcome.issues if issue["severity"] == "error"]
    assert [(issue["code"], issue["value"], float(issue["people"])) for issue in found] == [
        ("E-NUM", "-", 100),
        ("E-NUM", "…", 200),
        ("E-NUM", "..", 300),
    ]


def test_unknown_is_never_zero(small_panel):
    small_panel.set("110102", "school", "…")
    small_panel.set("110103", "school", "")
    small_panel.set("110101", "p2020", "-")
    small_panel.section["table"]["missing_values"] = ["-", "…"]
    small_panel.section["covariates"]["schooling"]["missing"] = "province_mean"
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.line, issue.column, issue.value) == ("E-POP-MISSING", 2, "p2020", "-")
    small_panel.set("110101", "p2020", "110")
    schooling = panel.build(small_panel.write()).covariates["schooling"]
    mean = (100 * 8 + 400 * 11 + 500 * 12 + 600 * 7) / 1600
    assert schooling[["110102", "110103"]].tolist() == pytest.approx([mean, mean])


@pytest.mark.row(52)
def test_counties_named_like_nothing(small_panel, build):
    names = ["NA", "null", "NaN", "None", "N/A", "nan", "-", "0", "true"]
    for row, name in zip(small_panel.rows, names, strict=True):
        row[1] = name
    small_panel.section["table"]["missing_values"] = ["NA", "-"]  # which is said of numbers
    small_panel.write()
    assert build(small_panel.section).status == 0
    assert panel.build(small_panel.parse()).zones["name"].tolist() == names


@pytest.mark.row(53)
def test_people_are_positive(small_panel, build):
    small_panel.set("110102", "p2020", "-5")
    small_panel.set("110103", "p2020", "0")
    small_panel.write()
    outcome = build(small_panel.section)
    for code, line, value in (("E-POP-NEG", "3", "-5"), ("E-POP-ZERO", "4", "0")):
        issue = outcome.first(code)
        assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", line, "p2020")
        assert issue["value"] == value


@pytest.mark.row(54)
def test_numbers_are_finite(small_panel, build):
    small_panel.set("110102", "p2020", "1e400")
    small_panel.write()
    issue = build(small_panel.section).only("E-NUM-INF")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "3", "p2020")
    assert issue["value"] == "1e400"


@pytest.mark.row(55)
def test_fractions_of_people_are_declared(small_panel, build):
    small_panel.set("110102", "p2020", "210.4")
    small_panel.write()
    issue = build(small_panel.section).only("E-POP-FRACTIONAL")
    assert (issue["line"], issue["column"], issue["value"]) == ("3", "p2020", "210.4")
    assert float(issue["people"]) == 210.4
    small_panel.section["population"]["2020"]["fractional"] = "largest_remainder"
    assert panel.build(small_panel.parse()).population.loc["110102", 2020] == 210


@pytest.mark.row(56)
def test_two_columns_of_one_name(small_panel, build):
    small_panel.header[9] = "p2010"
    small_panel.write()
    issue = build(small_panel.section).only("E-COL-DUP")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "1", "p2010")
    assert "columns 9, 10" in issue["rule"]


@pytest.mark.row(57)
def test_row_with_a_cell_too_many(small_panel, build):
    small_panel.rows[2].append("x")
    small_panel.rows[4].pop()
    small_panel.write()
    outcome = build(small_panel.section)
    outcome.first("E-CSV-RAGGED")
    found = [(issue["file"], issue["line"]) for issue in outcome.issues if issue["code"] == "E-CSV-RAGGED"]
    assert found == [("census.csv", "4"), ("census.csv", "6")]


@pytest.mark.row(58)
def test_semicolons_between_cells_with_decimal_commas(small_panel, build):
    small_panel.write()
    path = small_panel.folder / "census.csv"
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))  # as Excel writes it in half of Europe
    issue = build(small_panel.section).only("E-CSV-DELIM")
    assert (issue["file"], issue["line"]) == ("census.csv", "1")
    assert "decimal points" in issue["fix"]


@pytest.mark.row(59)
def test_missing_column_names_the_closest(small_panel, build):
    small_panel.section["population"]["2020"]["column"] = "p2O20"
    small_panel.write()
    issue = build(small_panel.section).only("E-COL-MISSING")
    assert (issue["file"], issue["column"]) == ("census.csv", "p2O20")
    assert "'p2020'" in issue["fix"]


# Workbooks


@pytest.mark.parametrize("cell", ["=J2+1", "#REF!", "#N/A", datetime.date(2020, 11, 1), True])
def test_cell_of_a_workbook_that_is_no_number(small_panel, cell):
    small_panel.section["covariates"]["schooling"]["missing"] = "province_mean"  # a blank would be filled
    small_panel.write()
    issue = small_panel.only(small_panel.errors_of(_excel(small_panel, lambda sheet: sheet.__setitem__("M3", cell))))
    assert (issue.code, issue.file, issue.line, issue.column) == ("E-NUM", "census.xlsx", 3, "school")
    assert issue.value == str(cell)


@pytest.mark.parametrize("cell", ["=A2", "#REF!"])
def test_cell_of_a_workbook_that_is_no_name(small_panel, cell):
    small_panel.write()
    issue = small_panel.only(small_panel.errors_of(_excel(small_panel, lambda sheet: sheet.__setitem__("B3", cell))))
    assert (issue.code, issue.line, issue.column, issue.people) == ("E-NAME", 3, "name", 210)


def test_merged_cells_of_a_workbook(small_panel):
    small_panel.write()
    config = _excel(small_panel, lambda sheet: sheet.merge_cells("C2:C7"))
    issue = small_panel.only(small_panel.errors_of(config))
    assert (issue.code, issue.line, issue.value) == ("E-XLS-MERGED", 2, "C2:C7")


def _title(sheet):
    sheet.insert_rows(1, 2)
    sheet["A1"] = "Residents by county"
    sheet.merge_cells("A1:F1")
    sheet["P5"] = "a note beside the table"


def test_what_stands_above_the_header_is_skipped(small_panel):
    small_panel.write()
    small_panel.section["table"]["header"] = 3
    assert panel.build(_excel(small_panel, _title)).population[2020].sum() == 4590
    small_panel.set("110102", "p2020", "-1")
    config = _excel(small_panel, _title)
    assert small_panel.only(small_panel.errors_of(config)).line == 5  # the row of the sheet


def test_two_cells_do_not_fill_the_memory(small_panel):
    small_panel.write()
    config = _excel(small_panel, lambda sheet: sheet.__setitem__("XFD1048576", 1))
    assert small_panel.only(small_panel.errors_of(config)).code == "E-SIZE-LIMIT"


def test_codes_of_a_workbook_may_be_numbers(small_panel):
    small_panel.write()
    assert panel.build(_excel(small_panel, lambda sheet: None)).zones.index[0] == "110101"
    found = small_panel.errors_of(_excel(small_panel, lambda sheet: sheet.__setitem__("A2", 110101000000)))
    assert [(issue.code, issue.value) for issue in found] == [
        ("E-CODE-TYPE", "110101000000"),
        ("E-JOIN-UNMATCHED", "110101"),
    ]
