"""Rows 1 to 24 and 28: polygon layers, their coordinate systems and how their zones lie beside each other."""

import csv
import sqlite3

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

from geo.coordinates import datum
from geo.sources import panel

UTM = 32648
BOW_TIE = shapely.Polygon([(104, 34), (105, 35), (105, 34), (104, 35)])
# A square whose northern border makes a loop of a few metres, as a hand that draws it does.
LOOP = shapely.Polygon(
    [(104, 34), (105, 34), (105, 35), (104.5, 35), (104.5002, 35.0002), (104.5, 35.0002), (104.5002, 35), (104, 35)]
)
# The same with a loop of kilometres.
WIDE_LOOP = shapely.Polygon(
    [(104, 34), (105, 34), (105, 35), (104.5, 35), (104.55, 35.05), (104.5, 35.05), (104.55, 35), (104, 35)]
)


def _reshape(small_panel, code, shape):
    shapes = small_panel.polygons.geometry.to_list()
    shapes[list(small_panel.polygons["code"]).index(code)] = shape
    small_panel.polygons = small_panel.polygons.set_geometry(gpd.GeoSeries(shapes, crs=4326))


def _write_as(small_panel, name, **options):
    small_panel.write_table()
    small_panel.polygons.to_file(small_panel.folder / name, **options)
    small_panel.section["polygons"]["file"] = name


def _relabel(small_panel, system):
    small_panel.polygons = small_panel.polygons.set_crs(system, allow_override=True)


def _swap(small_panel):
    shapes = np.asarray(small_panel.polygons.geometry.array)
    swapped = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    small_panel.polygons = small_panel.polygons.set_geometry(gpd.GeoSeries(swapped, crs=4326))


@pytest.mark.row(1)
def test_no_crs(small_panel, build):
    _relabel(small_panel, None)
    small_panel.write()
    issue = build(small_panel.section).only("E-CRS-MISSING")
    assert issue["file"] == "squares.gpkg"
    assert 'crs = "EPSG:4490"' in issue["fix"]


@pytest.mark.row(2)
def test_shapefile_without_prj(small_panel, build):
    _write_as(small_panel, "squares.shp")
    (small_panel.folder / "squares.prj").unlink()
    issue = build(small_panel.section).only("E-CRS-MISSING")
    assert issue["file"] == "squares.shp"
    assert ".prj" in issue["rule"]


@pytest.mark.row(3)
def test_metres_in_a_geojson_without_crs(small_panel, build):
    small_panel.write_table()
    text = small_panel.polygons.to_crs(UTM).to_json(drop_id=True).replace('"crs":', '"was":')
    (small_panel.folder / "squares.geojson").write_text(text)
    small_panel.section["polygons"]["file"] = "squares.geojson"
    issue = build(small_panel.section).only("E-CRS-RANGE")
    assert issue["file"] == "squares.geojson"
    assert issue["value"].startswith("x 3")


@pytest.mark.row(4)
def test_metres_labelled_as_degrees(small_panel, build):
    small_panel.polygons = small_panel.polygons.to_crs(UTM)
    _relabel(small_panel, 4326)
    small_panel.write()
    issue = build(small_panel.section).only("E-CRS-RANGE")
    assert "EPSG:4326" in issue["rule"]


@pytest.mark.row(5)
def test_latitude_before_longitude(small_panel, build):
    _swap(small_panel)
    small_panel.write()
    issue = build(small_panel.section).only("E-AXIS-SWAP")
    assert issue["value"] == "x 34 to 37, y 103 to 106"
    assert "swap_xy = true" in issue["fix"]
    small_panel.section["polygons"]["swap_xy"] = True
    assert panel.build(small_panel.parse()).polygons.total_bounds.tolist() == [103, 34, 106, 37]


@pytest.mark.row(5)
def test_swapping_what_is_right_is_wrong(small_panel):
    small_panel.section["polygons"]["swap_xy"] = True
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-AXIS-SWAP"


@pytest.mark.row(6)
@pytest.mark.parametrize("system", [4326, UTM])
def test_areas_are_geodesic_in_any_crs(small_panel, build, system):
    del small_panel.section["table"]["area"]
    small_panel.polygons = small_panel.polygons.to_crs(system)
    small_panel.write()
    outcome = build(small_panel.section)
    assert outcome.status == 0, outcome.text
    with xr.open_dataset(outcome.folder / "zones.nc") as zones:
        areas, sources = zones["area"].values, zones["area"].attrs["source"]
    geod = pyproj.Geod(ellps="WGS84")
    squares = [shapely.box(103 + i, 34 + j, 104 + i, 35 + j) for j in range(3) for i in range(3)]
    assert areas == pytest.approx([geod.geometry_area_perimeter(square)[0] / 1e6 for square in squares], rel=1e-9)
    assert "geodesic" in sources


