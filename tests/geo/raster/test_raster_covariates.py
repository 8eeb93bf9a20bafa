"""Rasters summed over zones: closed forms, a brute-force twin, conservation."""

from pathlib import Path

import geotiff
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio import Affine

from geo.config import RasterConfig
from geo.coordinates import crs
from geo.raster import cells, covariates, read

GEOD = pyproj.Geod(ellps="WGS84")
UTM = pyproj.CRS.from_epsg(32648)


def _config(path: Path, quantity: str = "count", **options):
    people = {} if quantity == "mean" else {"people": False}
    unit = {"statistic": "mean", "unit": "1"}
    return RasterConfig(file=path, quantity=quantity, **(people | unit | options))


def _sums(path: Path, shapes, quantity: str = "count", **options):
    summary = covariates.summarise({"x": _config(path, quantity, **options)}, None, np.array(shapes, object))
    assert not [issue for issue in summary.issues if issue.severity == "error"]
    return summary.sums["x"]


def _back(shapes, system):
    """Brings shapes of another system to degrees, with edges that are straight in it to a metre."""
    return crs.project(np.asarray(shapes, object), system, crs.WGS84)


def _ground_km2(west, south, east, north):
    """A rectangle of meridians and parallels, each parallel walked in short geodesics."""
    lon = np.linspace(west, east, 20_001)
    ring = np.concatenate([lon, lon[::-1]]), np.repeat([south, north], lon.size)
    return abs(GEOD.polygon_area_perimeter(*ring)[0]) / 1e6


def _random(seed=3, shape=(12, 12)):
    return np.random.default_rng(seed).uniform(0.0, 50.0, shape)


def test_count_and_density_on_rectangles_in_closed_form(tmp_path):
    # West and east, south and north of a zone that cuts cells of a quarter of a degree everywhere.
    west, south, east, north = 103.1, 34.2, 104.85, 35.9
    zone = shapely.box(west, south, east, north)
    values = np.full((12, 12), 7.0)
    counts = _sums(geotiff.write(tmp_path / "a.tif", values), [zone])
    np.testing.assert_allclose(counts.amount, 7.0 * (east - west) * (north - south) / 0.25**2, rtol=1e-12)
    density = _sums(tmp_path / "a.tif", [zone], "density")
    # Within a cell, ground is taken as even: its southern half has a quarter of a per mille more.
    np.testing.assert_allclose(density.amount, 7.0 * _ground_km2(west, south, east, north), rtol=3e-4)
    whole = _sums(tmp_path / "a.tif", [shapely.box(103.25, 34.5, 104.75, 35.75)], "density")
    np.testing.assert_allclose(whole.amount, 7.0 * _ground_km2(103.25, 34.5, 104.75, 35.75), rtol=1e-8)
    np.testing.assert_allclose(whole.covered_km2, whole.area_km2, rtol=1e-12)


def test_a_brute_force_of_small_squares_agrees(tmp_path):
    values = _random(shape=(10, 10))
    transform = Affine(1000.0, 0.0, 400_000.0, 0.0, -1000.0, 3_800_000.0)
    path = geotiff.write(tmp_path / "a.tif", values, crs="EPSG:32648", transform=transform)
    triangle = shapely.Polygon([(400_300, 3_790_400), (409_600, 3_792_100), (403_900, 3_799_700)])
    ring = shapely.box(404_000, 3_791_000, 409_500, 3_797_000) - shapely.box(405_100, 3_792_300, 407_700, 3_795_900)
    found = _sums(path, _back([triangle, ring], UTM)).amount
    fine = (np.arange(10 * 80) + 0.5) / 80
    x, y = np.meshgrid(400_000 + 1000 * fine, 3_800_000 - 1000 * fine)
    each = np.kron(values, np.ones((80, 80))) / 80**2
    expected = [each[shapely.contains_xy(shape, x, y)].sum() for shape in (triangle, ring)]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("quantity", ["count", "density"])
