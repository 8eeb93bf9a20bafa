"""The built-in country: facts against the census files, counties that keep every person and every square kilometre."""

import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.spatial import cKDTree

from geo.coordinates import crs, divide
from geo.sources import builtin
from geo.sources.builtin.cells import tessellate
from geo.sources.builtin.provinces import PROVINCES, TOTAL_RESIDENTS
from geo.sources.builtin.seats import apportion, counties_of_provinces
from geo.sources.builtin.territory import divide_land
from geo.sources.source import ZONE_COLUMNS, Source

BY_CODE = {province.code: province for province in PROVINCES}


@pytest.fixture(scope="module")
def full() -> Source:
    return builtin.build(2800, 1935)


@pytest.fixture(scope="module", params=[(2800, 1935), (300, 7)], ids=["2800", "300"])
def built(request: pytest.FixtureRequest) -> Source:
    return builtin.build(*request.param)


def in_metres(layer: gpd.GeoDataFrame) -> np.ndarray:
    return crs.project(layer.geometry.to_numpy(), crs.WGS84, crs.china_albers())


def digest(source: Source) -> str:
    frames = (source.zones, source.population, source.covariates)
    total = hashlib.sha256(b"".join(shapely.to_wkb(source.polygons.geometry.to_numpy())))
    for frame in frames:
        total.update(pd.util.hash_pandas_object(frame).to_numpy().tobytes())
    return total.hexdigest()


def test_facts_sum_to_the_published_totals() -> None:
    assert len(BY_CODE) == 31
    for year, total in TOTAL_RESIDENTS.items():
        assert sum(province.residents(year) for province in PROVINCES) == total


def test_tables_share_one_sorted_index_of_codes(built: Source) -> None:
    index = built.zones.index
    assert index.is_unique
    assert index.is_monotonic_increasing
    assert index.str.fullmatch(r"\d{6}").all()
    for table in (built.population, built.covariates, built.polygons):
        assert table.index.equals(index)
    assert tuple(built.zones.columns) == ZONE_COLUMNS
    assert not built.zones.isna().any(axis=None)
    assert built.synthetic
    assert built.zones["name"].str.endswith("(synthetic)").all()


@pytest.mark.parametrize("year", [2000, 2010])
def test_every_province_sums_to_its_census(built: Source, year: int) -> None:
    persons = built.population[year]
    assert (persons % 1 == 0).all()
    assert persons.min() >= 5000
    sums = persons.groupby(built.zones["province"]).sum()
    assert sums.to_dict() == {code: province.residents(year) for code, province in BY_CODE.items()}


def test_2020_is_left_to_the_model(built: Source) -> None:
    assert list(built.population.columns) == [2000, 2010]


def test_codes_place_each_county_in_one_province_and_prefecture(built: Source) -> None:
    zones = built.zones
    assert (zones.index.str[:2] == zones["province"]).all()
    assert (zones.index.str[:4] == zones["prefecture"]).all()
    assert zones["province"].map(lambda code: BY_CODE[code].name).equals(zones["province_name"])
    assert zones["province"].value_counts().min() >= 8
    assert zones["prefecture"].value_counts().between(8, 15).all()


def test_polygons_cover_the_outline_without_gap_or_overlap(built: Source) -> None:
    assert built.polygons.crs == crs.WGS84
    assert built.polygons.is_valid.all()
    assert shapely.coverage_is_valid(built.polygons.geometry.to_numpy())
    cells, land = in_metres(built.polygons), divide_land()
    outline_km2 = land.mainland.area + land.island.area
    assert shapely.union_all(cells).area / 1e6 == pytest.approx(outline_km2, rel=1e-6)
    np.testing.assert_allclose(shapely.area(cells) / 1e6, built.zones["area_km2"], rtol=1e-6)
    assert outline_km2 == pytest.approx(9.45e6, rel=0.05)


def test_the_position_lies_in_the_polygon_and_apart_from_others(built: Source) -> None:
    seats = gpd.points_from_xy(built.zones["lon"], built.zones["lat"])
    assert shapely.contains(built.polygons.geometry.to_numpy(), np.asarray(seats)).all()
    metres = shapely.get_coordinates(crs.project(np.asarray(seats), crs.WGS84, crs.china_albers()))
    assert cKDTree(metres).query(metres, k=2)[0][:, 1].min() >= 3000


def test_capitals_lie_in_the_first_county_of_their_province(built: Source) -> None:
    for province in PROVINCES:
        inside = built.polygons.contains(shapely.Point(province.capital_lon, province.capital_lat))
        assert list(built.polygons.index[inside]) == [province.code + "0101"]


def test_provinces_have_their_size_and_hang_together(full: Source) -> None:
    cells = in_metres(full.polygons)
    for province in PROVINCES:
        territory = shapely.union_all(cells[(full.zones["province"] == province.code).to_numpy()])
        assert territory.geom_type == "Polygon", province.name
        if province.land_area_km2 > 50_000:
            assert territory.area / 1e6 == pytest.approx(province.land_area_km2, rel=0.10), province.name


def test_people_live_in_the_east(full: Source) -> None:
    east = divide.signed_distance_km(full.zones["lon"], full.zones["lat"]) > 0
    share = full.population[2010][east].sum() / full.population[2010].sum()
    assert 0.92 < share < 0.96
    assert 0.42 < full.zones["area_km2"][east].sum() / full.zones["area_km2"].sum() < 0.46