@pytest.mark.row(7)
def test_shifted_coordinates_are_declared_and_moved_back(small_panel, build):
    right = np.asarray(small_panel.polygons.geometry.array)
    small_panel.polygons = small_panel.polygons.set_geometry(
        gpd.GeoSeries(shapely.transform(right, datum.to_gcj02), crs=4326)
    )
    small_panel.section["polygons"]["datum"] = "gcj02"
    small_panel.write()
    outcome = build(small_panel.section)
    assert outcome.warning("W-DATUM")["value"] == "gcj02"
    assert "moved from gcj02 to WGS 84" in outcome.text
    back = gpd.read_file(outcome.folder / "zones.gpkg").geometry
    assert shapely.hausdorff_distance(np.asarray(back.array), right).max() < 1e-8


@pytest.mark.row(7)
def test_a_datum_that_nobody_declares_is_not_guessed(small_panel, build):
    del small_panel.section["polygons"]["datum"]
    small_panel.write()
    issue = build(small_panel.section).warning("W-DATUM")
    assert "cannot tell" in issue["rule"]
    assert "gcj02" in issue["fix"]


@pytest.mark.row(8)
def test_old_survey(small_panel, build):
    del small_panel.section["polygons"]["datum"]
    small_panel.polygons = small_panel.polygons.to_crs(4214)
    _write_as(small_panel, "squares.shp")
    issue = build(small_panel.section).warning("W-DATUM")
    assert (issue["file"], issue["value"]) == ("squares.shp", "EPSG:4214")
    assert "Krassowsky 1940; PROJ brings it to WGS 84 within 1 m" in issue["rule"]


@pytest.mark.row(8)
def test_old_survey_called_modern(small_panel):
    small_panel.polygons = small_panel.polygons.to_crs(4214)
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-CRS-MISMATCH"


@pytest.mark.row(9)
def test_file_and_config_name_different_crs(small_panel, build):
    small_panel.section["polygons"]["crs"] = f"EPSG:{UTM}"
    small_panel.write()
    issue = build(small_panel.section).only("E-CRS-MISMATCH")
    assert issue["value"] == "EPSG:4326"
    assert f"EPSG:{UTM}" in issue["rule"]


@pytest.mark.row(9)
def test_records_of_one_layer_in_different_crs(small_panel, build):
    small_panel.write()
    base = sqlite3.connect(small_panel.folder / "squares.gpkg")
    for (trigger,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        base.execute(f'DROP TRIGGER "{trigger}"')  # the index of the layer needs functions of GDAL
    (blob,) = base.execute("SELECT geom FROM squares WHERE code = '110103'").fetchone()
    other = blob[:4] + (4490).to_bytes(4, "little") + blob[8:]
    base.execute("UPDATE squares SET geom = ? WHERE code = '110103'", [other])
    base.commit()
    base.close()
    issue = build(small_panel.section).only("E-CRS-MISMATCH")
    assert (issue["line"], issue["value"]) == ("3", "EPSG:4490")


@pytest.mark.row(10)
def test_crossed_polygon(small_panel, build):
    _reshape(small_panel, "110102", LOOP)
    small_panel.write()
    issue = build(small_panel.section).only("E-GEOM-INVALID")
    assert (issue["line"], issue["column"], issue["value"], issue["people"]) == ("2", "code", "110102", "210.0")
    assert "Self-intersection[104.5001 35.0001]" in issue["rule"]
    assert 'repair = "make_valid"' in issue["fix"]


@pytest.mark.row(10)
def test_crossed_polygon_mended(small_panel, build):
    _reshape(small_panel, "110102", LOOP)
    small_panel.section["polygons"]["repair"] = "make_valid"
    small_panel.write()
    outcome = build(small_panel.section)
    issue = outcome.warning("W-GEOM-REPAIRED")
    assert (issue["line"], issue["value"], issue["people"]) == ("2", "110102", "210.0")
    assert "changed its area by +" in issue["rule"]
    assert "1 that crossed themselves (210 people) are mended" in outcome.text


@pytest.mark.row(11)
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (BOW_TIE, "change its area"),
        (WIDE_LOOP, "change its area"),
        (
            shapely.MultiPolygon(
                [shapely.box(104, 34, 105, 35), shapely.Polygon([(104, 33), (104.5, 33), (104.7, 33)])]
            ),
            "no area",
        ),
    ],
)
def test_repair_that_changes_the_zone(small_panel, build, shape, words):
    _reshape(small_panel, "110102", shape)
    small_panel.section["polygons"]["repair"] = "make_valid"
    small_panel.write()
    issue = build(small_panel.section).only("E-GEOM-REPAIR-AREA")
    assert (issue["line"], issue["value"], issue["people"]) == ("2", "110102", "210.0")
    assert words in issue["rule"]