@pytest.mark.parametrize("system", ["EPSG:4326", "EPSG:3857", "EPSG:32648"])
def test_zones_that_share_the_land_share_its_people(tmp_path, quantity, system):
    to = pyproj.CRS(system)
    points = np.random.default_rng(5).uniform((103.2, 34.2), (105.8, 36.8), (60, 2))
    square = shapely.box(103.0, 34.0, 106.0, 37.0)
    zones = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points))), square)
    west, south, east, north = shapely.bounds(crs.project(np.array([square.buffer(0.4)]), crs.WGS84, to)[0])
    shape = (70, 55)
    transform = Affine((east - west) / shape[1], 0.0, west, 0.0, -(north - south) / shape[0], north)
    path = geotiff.write(tmp_path / "a.tif", _random(shape=shape), crs=system, transform=transform)
    # The union's own edge has the points that the zones' edges have, so that only the cuts between zones differ.
    parts, whole = _sums(path, zones, quantity), _sums(path, [shapely.union_all(zones)], quantity)
    np.testing.assert_allclose(parts.amount.sum(), whole.amount.sum(), rtol=1e-9)
    np.testing.assert_allclose(parts.area_km2.sum(), whole.area_km2.sum(), rtol=1e-9)


def test_zones_that_fill_the_raster_hold_all_of_it(tmp_path):
    values = _random()
    path = geotiff.write(tmp_path / "a.tif", values)
    cuts = np.array([103.0, 103.317, 104.002, 105.11, 106.0])
    zones = [shapely.box(a, 34.0, b, 37.0) for a, b in zip(cuts, cuts[1:], strict=False)]
    np.testing.assert_allclose(_sums(path, zones).amount.sum(), values.sum(), rtol=1e-13)


def test_a_zone_smaller_than_a_cell_gets_its_share(tmp_path):
    values = np.zeros((12, 12))
    values[5, 5] = 1000.0
    path = geotiff.write(tmp_path / "a.tif", values)
    speck = shapely.box(104.30, 35.55, 104.31, 35.56)
    np.testing.assert_allclose(_sums(path, [speck]).amount, 1000.0 * 0.01**2 / 0.25**2, rtol=1e-9)


@pytest.mark.parametrize("system", ["EPSG:4326", "EPSG:3857", "EPSG:32648", "ESRI:102025"])
def test_the_ground_under_a_cell_is_the_geodesic_area(system):
    to = pyproj.CRS(system)
    x, y = pyproj.Transformer.from_crs(4326, to, always_xy=True).transform(101.0, 47.0)
    size = 0.01 if to.is_geographic else 1000.0
    grid = cells.Cells(to, x, y, size, size, (40, 30))
    areas = cells.ground_areas_km2(grid, cells.Window(slice(0, 40), slice(0, 30)))
    back = pyproj.Transformer.from_crs(to, 4326, always_xy=True)
    for row, column in ((0, 0), (39, 0), (17, 29)):
        west, north = x + column * size, y - row * size
        side = np.linspace(0.0, size, 100)
        ring_x = np.concatenate([west + side, np.full(100, west + size), west + side[::-1], np.full(100, west)])
        ring_y = np.concatenate([np.full(100, north), north - side, np.full(100, north - size), north - side[::-1]])
        expected = abs(GEOD.polygon_area_perimeter(*back.transform(ring_x, ring_y))[0]) / 1e6
        np.testing.assert_allclose(areas[row, column], expected, rtol=1e-7)


def test_web_mercator_squares_are_not_their_ground():
    grid = cells.Cells(pyproj.CRS(3857), 11_500_000.0, 6_446_000.0, 1000.0, 1000.0, (1, 1))  # at 50 N
    areas = cells.ground_areas_km2(grid, cells.Window(slice(0, 1), slice(0, 1)))
    assert areas[0, 0] == pytest.approx(np.cos(np.radians(50.0)) ** 2, rel=0.01)


def test_south_first_scaled_whole_numbers_tied_to_points_give_the_same(tmp_path):
    values, zones = np.round(_random()), [shapely.box(103.1, 34.2, 104.4, 35.9), shapely.box(104.4, 34.2, 105.1, 36.3)]
    expected = _sums(geotiff.write(tmp_path / "a.tif", values), zones).amount
    turned = Affine(0.25, 0.0, 103.0, 0.0, 0.25, 34.0)
    south = geotiff.write(tmp_path / "b.tif", values[::-1], transform=turned)
    scaled = geotiff.write(tmp_path / "c.tif", (values * 10 + 30).astype("uint16"), scale=(0.1, -3.0))
    point = geotiff.write(tmp_path / "d.tif", values, tags={"AREA_OR_POINT": "Point"})
    # The file ties the centre of the first cell; GDAL and we give its corner.
    assert np.array([0.0, 0.0, 0.0, 103.125, 36.875]).tobytes() in point.read_bytes()
    for path in (south, scaled, point):
        np.testing.assert_allclose(_sums(path, zones).amount, expected, rtol=1e-12)


