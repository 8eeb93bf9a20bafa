"""Census year-books: places and totals, missing cells, misprints and their corrections, on a small book."""

from pathlib import Path

import numpy as np
import pytest
from small_book import ROWS_2010, ROWS_2020, SmallBook

from geo.config.table import PublishedConfig
from geo.errors import DataError
from geo.sources import yearbooks
from geo.sources.yearbooks import ADAPTERS, DIMENSIONS, QUANTITIES


@pytest.fixture
def book(tmp_path: Path) -> SmallBook:
    return SmallBook(tmp_path, 2020, list(ROWS_2020))


@pytest.fixture
def older(tmp_path: Path) -> SmallBook:
    return SmallBook(tmp_path, 2010, list(ROWS_2010))


def test_places_are_what_no_total_counts(book: SmallBook) -> None:
    table = book.read()
    assert table.places.index.tolist() == ["110101", "110102", "1101:开发区", "110200", "119001", "129001", "1290:林区"]
    assert table.places["code"].tolist() == ["110101", "110102", "", "110200", "119001", "129001", ""]
    assert table.places["province"].tolist() == ["11"] * 5 + ["12"] * 2
    assert table.places["prefecture"].tolist() == ["1101", "1101", "1101", "1102", "1190", "1290", "1290"]
    assert table.places["people"].tolist() == [38 * k for k in (1, 2, 3, 40, 10, 50, 7)]
    assert table.places["line"].tolist() == [5, 6, 7, 8, 9, 12, 13]
    assert (table.file, table.year, table.issues) == ("book.xlsx", 2020, ())
    assert len(table.sha256) == 64


def test_totals_without_a_code_and_totals_that_repeat_the_row_above(older: SmallBook) -> None:
    table = older.read()
    assert table.places.index.tolist() == ["110101", "110102", "110221", "120100"]
    assert table.places["prefecture"].tolist() == ["1101", "1101", "1102", "1201"]
    assert not table.issues
    older.rows[8] = ("市辖区", "", 8)
    assert {(issue.code, issue.line) for issue in older.errors()} == {("E-HIER-SUM", 10)}


def test_quantities_lie_along_their_dimensions(book: SmallBook, older: SmallBook) -> None:
    new = book.read().quantities
    assert set(new.data_vars) <= QUANTITIES.keys()
    assert {dim: tuple(new[dim].values) for dim in DIMENSIONS} == DIMENSIONS
    assert new["residents_by_age"].sel(row="110102", age="85+", sex="male") == 2
    assert new["education"].sel(row="110102", level="primary").values.tolist() == [10, 10]
    assert new["schooling_residents"].sel(row="110102") == 68
    assert new["schooling_levels"].sel(row="110102") == pytest.approx((30 + 36 + 36 + 48) / 17)
    old = older.read().quantities
    assert np.isnan(old["education"].sel(level="preschool")).all()
    assert old["schooling_residents"].sel(row="110102") == 2 * (38 - 8)
    assert old["schooling_levels"].sel(row="110102") == pytest.approx((30 + 36 + 36 + 48) / 17)
    assert old["nonagricultural_share"].sel(row="110102") == pytest.approx(0.4)


def test_one_missing_count_is_what_the_others_leave(book: SmallBook) -> None:
    book.bent["丁县", "户口登记地在外乡镇街道人口_本县"] = "NA"
    table = book.read()
    assert table.quantities["in_migrants"].sel(row="110102", band="same_county") == 2
    assert any("the rest of the printed total: 1" in rule for rule in table.rules)


def test_missing_counts_are_none_where_the_others_make_up_the_total(book: SmallBook) -> None:
    column = "户口登记地在外乡镇街道人口_本县"
    book.bent |= {("丁县", column): "NA", ("开发区", column): None, ("丙区", column): 6}
    table = book.read()
    assert table.quantities["in_migrants"].sel(band="same_county").values[:3].tolist() == [6, 0, 0]
    assert any("taken as zero, because the others reach the printed total: 2" in rule for rule in table.rules)


