"""Bad polygon layers: shapes, coordinate systems, layers and files that are not what they say."""

import warnings

import geopandas as gpd
import numpy as np
import pyogrio
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


def test_one_record_off_the_globe(small_panel):
    config = _with_shape(small_panel, shapely.box(104, 34, 1050, 35))
    issue = small_panel.only(small_panel.errors_of(config))
    assert (issue.code, issue.line, issue.value, issue.people) == ("E-CRS-RANGE", 2, "110102", 210)


def test_metres_labelled_as_other_metres(small_panel):
    # Web Mercator metres said to be a zone of the older survey: finite degrees, in another part of the world.
    small_panel.polygons = small_panel.polygons.to_crs(3857).set_crs(2433, allow_override=True)
    issue = small_panel.only(small_panel.errors_of(small_panel.write()))
    assert issue.code == "E-CRS-RANGE"


@pytest.mark.parametrize("name", ["squares.gpkg", "squares.shp"])
def test_measures_are_dropped_in_sight(small_panel, name):
    small_panel.write_table()
    texts = [shapely.to_wkt(shape).replace("POLYGON", "POLYGON M") for shape in small_panel.polygons.geometry]
    measured = [shapely.from_wkt(text.replace(",", " 7,").replace("))", " 7))")) for text in texts]
    blobs = shapely.to_wkb(np.array(measured), flavor="iso")
    fields = [small_panel.polygons["code"].to_numpy(dtype=object)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio says that it cannot declare measures
        pyogrio.raw.write(small_panel.folder / name, blobs, fields, ["code"], geometry_type="Unknown", crs="EPSG:4326")
    small_panel.section["polygons"]["file"] = name
    source = panel.build(small_panel.parse())
    assert "9 records have heights or measures" in next(it.rule for it in source.issues if it.code == "W-GEOM-3D")
    assert not shapely.has_m(np.asarray(source.polygons.geometry.array)).any()


@pytest.mark.parametrize("name", ["squares.shp", "squares.geojson", "squares.parquet", "squares.gpkg"])
def test_vertices_are_counted_before_they_are_read(small_panel, name):
    small_panel.write()
    shapes = shapely.segmentize(np.asarray(small_panel.polygons.geometry.array), 0.01)
    layer = small_panel.polygons.set_geometry(gpd.GeoSeries(shapes, crs=4326))
    file = small_panel.folder / name
    file.unlink(missing_ok=True)
    layer.to_parquet(file) if name.endswith("parquet") else layer.to_file(file)
    small_panel.section["polygons"]["file"] = name
    small_panel.section["polygons"]["max_vertices"] = 1000
    issue = small_panel.only(small_panel.errors_of(small_panel.parse()))
    assert issue.code == "E-SIZE-LIMIT"
    stated = int("".join(filter(str.isdigit, issue.value)))
    assert issue.value.startswith("at least ")
    assert 1000 < stated <= 9 * 401
    small_panel.section["polygons"]["max_vertices"] = 9 * 401
    assert len(panel.build(small_panel.parse()).zones) == 9


def test_a_layer_without_records(small_panel):
    small_panel.write()
    empty = small_panel.polygons.iloc[:0]
    empty.to_file(small_panel.folder / "squares.gpkg", layer="squares")
    issues = small_panel.errors_of(small_panel.parse())
    assert [issue.code for issue in issues] == ["E-EMPTY"] + ["E-JOIN-UNMATCHED"] * 9