@pytest.mark.parametrize(
    ("shape", "code", "words"),
    [
        pytest.param(shapely.Polygon(), "E-GEOM-EMPTY", "vertices", marks=pytest.mark.row(12)),
        pytest.param(None, "E-GEOM-NULL", "polygon", marks=pytest.mark.row(13)),
        pytest.param(
            shapely.LineString([(104, 34), (105, 35)]), "E-GEOM-TYPE", "linestring", marks=pytest.mark.row(21)
        ),
        pytest.param(shapely.Point(104.5, 34.5), "E-GEOM-TYPE", "point", marks=pytest.mark.row(21)),
        pytest.param(
            shapely.Polygon([(179, 34), (-179, 34), (-179, 35), (179, 35)]),
            "E-GEOM-EXTENT",
            "180 degrees",
            marks=pytest.mark.row(20),
        ),
    ],
)
def test_what_is_no_polygon_on_earth(small_panel, build, shape, code, words):
    _reshape(small_panel, "110102", shape)
    small_panel.write()
    issue = build(small_panel.section).only(code)
    assert (issue["file"], issue["line"], issue["column"]) == ("squares.gpkg", "2", "code")
    assert (issue["value"], issue["people"]) == ("110102", "210.0")
    assert words in issue["rule"]


@pytest.mark.row(14)
def test_coordinate_that_is_no_number(small_panel, build):
    with np.errstate(invalid="ignore"):
        _reshape(small_panel, "110102", shapely.Polygon([(104, 34), (105, 34), (np.nan, 35), (104, 35)]))
    small_panel.write()
    outcome = build(small_panel.section)
    issue = outcome.only("E-GEOM-NAN")
    assert (issue["line"], issue["value"], issue["people"]) == ("2", "110102", "210.0")
    assert "vertex 2 " in issue["rule"]
    assert "RuntimeWarning" not in outcome.text


@pytest.mark.row(15)
def test_heights_are_dropped_in_sight(small_panel, build):
    small_panel.polygons = small_panel.polygons.set_geometry(shapely.force_3d(small_panel.polygons.geometry, 8.0))
    small_panel.write()
    outcome = build(small_panel.section)
    assert "9 records" in outcome.warning("W-GEOM-3D")["rule"]
    assert not gpd.read_file(outcome.folder / "zones.gpkg").has_z.any()


@pytest.mark.row(16)
def test_county_of_islands(small_panel, build):
    islands = shapely.MultiPolygon([shapely.box(103, 34, 103.2, 35), shapely.box(103.8, 34, 104, 35)])
    _reshape(small_panel, "110101", islands)
    small_panel.write()
    issue = build(small_panel.section).warning("W-POS-OUTSIDE")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "2", "lon")
    assert (issue["value"], issue["people"]) == ("103.5, 34.5", "100.0")
    del small_panel.section["table"]["lon"], small_panel.section["table"]["lat"]
    zone = panel.build(small_panel.parse()).zones.loc["110101"]
    assert islands.contains(shapely.Point(zone["lon"], zone["lat"]))


def _in_two_records(small_panel):
    west, east = shapely.box(104, 34, 104.5, 35), shapely.box(104.5, 34, 105, 35)
    _reshape(small_panel, "110102", west)
    small_panel.polygons.loc[9] = ["110102", east]


@pytest.mark.row(17)
def test_one_county_in_two_records(small_panel, build):
    _in_two_records(small_panel)
    small_panel.write()
    outcome = build(small_panel.section)
    issue = outcome.first("E-CODE-DUP")
    assert [line["code"] for line in outcome.issues] == ["E-CODE-DUP", "E-CODE-DUP"]
    assert (issue["file"], issue["line"], issue["column"], issue["value"]) == ("squares.gpkg", "2", "code", "110102")
    assert "also at 10" in issue["rule"]
    assert "dissolve = true" in issue["fix"]
    small_panel.section["polygons"]["dissolve"] = True
    source = panel.build(small_panel.parse())
    assert source.polygons.loc["110102"].geometry.equals(shapely.box(104, 34, 105, 35))
    assert "1 zones (210 people) stand in 2 records" in source.rules[0]


