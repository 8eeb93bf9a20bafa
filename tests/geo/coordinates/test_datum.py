"""Shifted coordinates and old ellipsoids: numbers published elsewhere, round trips, and what is said of them."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.coordinates import crs, datum

GEOD = pyproj.Geod(ellps="WGS84")
CHINA = np.array([73.0, 18.0, 135.0, 54.0])


def _metres(here, there):
    return GEOD.inv(*here.T, *there.T)[2]


@pytest.mark.parametrize(
    ("place", "metres"),
    [
        ((116.3913, 39.9075), 554),  # Beijing, Shanghai, Urumqi: offsets of the table of bad inputs
        ((121.4737, 31.2304), 481),
        ((87.6168, 43.8256), 264),
    ],
)
def test_offset_of_gcj02(place, metres):
    here = np.array([place])
    assert _metres(here, datum.to_gcj02(here))[0] == pytest.approx(metres, abs=5)


def test_points_that_others_have_published():
    # Beijing railway station in the manual of geoChina; a point in Shenzhen in that of evil_transform.
    assert datum.to_gcj02(np.array([[116.42079, 39.90105]]))[0] == pytest.approx([116.42703, 39.90245], abs=1e-5)
    shenzhen = datum.from_gcj02(np.array([[114.1251447, 22.59414209]]))
    assert shenzhen[0] == pytest.approx([114.12004399, 22.59682825], abs=2e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(73.5, 134.5), st.floats(18.5, 53.5))
def test_there_and_back(lon, lat):
    here = np.array([[lon, lat]])
    assert _metres(here, datum.from_gcj02(datum.to_gcj02(here)))[0] < 0.001
    assert _metres(here, datum.from_bd09(datum.to_bd09(here)))[0] < 0.001


def test_nothing_is_shifted_abroad():
    tokyo = np.array([[139.75, 35.68]])
    assert (datum.to_gcj02(tokyo) == tokyo).all()


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_polygons_come_back(name):
    square = shapely.box(116, 39, 117, 40)
    shift = datum.to_gcj02 if name == "gcj02" else lambda xy: datum.to_bd09(datum.to_gcj02(xy))
    (back,) = datum.to_wgs84(np.array([shapely.transform(square, shift)]), name)
    corners = shapely.get_coordinates(back), shapely.get_coordinates(square)
    assert _metres(*corners).max() < 0.01


def test_baidu_is_another_kilometre_away():
    here = np.array([[116.3913, 39.9075]])
    assert _metres(here, datum.to_bd09(datum.to_gcj02(here)))[0] == pytest.approx(1290, abs=100)


@pytest.mark.parametrize(("code", "name"), [(4214, "Krassowsky 1940"), (2433, "Krassowsky 1940"), (4610, "IAG 1975")])
def test_old_ellipsoids(code, name):
    system = pyproj.CRS.from_epsg(code)
    assert datum.old_ellipsoid(system) == name
    (said,) = datum.check(system, None, CHINA, "x.shp")
    assert (said.code, said.severity) == ("W-DATUM", "warning")
    (clash,) = datum.check(system, "gcj02", CHINA, "x.shp")
    assert clash.code == "E-CRS-MISMATCH"


def test_stated_accuracy_and_none():
    assert datum.accuracy_m(pyproj.CRS.from_epsg(4214)) == 1.0
    assert datum.accuracy_m(pyproj.CRS.from_epsg(4610)) is None


def test_modern_ones_need_a_word_in_china_only():
    assert datum.old_ellipsoid(pyproj.CRS.from_epsg(4490)) is None
    assert [issue.code for issue in datum.check(crs.WGS84, None, CHINA, "x.shp")] == ["W-DATUM"]
    assert datum.check(crs.WGS84, "wgs84", CHINA, "x.shp") == []
    assert datum.check(crs.WGS84, None, np.array([-10.0, 40.0, 10.0, 50.0]), "x.shp") == []