def test_covariates_are_plausible_and_not_collinear(full: Source) -> None:
    table = full.covariates
    moments = {"schooling": (8.8, 1.3), "urban_share": (0.48, 0.2), "industry_share": (0.17, 0.1)}
    moments["young_share"] = (0.24, 0.03)
    assert set(table.columns) == set(moments)
    for name, (mean, spread) in moments.items():
        assert table[name].mean() == pytest.approx(mean, rel=0.03)
        assert table[name].std() == pytest.approx(spread, rel=0.1)
    assert table["urban_share"].between(0.02, 0.99, inclusive="neither").all()
    crowding = np.log(full.population[2010] / full.zones["area_km2"])
    correlation = table.assign(crowding=crowding).corr().abs().to_numpy()
    assert correlation[~np.eye(5, dtype=bool)].max() < 0.8


def test_natural_increase_is_higher_in_the_west(full: Source) -> None:
    zones = full.zones
    assert zones["birth_rate"].mean() == pytest.approx(0.0100, rel=0.03)
    assert zones["death_rate"].mean() == pytest.approx(0.0056, rel=0.03)
    assert zones["birth_rate"].std() == pytest.approx(0.003, rel=0.15)
    west = divide.signed_distance_km(zones["lon"], zones["lat"]) < 0
    increase = zones["birth_rate"] - zones["death_rate"]
    assert increase[west].mean() > increase[~west].mean() + 0.001


def test_every_variable_says_that_it_is_synthetic(full: Source) -> None:
    named = {"population", "birth_rate", "death_rate", "area", "lon", "lat", *full.covariates.columns}
    assert named == set(full.attributes)
    for entry in full.attributes.values():
        assert {"units", "long_name", "source"} <= set(entry)
        assert "synthetic" in entry["source"]


def test_the_seed_decides_every_byte(full: Source) -> None:
    assert digest(builtin.build(2800, 1935)) == digest(full)
    assert digest(builtin.build(300, 1)) != digest(builtin.build(300, 2))


@pytest.mark.parametrize(("counties", "message"), [(247, "at least 248"), (30_000, "room for 990")])
def test_an_impossible_number_of_counties_is_refused(counties: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        counties_of_provinces(counties)


def test_apportion_gives_the_rest_to_the_largest_remainders() -> None:
    # Quotas 4.7, 3.1, 2.2: one place is left, and 0.7 is the largest remainder.
    np.testing.assert_array_equal(apportion(10, np.array([47.0, 31.0, 22.0])), [5, 3, 2])


def test_cells_of_three_seats_in_a_rectangle() -> None:
    # The border of weighted cells is at d/2 + (w1 - w2) / 2d: 20 + 300/80 = 23.75 from the first seat.
    outline = shapely.box(0.0, 0.0, 100_000.0, 30_000.0)
    seats = np.array([[10_000.0, 15_000.0], [50_000.0, 15_000.0], [90_000.0, 15_000.0]])
    cells = tessellate(seats, np.array([4e8, 1e8, 1e8]), outline)
    np.testing.assert_allclose(shapely.area(cells) / 1e6, [33.75 * 30, 36.25 * 30, 30.0 * 30], rtol=1e-4)


def test_a_piece_behind_a_bay_goes_to_its_neighbour_by_land() -> None:
    # A horseshoe open to the east: the upper arm ends nearest to the second seat but hangs on the first one's land.
    outline = shapely.box(0.0, 0.0, 90e3, 60e3) - shapely.box(20e3, 20e3, 91e3, 40e3)
    cells = tessellate(np.array([[10e3, 50e3], [80e3, 10e3]]), np.array([1.0, 1.0]), outline)
    assert [cell.geom_type for cell in cells] == ["Polygon", "Polygon"]
    assert sum(cell.area for cell in cells) == pytest.approx(outline.area)
    assert cells[0].contains(shapely.Point(85e3, 50e3))


def test_a_seat_in_the_sea_is_refused() -> None:
    with pytest.raises(ValueError, match="no cell of their own"):
        tessellate(np.array([[1e3, 1e3], [9e3, 1e3], [5e3, 50e3]]), np.ones(3), shapely.box(0.0, 0.0, 10e3, 2e3))


def test_facts_agree_with_the_real_panel(data_dir: Path) -> None:
    panel = pd.read_csv(data_dir / "china" / "china_units_panel.csv", dtype={"unit": str, "prov_code": str})
    sums = panel.groupby("prov_code")[["pop_2010", "pop_2020", "area_km2"]].sum()
    for province in PROVINCES:
        row = sums.loc[province.code]
        lost = 1499 if province.code == "54" else 0
        assert row["pop_2010"] == province.residents_2010 - lost, province.name
        assert round(row["pop_2020"]) == province.residents_2020, province.name
        # The polygons of Shanghai hold the waters of the estuary.
        allowed = 0.17 if province.code == "31" else 0.06
        assert row["area_km2"] == pytest.approx(province.land_area_km2, rel=allowed), province.name


def test_residents_of_2000_agree_with_complete_provinces_of_the_panel(data_dir: Path) -> None:
    panel = pd.read_csv(data_dir / "china" / "china_units_panel.csv", dtype={"unit": str, "prov_code": str})
    by_province = panel.groupby("prov_code")["pop_2000"]
    complete = by_province.sum()[by_province.count() == by_province.size()]
    assert len(complete) >= 5
    exact = [code for code, persons in complete.items() if persons == BY_CODE[str(code)].residents_2000]
    assert len(exact) >= 8
    for code, persons in complete.items():
        assert persons == pytest.approx(BY_CODE[str(code)].residents_2000, rel=0.03)
