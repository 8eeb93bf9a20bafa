"""Bad polygon layers: shapes, coordinate systems, layers and files that are not what they say."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.sources import panel


def _with_shape(small_panel, shape):
    shapes = small_panel.polygons.geometry.to_list()
    shapes[1] = shape
    small_panel.polygons = small_panel.polygons.set_geometry(gpd.GeoSeries(shapes, crs=4326))
    return small_panel.write()


@pytest.mark.parametrize(
    ("shape", "code", "words"),
    [
        (None, "E-GEOM-NULL", "polygon"),
        (shapely.Polygon(), "E-GEOM-EMPTY", "vertices"),
        (shapely.Point(104.5, 34.5), "E-GEOM-TYPE", "point"),
        (shapely.Polygon([(104, 34), (105, 35), (105, 34), (104, 35)]), "E-GEOM-INVALID", "Self-intersection"),
    ],
)
def test_bad_shape(small_panel, shape, code, words):
    issue = small_panel.only(small_panel.errors_of(_with_shape(small_panel, shape)))
    assert (issue.code, issue.file, issue.line, issue.value) == (code, "squares.gpkg", 2, "110102")
    assert issue.people == 210
    assert words in issue.rule


def test_crs_is_never_guessed(small_panel):
    small_panel.polygons = small_panel.polygons.set_crs(None, allow_override=True)
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert issue.code == "E-CRS-MISSING"
    assert 'crs = "EPSG:4490"' in issue.fix


def test_shapefile_without_its_parts(small_panel):
    small_panel.write()
    small_panel.polygons.to_file(small_panel.folder / "squares.shp")
    small_panel.section["polygons"]["file"] = "squares.shp"
    (small_panel.folder / "squares.prj").unlink()
    issue = small_panel.only(small_panel.errors_of(small_panel.parse()))
    assert issue.code == "E-CRS-MISSING"
    assert ".prj" in issue.rule
    (small_panel.folder / "squares.dbf").unlink()
    issue = small_panel.only(small_panel.errors_of(small_panel.parse()))
    assert issue.code == "E-IO-SIDECAR"
    assert ".dbf" in issue.rule


def test_metres_labelled_as_degrees(small_panel):
    small_panel.polygons = small_panel.polygons.to_crs(32648).set_crs(4326, allow_override=True)
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-CRS-RANGE"


def test_metres_in_a_geojson_without_crs(small_panel):
    config = small_panel.write()
    text = small_panel.polygons.to_crs(32648).to_json(drop_id=True)
    (small_panel.folder / "squares.geojson").write_text(text.replace('"crs":', '"was":'))
    small_panel.section["polygons"]["file"] = "squares.geojson"
    config = small_panel.parse()
    assert small_panel.only(small_panel.errors_of(config)).code == "E-CRS-RANGE"


def test_degrees_labelled_as_metres(small_panel):
    small_panel.polygons = small_panel.polygons.set_crs(32648, allow_override=True)
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-CRS-RANGE"


def test_swapped_axes(small_panel):
    swapped = shapely.transform(np.asarray(small_panel.polygons.geometry.array), lambda xy: xy[:, ::-1])
    small_panel.polygons = small_panel.polygons.set_geometry(gpd.GeoSeries(swapped, crs=4326))
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-AXIS-SWAP"


def test_crs_of_file_and_config_differ(small_panel):
    small_panel.section["polygons"]["crs"] = "EPSG:32648"
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-CRS-MISMATCH"


def test_unknown_crs(small_panel):
    small_panel.section["polygons"]["crs"] = "EPSG:1"
    assert small_panel.only(small_panel.errors_of(small_panel.write())).code == "E-CRS-UNKNOWN"


def test_several_layers(small_panel):
    config = small_panel.write()
    small_panel.polygons.to_file(small_panel.folder / "squares.gpkg", layer="others")
    issue = small_panel.only(small_panel.errors_of(config))
    assert issue.code == "E-LAYER-AMBIGUOUS"
    assert "squares, others" in issue.rule
    small_panel.section["polygons"]["layer"] = "squares"
    assert len(panel.build(small_panel.parse()).zones) == 9


def test_a_name_does_not_decide_what_a_file_is(small_panel):
    config = small_panel.write()
    small_panel.polygons.to_file(small_panel.folder / "real.geojson")
    source = small_panel.folder / "real.geojson"
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="real"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>'
    (small_panel.folder / "squares.gpkg").write_text(vrt + "</OGRVRTDataSource>")
    assert small_panel.only(small_panel.errors_of(config)).code == "E-IO-FORMAT"
