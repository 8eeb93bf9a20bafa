"""Overlaps, gaps and slivers between zones, against areas known by hand and pairs found by brute force."""

import itertools

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coordinates import crs
from geo.layers import topology
from geo.layers.location import geodesic_area_km2
from geo.layers.records import Place

UTM = pyproj.CRS.from_epsg(32648)
KM = 1000.0


def _place(count):
    codes = [f"{110101 + at}" for at in range(count)]
    return Place("layer.gpkg", "code", codes, range(1, count + 1), dict.fromkeys(codes, 10.0))


def _check(*shapes, whole=True, system=UTM, east=500_000.0, north=3_900_000.0):
    moved = [shapely.transform(shape, lambda xy: xy * KM + [east, north]) for shape in shapes]
    return topology.check(np.array(moved, dtype=object), system, _place(len(shapes)), whole=whole)


def test_an_overlap_is_a_pair_with_its_area_and_people():
    (issue,) = _check(shapely.box(0, 0, 10, 10), shapely.box(9, 0, 20, 10))
    assert (issue.code, issue.severity, issue.line) == ("E-TOPO-OVERLAP", "error", 1)
    assert (issue.value, issue.people) == ("110101, 110102", 20.0)
    assert "overlap by 10 km2, 10.00% of the smaller" in issue.rule


@pytest.mark.parametrize(
    "inner", [shapely.box(2, 2, 4, 4), shapely.box(0, 0, 10, 10), shapely.box(0, 0, 5, 10), shapely.box(-1, 4, 11, 6)]
)
def test_a_zone_inside_equal_to_or_across_another(inner):
    for pair in itertools.permutations([shapely.box(0, 0, 10, 10), inner]):
        assert [issue.code for issue in _check(*pair)] == ["E-TOPO-OVERLAP"]


def test_borders_that_meet_between_vertices_are_sound():
    assert _check(shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 5), shapely.box(10, 5, 20, 10)) == []


def test_overlap_below_the_tolerance_is_counted():
    (issue,) = _check(shapely.box(0, 0, 10, 10), shapely.box(9.9995, 0, 20, 10))
    assert (issue.code, issue.severity) == ("W-TOPO-SLIVER", "warning")
    assert "1 pairs" in issue.rule


def test_records_of_one_zone_are_no_pair():
    place = Place("layer.gpkg", "code", ["110101", "110101"], [1, 2], {})
    shapes = np.array([shapely.box(103, 34, 104, 35), shapely.box(103.5, 34, 104.5, 35)])
    assert topology.check(shapes, crs.WGS84, place, whole=True) == []


def test_a_gap_has_an_area_a_place_and_neighbours():
    frame = shapely.difference(shapely.box(0, 0, 10, 10), shapely.box(4, 4, 6, 6))
    (issue,) = _check(frame)
    assert (issue.code, issue.severity) == ("W-TOPO-GAP", "warning")
    assert "gap 1 of 1: 4 km2 enclosed by 110101" in issue.rule
    lon, lat = map(float, issue.value.split(", "))
    there = pyproj.Transformer.from_crs(4326, UTM, always_xy=True).transform(lon, lat)
    assert np.hypot(there[0] - 505_000, there[1] - 3_905_000) < 2000
    assert _check(frame, whole=False) == []


def test_a_gap_between_zones_names_all_of_them():
    around = [shapely.box(0, 0, 10, 4), shapely.box(0, 4, 4, 10), shapely.box(6, 4, 10, 10), shapely.box(4, 6, 6, 10)]
    (issue,) = _check(*around)
    assert "110101, 110102, 110103, 110104" in issue.rule
    (issue,) = _check(*around[:3], shapely.box(4, 4.0005, 6, 10))
    assert issue.code == "W-TOPO-SLIVER"


def test_long_edges_in_degrees_stay_straight():
    # One border with a vertex in its middle, one without: projected, they would part by 100 m.
    south = shapely.box(103, 34, 104, 35)
    north = shapely.Polygon([(103, 35), (103.5, 35), (104, 35), (104, 36), (103, 36)])
    assert topology.check(np.array([south, north]), crs.WGS84, _place(2), whole=True) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 4), st.integers(1, 4)), max_size=8))
def test_the_pairs_are_those_of_brute_force(corners):
    boxes = [shapely.box(x, y, x + width, y + height) for x, y, width, height in corners]
    found = {issue.value for issue in _check(*boxes) if issue.code == "E-TOPO-OVERLAP"}
    codes = _place(len(boxes)).codes
    wanted = {
        f"{codes[i]}, {codes[j]}"
        for i, j in itertools.combinations(range(len(boxes)), 2)
        if boxes[i].intersection(boxes[j]).area > 0
    }
    assert found == wanted


@settings(max_examples=40, deadline=None)
@given(st.floats(75, 130), st.floats(20, 50), st.floats(0.05, 2), st.floats(0.05, 2))
def test_areas_are_those_of_the_ellipsoid(west, south, width, height):
    """An equal-area projection knows nothing of geodesics; edges with many vertices are alike in both."""
    box = shapely.segmentize(shapely.box(west, south, west + width, south + height), 0.01)
    (geodesic,) = geodesic_area_km2(np.array([box]))
    (equal_area,) = shapely.area(crs.project(np.array([box]), crs.WGS84, crs.china_albers())) / 1e6
    assert geodesic == pytest.approx(equal_area, rel=1e-5)


def test_real_units_are_a_coverage(data_dir):
    import geopandas as gpd

    layer = gpd.read_file(data_dir / "china" / "china_units_simpl2km.gpkg")
    shapes = np.asarray(layer.geometry.array)
    issues = topology.check(shapes, crs.WGS84, _place(len(shapes)), whole=True)
    assert [issue.code for issue in issues] == ["W-TOPO-GAP", "W-TOPO-SLIVER"]
    assert "2.85 km2" in issues[0].rule
    # Moved by a hundred metres, every zone but the last lies on its neighbours.
    moved = [shapely.transform(shape, lambda xy, by=at % 2: xy + 0.001 * by) for at, shape in enumerate(shapes)]
    issues = topology.check(np.array(moved, dtype=object), crs.WGS84, _place(len(shapes)), whole=True)
    assert sum(issue.code == "E-TOPO-OVERLAP" for issue in issues) > 1000
