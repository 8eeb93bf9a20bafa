"""Rasters and vectors of a run: right numbers in the right place, or no file."""

import math
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import xarray as xr
from rio_cogeo import cog_validate

from geo.coordinates.crs import china_albers
from geo.errors import DataError
from geo.maps import rasters, styles, vectors
from geo.raster import cog
from geo.raster.grid import covering
from geo.raster.zonal import Block, assign_cells

MakeRun = Callable[..., Path]

NAMES = [
    "population_density_observed_2010",
    "population_density_observed_2020",
    "population_density_fitted_2020",
    "growth_observed_2010_2020",
    "growth_fitted_2010_2020",
    "net_migration_2010_2020",
    "inflow_2010_2020",
    "outflow_2010_2020",
    "divide_side",
]

# Centres of cells of A (the north-western block), B, C (the enclave) and D, in metres of China Albers.
A, B, C, D = (600_500, 4_000_500), (606_500, 4_000_500), (602_500, 4_001_500), (600_500, 4_004_500)
SEA = (606_500, 4_004_500)


def values_at(path: Path, *points: tuple[float, float]) -> list[float]:
    with rasterio.open(path) as source:
        return [float(value[0]) for value in source.sample(points)]


def edit(path: Path, change: Callable[[xr.Dataset], None]) -> None:
    data = xr.load_dataset(path, engine="h5netcdf")
    change(data)
    data.to_netcdf(path, engine="h5netcdf")


def test_rasters_hold_the_numbers_of_the_run(make_run: MakeRun, tmp_path: Path) -> None:
    said: list[str] = []
    paths = rasters.write(make_run(), tmp_path / "rasters", progress=said.append)
    assert [path.stem for path in paths] == NAMES
    assert said == [f"{name}.tif" for name in NAMES]
    beside = [f"{name}.qml" for name in NAMES]
    assert sorted(file.name for file in (tmp_path / "rasters").iterdir()) == sorted(said + beside)
    at = {path.stem: values_at(path, A, B, C, D, SEA) for path in paths}
    # A owns 11 cells (12 without the one lent to C), B 9, C 1, D 10; 1 km2 each.
    expected = {
        "population_density_observed_2010": [12_000 / 11, 1000, 777, 2000],
        "population_density_observed_2020": [13_200 / 11, 900, 700, 2000],
        # Births less deaths are 0.5 % of 2010 a year, for ten years; net arrivals are +140, -92, -8 and -20 a year.
        "population_density_fitted_2020": [(12_600 + 1400) / 11, (9450 - 920) / 9, 735.85, (21_000 - 200) / 10],
        "growth_observed_2010_2020": [math.log(1.1), math.log(0.9), math.log(700 / 777), 0.0],
        "growth_fitted_2010_2020": [math.log(14 / 12), math.log(853 / 900), math.log(735.85 / 777), math.log(1.04)],
        "net_migration_2010_2020": [140 / 11, -92 / 9, -8, -20 / 10],
        "inflow_2010_2020": [150 / 11, 8 / 9, 0, 30 / 10],
        "outflow_2010_2020": [10 / 11, 100 / 9, 8, 50 / 10],
    }
    for name, numbers in expected.items():
        assert at[name] == pytest.approx([*numbers, -9999.0], rel=1e-6), name
    assert at["divide_side"] == [rasters.SOUTH_EAST, rasters.SOUTH_EAST, rasters.SOUTH_EAST, rasters.NORTH_WEST, 0]


def test_every_raster_of_people_sums_to_the_country(make_run: MakeRun, tmp_path: Path) -> None:
    for crs, cell_m in (("china_albers", 1000.0), ("EPSG:10594", 250.0)):
        folder = tmp_path / f"{cell_m}"
        paths = {path.stem: path for path in rasters.write(make_run(name=f"run{cell_m}"), folder, crs, cell_m)}
        totals = {"population_density_observed_2010": 42_277, "inflow_2010_2020": 188, "net_migration_2010_2020": 0}
        for name, total in totals.items():
            with rasterio.open(paths[name]) as source:
                density = source.read(1, masked=True).astype(np.float64)
                assert source.transform.a == cell_m
                assert float(density.sum()) * (cell_m / 1000) ** 2 == pytest.approx(total, abs=1e-3)


def test_files_are_strict_cogs_that_say_where_they_come_from(make_run: MakeRun, tmp_path: Path) -> None:
    paths = rasters.write(make_run(synthetic=True), tmp_path / "rasters")
    for path in paths:
        assert cog_validate(path, strict=True) == (True, [], []), path.name
        with rasterio.open(path) as source:
            tags = source.tags()
            assert (tags["RUN"], tags["SYNTHETIC"], tags["VARIABLE"]) == ("squares", "1", path.stem)
            assert "synthetic" in tags["TIFFTAG_IMAGEDESCRIPTION"]
            assert source.descriptions == (path.stem,)
            assert "sum" in tags["HOW_TO_SUM"]
    with rasterio.open(paths[5]) as source:
        assert (source.units, source.tags()["YEARS"]) == (("persons km-2 year-1",), "2010/2020")
    with rasterio.open(paths[-1]) as source:
        assert source.colormap(1)[2] == (1, 133, 113, 255)