@pytest.mark.row(18)
def test_overlap(small_panel, build):
    _reshape(small_panel, "110102", shapely.box(103.9, 34, 105, 35))
    small_panel.write()
    issue = build(small_panel.section).only("E-TOPO-OVERLAP")
    assert (issue["file"], issue["line"], issue["column"]) == ("squares.gpkg", "1", "code")
    assert (issue["value"], issue["people"]) == ("110101, 110102", "320.0")
    assert "(record 2) overlap by 1.02e+03 km2" in issue["rule"]


@pytest.mark.row(19)
def test_gap(small_panel, build):
    _reshape(small_panel, "110202", shapely.box(104, 35, 105, 36) - shapely.box(104, 35.4, 104.1, 35.5))
    small_panel.write()
    issue = build(small_panel.section).warning("W-TOPO-GAP")
    assert issue["value"] == "104.05000, 35.45000"
    assert "gap 1 of 1: 101 km2 enclosed by 110201, 110202" in issue["rule"]


@pytest.mark.row(22)
@pytest.mark.parametrize(("limit", "stated"), [(40, "45 vertices"), (8, "at least ")])
def test_vertex_flood(small_panel, build, limit, stated):
    small_panel.section["polygons"]["max_vertices"] = limit
    small_panel.write()
    issue = build(small_panel.section).only("E-SIZE-LIMIT")
    assert issue["file"] == "squares.gpkg"
    assert issue["value"].startswith(stated)
    assert "simplify" in issue["fix"]


def _with_hong_kong(small_panel):
    small_panel.polygons.loc[9] = ["810001", shapely.box(106, 34, 107, 35)]
    small_panel.polygons.loc[10] = ["820001", shapely.box(107, 34, 108, 35)]


@pytest.mark.row(23)
def test_zones_without_a_census(small_panel, build):
    _with_hong_kong(small_panel)
    small_panel.write()
    outcome = build(small_panel.section)
    lines = [(issue["code"], issue["line"], issue["value"]) for issue in outcome.issues]
    assert lines == [("E-JOIN-UNMATCHED", "10", "810001"), ("E-JOIN-UNMATCHED", "11", "820001")]
    assert outcome.status == 3


@pytest.mark.row(23)
def test_zones_left_out_by_name(small_panel, build):
    _with_hong_kong(small_panel)
    small_panel.section["polygons"]["exclude"] = ["81", "820001"]
    small_panel.write()
    outcome = build(small_panel.section)
    assert outcome.warning("W-EXCLUDED")["value"] == "810001"
    assert [issue["line"] for issue in outcome.issues] == ["10", "11"]
    assert 'left out by exclude "81": 810001' in outcome.text


@pytest.mark.row(23)
def test_leaving_out_what_is_not_there(small_panel):
    small_panel.section["polygons"]["exclude"] = ["71"]
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert (issue.code, issue.value) == ("E-EXCLUDE", "71")


@pytest.mark.row(24)
def test_two_counties_at_one_place(small_panel, build):
    small_panel.set("110102", "lon", "103.5")
    small_panel.write()
    outcome = build(small_panel.section)
    issue = outcome.only("E-DIST-ZERO")
    assert (issue["file"], issue["line"], issue["column"]) == ("census.csv", "3", "lon")
    assert (issue["value"], issue["people"]) == ("103.5, 34.5", "200.0")
    assert "110101 and 110102" in issue["rule"]


@pytest.mark.row(28)
def test_several_layers(small_panel, build):
    small_panel.write()
    small_panel.polygons.to_file(small_panel.folder / "squares.gpkg", layer="others")
    issue = build(small_panel.section).only("E-LAYER-AMBIGUOUS")
    assert "squares, others" in issue["rule"]
    assert "layer =" in issue["fix"]


def test_all_problems_of_a_layer_in_one_pass(small_panel, build):
    _reshape(small_panel, "110202", None)  # the one in the middle: what is missing there is no gap
    _reshape(small_panel, "110101", BOW_TIE)
    _reshape(small_panel, "120102", shapely.box(103.5, 36, 105, 37))
    small_panel.polygons.loc[9] = ["110103", shapely.box(107, 34, 108, 35)]
    small_panel.set("120103", "p2020", "-1")
    small_panel.write()
    outcome = build(small_panel.section)
    codes = {issue["code"] for issue in outcome.issues}
    assert codes >= {"E-GEOM-NULL", "E-GEOM-INVALID", "E-TOPO-OVERLAP", "E-CODE-DUP", "E-POP-NEG"}
    assert "W-TOPO-GAP" not in codes
    with (outcome.folder / "issues.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(outcome.issues)
