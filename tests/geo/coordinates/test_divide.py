"""The divide against cities, against a closed form, and against the shares of the real panel."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo.coordinates import crs, divide

EAST = {
    "Chengdu": (104.07, 30.66),
    "Xi'an": (108.94, 34.34),
    "Taiyuan": (112.55, 37.87),
    "Datong": (113.30, 40.08),
    "Baoji": (107.24, 34.36),
}
WEST = {
    "Lanzhou": (103.83, 36.06),
    "Hohhot": (111.75, 40.84),
    "Xining": (101.78, 36.62),
    "Tianshui": (105.72, 34.58),
}


@pytest.mark.parametrize("city", EAST)
def test_city_is_south_east(city):
    assert divide.signed_distance_km(*EAST[city]) > 10


@pytest.mark.parametrize("city", WEST)
def test_city_is_north_west(city):
    assert divide.signed_distance_km(*WEST[city]) < -10


def test_the_ends_and_the_line_between_them_are_at_distance_zero():
    ends = np.array([divide.HEIHE, divide.TENGCHONG])
    assert divide.signed_distance_km(*ends.T) == pytest.approx(0, abs=1e-9)
    points = shapely.get_coordinates(divide.line(spacing_km=50))
    assert points[[0, -1]] == pytest.approx(ends[::-1])
    assert divide.signed_distance_km(*points.T) == pytest.approx(0, abs=1e-8)


def test_line_keeps_its_spacing():
    lon, lat = np.radians(shapely.get_coordinates(divide.line(spacing_km=25))).T
    cosine = np.sin(lat[1:]) * np.sin(lat[:-1]) + np.cos(lat[1:]) * np.cos(lat[:-1]) * np.cos(np.diff(lon))
    steps_km = divide.EARTH_RADIUS_KM * np.arccos(cosine)
    assert steps_km.max() <= 25.001
    sphere = pyproj.Geod(a=divide.EARTH_RADIUS_KM, b=divide.EARTH_RADIUS_KM)
    assert steps_km.sum() == pytest.approx(sphere.inv(*divide.HEIHE, *divide.TENGCHONG)[2], rel=1e-6)


def test_distance_of_the_pole_of_the_circle_is_a_quarter_of_the_globe():
    # The normal of the plane, written out as a point: 90 degrees from every point of the circle.
    a, b = (
        np.array([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])
        for x, y in np.radians([divide.HEIHE, divide.TENGCHONG])
    )
    x, y, z = np.cross(a, b) / np.linalg.norm(np.cross(a, b))
    distance = divide.signed_distance_km(np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z)))
    assert abs(distance) == pytest.approx(divide.EARTH_RADIUS_KM * np.pi / 2)


def test_distance_broadcasts():
    lon, lat = np.array([[100.0], [110.0]]), np.array([30.0, 35.0, 40.0])
    assert divide.signed_distance_km(lon, lat).shape == (2, 3)


def test_share_is_exact_off_the_line_and_adds_up_on_it():
    west, east = shapely.box(90, 35, 91, 36), shapely.box(115, 30, 116, 31)
    x, y = shapely.get_coordinates(divide.line(spacing_km=10))[180]
    cut = shapely.box(x - 0.5, y - 0.5, x + 0.5, y + 0.5)
    shares = divide.area_share_east(gpd.GeoSeries([west, east, cut], crs=4326))
    assert shares[:2].tolist() == [0.0, 1.0]
    assert shares[2] == pytest.approx(0.5, abs=0.02)  # a small square with the line through its middle
    halves = gpd.GeoSeries([shapely.box(x - 0.5, y - 0.5, x, y + 0.5), shapely.box(x, y - 0.5, x + 0.5, y + 0.5)])
    parts = divide.area_share_east(halves.set_crs(4326))
    # Halves of equal area: their shares average to the whole; the western half has less of the east.
    assert parts.mean() == pytest.approx(shares[2], abs=1e-5)
    assert parts[0] < shares[2] < parts[1]


def test_share_agrees_with_counting_points_in_a_cut_square():
    square = shapely.box(104, 34, 106, 36)
    lon, lat = np.meshgrid(np.linspace(104, 106, 801), np.linspace(34, 36, 801))
    weight = np.cos(np.radians(lat))
    counted = np.average(divide.signed_distance_km(lon, lat) > 0, weights=weight)
    assert divide.area_share_east(gpd.GeoSeries([square], crs=4326))[0] == pytest.approx(counted, abs=2e-3)


def _shares(panel: pd.DataFrame, east: np.ndarray) -> tuple[float, float, float]:
    return tuple(float((panel[c] * east).sum() / panel[c].sum()) for c in ("pop_2010", "pop_2020", "area_km2"))


def test_shares_of_the_real_panel(data_dir: Path):
    panel = pd.read_csv(data_dir / "china" / "china_units_panel.csv")
    east = divide.signed_distance_km(panel.lon_pw, panel.lat_pw) > 0
    residents_2010, residents_2020, land = _shares(panel, east)
    assert 0.9365 <= residents_2020 <= residents_2010 <= 0.9383
    assert 0.434 <= land <= 0.438
    assert int((east != panel.hu_east).sum()) == 12


def test_a_straight_line_in_albers_misses_the_band(data_dir: Path):
    panel = pd.read_csv(data_dir / "china" / "china_units_panel.csv")
    ends = crs.project(shapely.points([divide.TENGCHONG, divide.HEIHE]), crs.WGS84, crs.china_albers())
    places = crs.project(shapely.points(panel[["lon_pw", "lat_pw"]].to_numpy()), crs.WGS84, crs.china_albers())
    (x0, y0), (x1, y1) = shapely.get_coordinates(ends)
    x, y = shapely.get_coordinates(places).T
    east = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) < 0
    assert np.array_equal(east, panel.hu_east)
    residents_2010, residents_2020, land = _shares(panel, east)
    assert residents_2010 < 0.9365
    assert residents_2020 < 0.9365
    assert land < 0.434


def test_area_shares_of_the_real_polygons(data_dir: Path):
    units = gpd.read_file(data_dir / "china" / "china_units_simpl2km.gpkg")
    shares = divide.area_share_east(units.geometry)
    assert 70 <= ((shares > 0) & (shares < 1)).sum() <= 90
    assert 0.434 <= np.average(shares, weights=units.area_km2) <= 0.438