def test_blocks_of_rows_make_no_difference(tmp_path, monkeypatch):
    path = geotiff.write(tmp_path / "a.tif", _random())
    zones = [shapely.box(103.1, 34.2, 104.4, 35.9), shapely.Polygon([(104.4, 34.2), (105.9, 36.9), (103.2, 36.3)])]
    whole = _sums(path, zones, "density")
    monkeypatch.setattr(cells, "_CELLS_PER_BLOCK", 24)
    parts = _sums(path, zones, "density")
    np.testing.assert_allclose(parts.amount, whole.amount, rtol=1e-12)
    np.testing.assert_allclose(parts.area_km2, whole.area_km2, rtol=1e-12)


def test_coverage_counts_holes_and_what_lies_beyond_the_edge(tmp_path):
    values = np.full((12, 12), 5.0)
    values[4:8, 0:2] = np.nan
    path = geotiff.write(tmp_path / "a.tif", values)
    sums = _sums(path, [shapely.box(103, 35, 104, 36), shapely.box(105, 35, 107, 36), shapely.box(104, 35, 105, 36)])
    np.testing.assert_allclose(sums.covered_km2 / sums.area_km2, [0.5, 0.5, 1.0], rtol=1e-9)
    np.testing.assert_allclose(sums.amount, [40.0, 80.0, 80.0], rtol=1e-12)


def test_a_mean_by_people_and_one_by_ground(tmp_path):
    height, people = np.repeat([[100.0], [300.0]], 6, axis=0) * np.ones((1, 12)), np.ones((12, 12))
    people[6:] = 3.0
    config = {
        "height": _config(geotiff.write(tmp_path / "h.tif", height), "mean", weight="people"),
        "people": _config(geotiff.write(tmp_path / "p.tif", people)),
    }
    zone = np.array([shapely.box(103.1, 34.6, 105.0, 36.4)], object)
    summary = covariates.summarise(config, None, zone)
    sums = summary.sums["height"]
    np.testing.assert_allclose(sums.weighted / sums.weight, (100 * 1 + 300 * 3) / 4, rtol=1e-12)
    ground = np.array([_ground_km2(103.1, 35.5, 105.0, 36.4), _ground_km2(103.1, 34.6, 105.0, 35.5)])
    np.testing.assert_allclose(sums.amount / sums.covered_km2, np.average([100, 300], weights=ground), rtol=1e-4)


def test_people_place_their_zone(tmp_path):
    people = np.zeros((12, 12))
    people[4, 2], people[7, 2], people[5, 5] = 1.0, 3.0, 8.0
    config = {"p": _config(geotiff.write(tmp_path / "p.tif", people))}
    # Two zones share one cell of people; the last has none.
    left, right = shapely.box(104.0, 35.0, 104.3, 36.0), shapely.box(104.3, 35.0, 105.0, 36.0)
    zones = np.array([shapely.box(103, 35, 104, 36), left, right, shapely.box(105, 34, 106, 35)], object)
    lon, lat = covariates.summarise(config, "p", zones).position
    np.testing.assert_allclose(lon[:3], [103.625, 104.275, 104.4], atol=1e-9)
    np.testing.assert_allclose(lat[:3], [(35.875 + 3 * 35.125) / 4, 35.625, 35.625], atol=1e-4)
    assert np.isnan(lon[3])
    assert np.isnan(lat[3])


def test_files_beside_a_raster_are_not_read(tmp_path):
    path = geotiff.write(tmp_path / "a.tif", _random(), transform=None)
    (tmp_path / "a.tfw").write_text("0.25\n0\n0\n-0.25\n103.125\n36.875\n")
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><GeoTransform>103, 0.25, 0, 37, 0, -0.25</GeoTransform></PAMDataset>"
    )
    raster, issues = read.inspect("x", _config(path))
    assert raster is None
    assert [issue.code for issue in issues] == ["E-GRID-NOGEO"]


@pytest.mark.parametrize(
    ("code", "values", "file", "options"),
    [
        ("E-BAND", np.ones((2, 12, 12)), {}, {}),
        ("E-BAND", np.ones((12, 12)), {}, {"band": 2}),
        ("E-IO-FORMAT", np.ones((12, 12), "complex64"), {}, {}),
        ("E-CRS-MISMATCH", np.ones((12, 12)), {}, {"crs": "EPSG:3857"}),
        ("E-NODATA-MISMATCH", np.ones((12, 12)), {"nodata": -1.0}, {"nodata": -9999.0}),
        ("E-NODATA-RANGE", np.ones((12, 12), "uint8"), {}, {"nodata": -9999.0}),
    ],
)
def test_what_a_file_and_its_config_must_agree_on(tmp_path, code, values, file, options):
    raster, issues = read.inspect("x", _config(geotiff.write(tmp_path / "a.tif", values, **file), **options))
    assert raster is None
    assert [issue.code for issue in issues] == [code]


