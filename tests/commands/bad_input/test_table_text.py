"""Census tables in another encoding than they say, and names cut by their file (rows 29 to 33)."""

import codecs
import warnings

import pytest

from geo.sources import panel
from geo.tables.text import check_names, misread


def _chinese(small_panel, encoding):
    small_panel.write()
    for row in small_panel.rows:
        row[1] = "东城区"
    small_panel.write_table(encoding=encoding)


@pytest.mark.row(29)
def test_gb18030_is_never_guessed(small_panel, build):
    _chinese(small_panel, "gb18030")
    issue = build(small_panel.section).only("E-ENC")
    assert (issue["file"], issue["line"], issue["value"]) == ("census.csv", "2", "0xb6")
    header = ",".join(small_panel.header) + "\r\n"
    assert issue["rule"].endswith(f"(byte {len(header) + len('110101,')})")
    assert 'encoding = "gb18030"' in issue["fix"]
    small_panel.section["table"]["encoding"] = "gb18030"
    assert set(panel.build(small_panel.parse()).zones["name"]) == {"东城区"}


@pytest.mark.parametrize(
    ("written", "declared", "fix"),
    [("utf-8", "gb18030", "utf-8-sig"), ("gb18030", "utf-8", "gb18030"), ("utf-8", "utf9", "utf-8-sig")],
)
def test_encoding_that_is_another(small_panel, written, declared, fix):
    small_panel.rows[0][1] = "东城"  # six bytes of UTF-8, which GB 18030 reads as three other characters
    small_panel.section["table"]["encoding"] = declared
    config = small_panel.write()
    small_panel.write_table(encoding=written)
    issue = small_panel.only(small_panel.errors_of(config))
    assert issue.code == "E-ENC"
    assert f'encoding = "{fix}"' in issue.fix


@pytest.mark.row(30)
def test_chinese_read_as_latin(small_panel, build):
    _chinese(small_panel, "gb18030")
    small_panel.section["table"]["encoding"] = "latin-1"
    issue = build(small_panel.section).only("E-ENC-MOJIBAKE")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "2", "name")
    assert issue["value"] == "¶«³ÇÇø"
    assert float(issue["people"]) == 4590
    assert "东城区" in issue["rule"]


@pytest.mark.parametrize("meant", ["东城区", "亳州", "Aksu 阿克苏市"])
@pytest.mark.parametrize(("written", "read"), [("gb18030", "latin-1"), ("gb18030", "cp1252"), ("utf-8", "latin-1")])
def test_misread_names_are_proven(meant, written, read):
    assert misread(meant.encode(written).decode(read)) == (meant, written)


def test_names_with_accents_are_names():
    names = ["São Paulo", "Ñuñoa", "Þórshöfn", "Čačak", "Aïn Séfra", "Ürümqi", "東城區", "Å", "Łódź", "ÄÖÜ", "naïve"]
    assert not check_names("census.csv", "name", names, range(2, 13), {}, "[zones.table]")
    [issue] = check_names("census.csv", "name", ["A\ufffd\ufffd"], [2], {0: 7.0}, "[zones.table]")
    assert (issue.code, issue.people) == ("E-ENC-MOJIBAKE", 7.0)


@pytest.mark.row(31)
def test_byte_order_mark_is_no_part_of_the_first_column(small_panel, build):
    small_panel.write()
    path = small_panel.folder / "census.csv"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    small_panel.section["table"]["encoding"] = "utf-8"
    assert build(small_panel.section).status == 0


@pytest.mark.row(32)
def test_utf16_is_known_by_its_mark(small_panel, build):
    _chinese(small_panel, "utf-16")
    assert build(small_panel.section).status == 0
    assert set(panel.build(small_panel.parse()).zones["name"]) == {"东城区"}


def test_utf16_between_tabs_as_excel_exports_it(small_panel):
    config = small_panel.write()
    path = small_panel.folder / "census.csv"
    path.write_text(path.read_text().replace(",", "\t"), encoding="utf-16")
    assert small_panel.only(small_panel.errors_of(config)).code == "E-CSV-DELIM"


@pytest.mark.row(33)
def test_shapefile_with_long_chinese_field_names(small_panel, build):
    small_panel.write()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the writer says that it cuts names, not that it cuts within a character
        small_panel.polygons.rename(columns={"code": "区划代码"}).to_file(small_panel.folder / "squares.shp")
    small_panel.section["polygons"] |= {"file": "squares.shp", "code": "区划代码"}
    issue = build(small_panel.section).only("E-SHP-FIELDNAME")
    assert (issue["file"], issue["column"]) == ("squares.dbf", "区划代\ufffd")
    assert "GeoPackage" in issue["fix"]


def test_shapefile_with_short_chinese_field_names(small_panel):
    small_panel.write()
    small_panel.polygons.rename(columns={"code": "代码A"}).to_file(small_panel.folder / "squares.shp")
    small_panel.section["polygons"] |= {"file": "squares.shp", "code": "代码A"}
    assert len(panel.build(small_panel.parse()).zones) == 9