def test_styles_share_one_scale_for_growth_and_name_the_sides(make_run: MakeRun, tmp_path: Path) -> None:
    rasters.write(make_run(), tmp_path / "rasters")

    def items(name: str, tag: str) -> list[dict[str, str]]:
        return [item.attrib for item in ElementTree.parse(tmp_path / "rasters" / f"{name}.qml").iter(tag)]

    observed = items("growth_observed_2010_2020", "item")
    assert observed == items("growth_fitted_2010_2020", "item")
    # E lost most: ln(400/500) = -0.223; the 98th percentile of the five sizes, 0.214, rounds up to 0.3.
    assert [float(item["value"]) for item in observed] == pytest.approx([-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3])
    assert observed[3]["color"] == "#f7f7f7"
    assert [item["label"] for item in items("divide_side", "paletteEntry")] == ["north-west", "south-east"]


@pytest.mark.parametrize(
    ("values", "top"), [([0.0, 0.0], 1.0), ([np.nan], 1.0), ([-0.34, 0.1], 0.4), ([123.0] * 99 + [1e6], 200.0)]
)
def test_scales_end_at_a_round_number_and_ignore_extremes(values: list[float], top: float) -> None:
    assert styles.limit(np.array(values)) == pytest.approx(top)


def test_growth_of_an_empty_zone_has_no_value_and_is_counted(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    edit(run / "results.nc", lambda data: data["population_observed"].values.__setitem__((1, 0), 0.0))
    paths = {path.stem: path for path in rasters.write(run, tmp_path / "rasters")}
    assert values_at(paths["growth_observed_2010_2020"], A, B) == pytest.approx([math.log(1.1), -9999.0])
    assert values_at(paths["population_density_observed_2010"], B) == [0.0]
    with rasterio.open(paths["growth_observed_2010_2020"]) as source:
        assert source.tags()["ZONES_WITHOUT_VALUE"] == "1"


def test_the_same_run_gives_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    first, second = (rasters.write(run, tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_damaged_raster_never_takes_its_name(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = make_run(), tmp_path / "rasters"
    folder.mkdir()
    old = folder / f"{NAMES[0]}.tif"
    old.write_text("an older file")
    encode = cog.encode

    def damaged(path: Path, grid: object, band: object, block: Block) -> None:
        encode(path, grid, band, lambda rows: np.where(block(rows) > 1000, 0, block(rows)).astype(np.float32))

    monkeypatch.setattr(cog, "encode", damaged)
    with pytest.raises(DataError) as caught:
        rasters.write(run, folder)
    assert {issue.code for issue in caught.value.issues} == {"E-RASTER-VERIFY"}
    assert {file.name: file.read_text() for file in folder.iterdir()} == {old.name: "an older file"}


def test_people_of_the_run_are_checked_on_the_file(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was asked for is wrong already: the file equals it, so only the sum over the zone can tell.
    monkeypatch.setattr(rasters.Ownership, "density", lambda self, people: people / self.cells * 0.9)
    with pytest.raises(DataError) as caught:
        rasters.write(make_run(), tmp_path / "rasters")
    assert {issue.code for issue in caught.value.issues} == {"E-RASTER-PEOPLE"}
    assert [issue.column for issue in caught.value.issues][:2] == ["zone 110101", "zone 110102"]
    assert caught.value.issues[0].people == pytest.approx(1200, rel=1e-6)
    assert list((tmp_path / "rasters").iterdir()) == []


def test_people_that_are_no_number_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    edit(run / "results.nc", lambda data: data["population"].values.__setitem__((3, 10), np.nan))
    with pytest.raises(DataError, match="zone 620201"):
        rasters.write(run, tmp_path / "rasters")


@pytest.mark.parametrize("name", ["config.toml", "zones.nc", "zones.gpkg", "results.nc"])
def test_an_unfinished_run_is_refused(make_run: MakeRun, tmp_path: Path, name: str) -> None:
    run = make_run()
    (run / name).unlink()
    with pytest.raises(DataError) as caught:
        rasters.write(run, tmp_path / "rasters")
    assert [(issue.code, issue.file) for issue in caught.value.issues] == [("E-RUN-FILE", name)]


def test_files_with_other_zones_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    frame = gpd.read_file(run / "zones.gpkg", layer="zones")
    frame.iloc[:4].to_file(run / "zones.gpkg", layer="zones", driver="GPKG")
    xr.load_dataset(run / "results.nc", engine="h5netcdf").isel(zone=[1, 0, 2, 3, 4]).to_netcdf(
        run / "results.nc", engine="h5netcdf"
    )
    with pytest.raises(DataError) as caught:
        vectors.write(run, tmp_path / "out.gpkg")
    assert [(issue.code, issue.file) for issue in caught.value.issues] == [
        ("E-RUN-ZONES", "results.nc"),
        ("E-RUN-ZONES", "zones.gpkg"),
    ]
    assert caught.value.issues[1].value == "620202"


def test_polygons_in_another_order_are_put_right(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    frame = gpd.read_file(run / "zones.gpkg", layer="zones")
    frame.iloc[::-1].to_file(run / "zones.gpkg", layer="zones", driver="GPKG")
    paths = rasters.write(run, tmp_path / "rasters")
    assert values_at(paths[0], B, C) == [1000.0, 777.0]


def test_geopackage_holds_counties_with_their_accounts(make_run: MakeRun, tmp_path: Path) -> None:
    path = tmp_path / "vectors" / "results.gpkg"
    vectors.write(make_run(), path)
    assert [str(name) for name, _ in pyogrio.list_layers(path)] == ["counties", "divide"]
    found = gpd.read_file(path, layer="counties").set_index("code")
    assert found.crs.to_epsg() == 4326
    a = found.loc["110101"]
    assert (a["name"], a["province"], a["province_name"], a["prefecture"]) == ("东城区", "11", "北京市", "1101")
    assert a[["population_observed_2010", "population_observed_2020"]].tolist() == [12_000, 13_200]
    assert a[["population_fitted_2010", "population_fitted_2020"]].tolist() == pytest.approx([12_000, 14_000])
    account = ["births", "deaths", "inflow", "outflow", "net_migration"]
    assert a[[f"{name}_2010_2020" for name in account]].tolist() == pytest.approx([1200, 600, 1500, 100, 1400])
    assert a["growth_observed_2010_2020"] == pytest.approx(math.log(1.1))
    assert a["growth_fitted_2010_2020"] == pytest.approx(math.log(14 / 12))
    assert a["area_km2"] == pytest.approx(11.96, rel=1e-6)
    assert (a["divide_distance_km"], a["east"], a["area_share_east"], a["imputed"]) == (100.0, 1, 1.0, 0)
    assert found["schooling"].tolist() == [6.0, 7.25, 8.5, 9.75, 11.0]
    assert found.loc["620201", "east"] == 0
    assert [file.name for file in path.parent.iterdir()] == ["results.gpkg"]


def test_geopackage_holds_the_divide(make_run: MakeRun, tmp_path: Path) -> None:
    path = tmp_path / "results.gpkg"
    vectors.write(make_run(), path)
    (row,) = gpd.read_file(path, layer="divide").itertuples()
    ends = [row.geometry.coords[0], row.geometry.coords[-1]]
    assert np.allclose(sorted(ends), [(98.49, 25.02), (127.53, 50.24)])
    assert "Heihe" in row.name
    assert "Great circle" in row.source


def test_a_damaged_geopackage_never_takes_its_name(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_file = gpd.GeoDataFrame.to_file

    def damaged(frame: gpd.GeoDataFrame, *args: object, **options: object) -> None:
        to_file(frame.assign(name="?"), *args, **options)

    monkeypatch.setattr(gpd.GeoDataFrame, "to_file", damaged)
    folder = tmp_path / "vectors"
    run = tmp_path / "squares"
    with monkeypatch.context() as undamaged:
        undamaged.setattr(gpd.GeoDataFrame, "to_file", to_file)
        make_run()
    with pytest.raises(DataError) as caught:
        vectors.write(run, folder / "results.gpkg")
    assert [issue.column for issue in caught.value.issues] == ["counties.name", "divide.name"]
    assert list(folder.iterdir()) == []


def test_every_real_county_owns_a_cell_in_the_right_place(data_dir: Path) -> None:
    frame = gpd.read_file(data_dir / "china" / "china_units_simpl2km.gpkg").to_crs(china_albers())
    codes = list(frame["unit"])
    grid = covering(tuple(frame.total_bounds), china_albers(), 1000.0)
    owned = assign_cells(np.asarray(frame.geometry.array), grid, codes)
    assert len(codes) == 2641
    assert owned.cells.min() >= 1
    x, y = gpd.GeoSeries([shapely.Point(116.41064, 39.91082)], crs="EPSG:4326").to_crs(china_albers())[0].coords[0]
    assert codes[owned.owner[grid.row_col(x, y)]] == "110101"
    people = frame["pop_2010"].to_numpy()
    sums = owned.sums(owned.raster_of(owned.density(people).astype(np.float32), cog.NODATA_FLOAT))
    assert np.abs(sums - people).max() < 0.5