def test_blocks_left_out_read_as_no_data_where_that_is_declared(tmp_path):
    path = geotiff.write(tmp_path / "a.tif", np.zeros((12, 12)), nodata=-1.0, blockysize=1, sparse_ok=True)
    with rasterio.open(path, "w", **_profile(-1.0)) as file:
        file.write(np.ones((6, 12)), 1, window=((0, 6), (0, 12)))
    zone = np.array([shapely.box(103, 34, 106, 37)], object)
    summary = covariates.summarise({"x": _config(path)}, None, zone)
    assert [issue.code for issue in summary.issues] == ["W-RASTER-HOLES"]
    np.testing.assert_allclose(summary.sums["x"].amount, 72.0, rtol=1e-12)


def _profile(nodata):
    place = {"crs": "EPSG:4326", "transform": Affine(0.25, 0.0, 103.0, 0.0, -0.25, 37.0), "nodata": nodata}
    size = {"driver": "GTiff", "count": 1, "dtype": "float64", "height": 12, "width": 12}
    return size | place | {"blockysize": 1, "sparse_ok": True}


@pytest.mark.parametrize("cells_at_once", [24, 1000])
def test_rows_of_zeros_at_the_end_are_told(tmp_path, monkeypatch, cells_at_once):
    monkeypatch.setattr(cells, "_CELLS_PER_BLOCK", cells_at_once)
    values = np.ones((12, 12))
    values[9:] = 0.0
    zone = np.array([shapely.box(103, 34, 106, 37)], object)
    summary = covariates.summarise({"x": _config(geotiff.write(tmp_path / "a.tif", values))}, None, zone)
    assert [issue.code for issue in summary.issues] == ["W-RASTER-ZEROS"]
    assert "last 3 of 12 rows" in summary.issues[0].rule


def test_a_mark_for_no_data_is_counted_over_all_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "_CELLS_PER_BLOCK", 24)
    values = np.ones((12, 12))
    values[1:, 3] = -9999.0
    zone = np.array([shapely.box(103, 34, 106, 37)], object)
    summary = covariates.summarise({"x": _config(geotiff.write(tmp_path / "a.tif", values))}, None, zone)
    (issue,) = summary.issues
    assert (issue.code, issue.line, issue.column) == ("E-NODATA-SUSPECT", 2, "4")
    assert "in 11 of 144 cells" in issue.rule
    assert "x" not in summary.sums


def test_long_edges_stay_straight_in_degrees(tmp_path):
    # In a conic projection a parallel is a curve: without points along it the zone would lose half a per cent.
    to = pyproj.CRS("ESRI:102025")
    zone = shapely.box(103.0, 34.0, 106.0, 37.0)
    west, south, east, north = crs.project(np.array([zone.buffer(0.5)]), crs.WGS84, to)[0].bounds
    transform = Affine((east - west) / 60, 0.0, west, 0.0, -(north - south) / 60, north)
    path = geotiff.write(tmp_path / "a.tif", np.full((60, 60), 7.0), crs="ESRI:102025", transform=transform)
    np.testing.assert_allclose(_sums(path, [zone], "density").amount, 7.0 * _ground_km2(103, 34, 106, 37), rtol=1e-5)


def test_gridded_population_of_china_agrees_with_its_counties(data_dir):
    geopandas, spearmanr = pytest.importorskip("geopandas"), pytest.importorskip("scipy.stats").spearmanr
    units = geopandas.read_file(data_dir / "china" / "china_units_simpl2km.gpkg")
    path = data_dir / "rasters" / "gpw411_density2020_china_z4_3857.tif"
    sums = _sums(path, units.geometry.to_numpy(), "density")
    # The file is cut at 4,096 people per km2: cities lose people, so the total is low, and counties are the test.
    assert 0.8 < sums.amount.sum() / units["pop_2020"].sum() < 0.95
    rural = (units["pop_2020"] / units["area_km2"] < 500).to_numpy()
    assert spearmanr(sums.amount[rural], units["pop_2020"][rural]).statistic > 0.9
    np.testing.assert_allclose(sums.area_km2.sum(), units["area_km2"].sum(), rtol=1e-4)
    np.testing.assert_allclose(sums.covered_km2, sums.area_km2, rtol=1e-9)
