"""Files that are cut off, incomplete, or not what their name says."""

import hashlib
import secrets

import pytest

from geo.sources import panel


def _shapefile(small_panel):
    small_panel.write()
    small_panel.polygons.to_file(small_panel.folder / "squares.shp")
    small_panel.section["polygons"]["file"] = "squares.shp"
    return small_panel.folder


@pytest.mark.row(25)
def test_truncated_geopackage(small_panel, build):
    small_panel.write()
    file = small_panel.folder / "squares.gpkg"
    file.write_bytes(file.read_bytes()[:-5000])
    issue = build(small_panel.section).only("E-IO-CORRUPT")
    assert issue["file"] == "squares.gpkg"
    assert f"{file.stat().st_size:,} bytes" in issue["value"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() in issue["value"]


@pytest.mark.row(26)
def test_truncated_shapefile(small_panel, build):
    file = _shapefile(small_panel) / "squares.shp"
    file.write_bytes(file.read_bytes()[:-100])
    issue = build(small_panel.section).only("E-IO-CORRUPT")
    assert issue["file"] == "squares.shp"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in issue["value"]


@pytest.mark.row(26)
def test_shapefile_without_its_parts(small_panel, build):
    folder = _shapefile(small_panel)
    for suffix in (".shx", ".dbf"):
        (folder / f"squares{suffix}").unlink()
    issue = build(small_panel.section).only("E-IO-SIDECAR")
    assert issue["file"] == "squares.shp"
    assert issue["value"] == ".shx, .dbf"
    assert ".prj" in issue["fix"]


@pytest.mark.row(26)
def test_parts_of_a_shapefile_in_capital_letters_are_inputs_too(small_panel):
    folder = _shapefile(small_panel)
    for suffix in (".shx", ".dbf", ".prj"):
        (folder / f"squares{suffix}").rename(folder / f"squares{suffix.upper()}")
    hashes = {str(each["file"]): each["sha256"] for each in panel.build(small_panel.parse()).inputs}
    assert list(hashes) == ["squares.shp", "squares.SHX", "squares.DBF", "squares.PRJ", "squares.cpg", "census.csv"]
    assert hashes["squares.DBF"] == hashlib.sha256((folder / "squares.DBF").read_bytes()).hexdigest()


@pytest.mark.row(27)
def test_random_bytes_named_geopackage(small_panel, build):
    small_panel.write()
    (small_panel.folder / "squares.gpkg").write_bytes(b"\xfe\x00" + secrets.token_bytes(3000))
    issue = build(small_panel.section).only("E-IO-FORMAT")
    assert issue["file"] == "squares.gpkg"
    assert issue["value"] == "something unknown"


@pytest.mark.row(27)
def test_empty_geojson(small_panel, build):
    small_panel.write()
    (small_panel.folder / "squares.geojson").touch()
    small_panel.section["polygons"]["file"] = "squares.geojson"
    issue = build(small_panel.section).only("E-IO-FORMAT")
    assert issue["file"] == "squares.geojson"
    assert issue["value"] == "an empty file"