def test_missing_counts_that_nothing_tells_are_never_zero(book: SmallBook) -> None:
    column = "户口登记地在外乡镇街道人口_本县"
    book.bent |= {("丁县", column): "NA", ("开发区", column): "NA"}
    table = book.read()
    assert np.isnan(table.quantities["in_migrants"].sel(band="same_county").values[1:3]).all()
    assert any("stay unknown: 2" in rule for rule in table.rules)
    assert not table.issues


def test_missing_parts_are_told_by_their_row(book: SmallBook) -> None:
    book.bent |= {("丁县", "教育"): "NA", ("开发区", "教育"): "NA"}
    table = book.read()
    assert table.quantities["employed"].sel(sector="education").values[1:3].tolist() == [2, 3]


def test_a_wrong_count_of_residents_stops_the_reading(book: SmallBook) -> None:
    book.bent["丁县", "人口数_合计"] = 77
    found = book.errors()
    sums = [issue for issue in found if issue.code == "E-HIER-SUM"]
    assert [(issue.line, issue.column, issue.value) for issue in sums] == [
        (line, "人口数_合计", str(38 * k)) for line, k in ((2, 113), (3, 56), (4, 6))
    ]
    assert sums[2].people == 38 * 6
    assert "229" in sums[2].rule
    identity = [issue for issue in found if issue.code == "E-IDENTITY"]
    assert [(issue.line, issue.value, issue.people) for issue in identity] == [(6, "77", 77.0)] * 2
    assert len(found) == 5


def test_other_counts_that_do_not_add_up_are_warnings(book: SmallBook) -> None:
    book.bent["丁县", "小学_男"] = 11
    warned = [(issue.code, issue.severity, issue.line, issue.value) for issue in book.read().issues]
    assert warned[:2] == [("W-IDENTITY", "warning", 6, cell) for cell in ("2", "8.82")]
    assert warned[2:] == [("W-HIER-SUM", "warning", line, str(5 * k)) for line, k in ((2, 113), (3, 56), (4, 6))]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("学前教育_女", -2, "E-POP-NEG"),
        ("学前教育_女", 0.2, "E-POP-FRACTIONAL"),
        ("学前教育_女", "2     3", "E-NUM"),
        ("学前教育_女", "—", "E-NUM"),
        ("人均住房建筑面积", 3000, "E-RANGE"),
        ("区划代码", 170971, "E-CODE-PARENT"),
        ("区划代码", 110101, "E-CODE-DUP"),
        ("区划代码", 1101, "E-CODE-FORMAT"),
    ],
)
def test_a_cell_that_cannot_be(book: SmallBook, column: str, cell: object, code: str) -> None:
    book.bent["丁县", column] = cell
    found = [issue for issue in book.errors() if issue.code == code and issue.line == 6]
    assert [(issue.column, issue.value, issue.people) for issue in found] == [(column, str(cell), 76.0)]


def test_a_mean_that_its_places_do_not_have(older: SmallBook) -> None:
    older.bent["丁区", "死亡率（‰）"] = 5
    warned = [(issue.code, issue.line) for issue in older.read().issues]
    assert warned == [("W-IDENTITY", 5), ("W-HIER-MEAN", 2), ("W-HIER-MEAN", 3)]


def test_more_schooled_people_than_people(older: SmallBook) -> None:
    older.bent |= {(name, "小学-女"): 5 * k + 1000 for name, k in (("戊县", 4), ("县", 4), ("甲省", 7))}
    assert {(issue.code, issue.line) for issue in older.read().issues} == {("W-IDENTITY", at) for at in (2, 6, 7)}


def test_a_correction_mends_a_cell_and_is_kept(book: SmallBook) -> None:
    book.bent["丁县", "学前教育_女"] = -2
    book.correct("丁县", "学前教育_女", -2, 2)
    table = book.read()
    assert not table.issues
    assert table.quantities["education"].sel(row="110102", level="preschool", sex="female") == 2
    kept = table.corrections.iloc[0]
    assert kept.tolist() == [6, "110102", "学前教育_女", "-2", "2", "the prefecture's total leaves it"]
    assert "misprints corrected: 1" in table.rules[0]


def test_a_correction_may_say_that_nobody_knows(book: SmallBook) -> None:
    book.bent["丁县", "人均住房建筑面积"] = 3000
    book.correct("丁县", "人均住房建筑面积", 3000, "")
    table = book.read()
    assert np.isnan(table.quantities["housing_area"].sel(row="110102"))
    assert "to a missing cell: 1" in table.rules[0]


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (("book.xlsx", 6, "小学_男", 11, 10, "why"), "found"),
        (("book.xlsx", 99, "小学_男", 10, 11, "why"), "column"),
        (("book.xlsx", 6, "小学男", 10, 11, "why"), "column"),
        (("book.xlsx", "six", "小学_男", 10, 11, "why"), "line"),
        (("book.xlsx", 6, "小学_男", 10, 11, ""), "reason"),
    ],
)
def test_a_correction_that_does_not_fit(book: SmallBook, wrong: tuple[object, ...], column: str) -> None:
    book.corrections.append(wrong)
    found = book.errors()
    assert [(issue.code, issue.file, issue.line, issue.column) for issue in found] == [
        ("E-CORRECTION", "corrections.csv", 2, column)
    ]


def test_a_cell_is_corrected_once(book: SmallBook) -> None:
    book.correct("丁县", "小学_男", 10, 11)
    book.correct("丁县", "小学_男", 10, 12)
    assert [issue.line for issue in book.errors()] == [2, 3]


def test_corrections_of_other_books_alone_are_noticed(book: SmallBook) -> None:
    book.correct("丁县", "小学_男", 10, 11, file="another.xlsx")
    table = book.read()
    assert [issue.code for issue in table.issues] == ["W-CORRECTION"]
    assert table.corrections.empty


def test_headers_are_found_without_their_line_breaks(older: SmallBook) -> None:
    older.header["非农业户口人口比重（%）"] = "非农业户口\n人口比重\n（%）"
    assert len(older.read().places) == 4
    older.header["死亡率（‰）"] = "死亡率"
    found = older.errors()
    assert [(issue.code, issue.column) for issue in found] == [("E-COL-MISSING", "死亡率（‰）")]
    assert "死亡率" in found[0].fix


def test_two_headers_that_differ_in_spaces_alone(older: SmallBook) -> None:
    older.header["死亡率（‰）"] = "出生率 （‰）"
    assert {issue.code for issue in older.errors()} == {"E-COL-DUP", "E-COL-MISSING"}


def test_a_place_without_residents_is_left_out_aloud(book: SmallBook) -> None:
    columns = [head for of in ADAPTERS["china_2020"].columns.values() for head in of.values()]
    book.rows.append(("荒岛", "129002", 0))
    book.bent |= {("荒岛", head): "NA" for head in columns}
    table = book.read()
    assert "129002" not in table.places.index
    assert [(issue.code, issue.line) for issue in table.issues] == [("W-PLACE-EMPTY", 14)]


def test_the_adapter_is_of_the_year(book: SmallBook) -> None:
    with pytest.raises(DataError) as caught:
        yearbooks.read(book.write(), 2010)
    assert [issue.code for issue in caught.value.issues] == ["E-YEAR"]


def test_the_sum_is_held_against_the_published_total(book: SmallBook) -> None:
    book.published = PublishedConfig.model_validate({"total": 38 * 113 + 100, "military": 100})
    assert not book.read().issues
    book.published = PublishedConfig.model_validate({"total": 38 * 113 + 100})
    found = book.errors()
    assert [(issue.code, issue.value) for issue in found] == [("E-TOTAL", str(38 * 113))]


def test_every_adapter_declares_what_is_known() -> None:
    for name, adapter in ADAPTERS.items():
        assert name.endswith(str(adapter.year))
        for quantity, cells in adapter.columns.items():
            dims = QUANTITIES[quantity].dims
            assert all(len(category) == len(dims) for category in cells)
            assert all(label in DIMENSIONS[dim] for each in cells for dim, label in zip(dims, each, strict=True))
    assert {each.weight for each in QUANTITIES.values()} - {None} <= QUANTITIES.keys()
