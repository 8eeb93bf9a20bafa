"""Rasters that say something else than they hold (rows 61 to 69)."""

import hashlib

import geotiff
import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio import Affine

from geo.sources import panel

COUNT = {"file": "people.tif", "quantity": "count", "people": 2020, "statistic": "sum", "unit": "persons"}
HEIGHT = {"file": "height.tif", "quantity": "mean", "statistic": "mean", "unit": "m"}
TURNED = Affine(0.25, 0.05, 103.0, 0.05, -0.25, 37.0)


@pytest.fixture
def folder(small_panel):
    """The folder of a sound panel, to which a test adds rasters."""
    small_panel.write()
    return small_panel.folder


def _with(small_panel, **rasters):
    return small_panel.section | {"rasters": rasters}


@pytest.mark.parametrize(
    ("quantity", "mark", "dtype", "text"),
    [
        pytest.param("count", -9999.0, "float32", "-9999", marks=pytest.mark.row(61)),
        pytest.param("count", 65535, "uint16", "65535", marks=pytest.mark.row(61)),
        pytest.param("mean", -9999.0, "float32", "-9999", marks=pytest.mark.row(61)),
        pytest.param("mean", np.finfo(np.float32).min, "float32", "-3.4028235e+38", marks=pytest.mark.row(63)),
    ],
)
def test_a_mark_for_no_data_that_nobody_declared(small_panel, folder, build, quantity, mark, dtype, text):
    values = geotiff.people_by_cell().astype(dtype)
    values[:, 0] = mark
    geotiff.write(folder / "people.tif", values)
    raster = COUNT if quantity == "count" else HEIGHT | {"file": "people.tif"}
    issue = build(_with(small_panel, people=raster)).only("E-NODATA-SUSPECT")
    assert (issue["file"], issue["line"], issue["column"], issue["value"]) == ("people.tif", "1", "1", text)
    assert f"nodata = {text}" in issue["fix"]
    small_panel.section["rasters"] = {"people": raster | {"nodata": float(text), "total_within": 0.5}}
    sound = panel.build(small_panel.parse())
    cells_summed = 16 if quantity == "count" else 1
    assert sound.covariates.loc["110103", "people"] == pytest.approx(values[11, 11] * cells_summed)


@pytest.mark.row(62)
def test_declared_nodata_is_never_summed(small_panel, folder, build):
    values = geotiff.people_by_cell()
    values[:, 0] = -9999.0
    geotiff.write(folder / "people.tif", values, nodata=-9999.0)
    done = build(_with(small_panel, people=COUNT | {"total_within": 0.5}))
    assert done.status == 0
    with xr.open_dataset(done.folder / "zones.nc") as zones:
        np.testing.assert_allclose(zones["people"].sel(zone="110101"), 110 * 0.75, rtol=1e-12)
        np.testing.assert_allclose(zones["people"].sum(), geotiff.PEOPLE.sum() - 0.25 * (710 + 410 + 110), rtol=1e-12)


@pytest.mark.row(63)
def test_a_cell_without_end(small_panel, folder, build):
    values = np.full((12, 12), 250.0)
    values[3, 5], values[7, 7] = np.inf, np.nan
    geotiff.write(folder / "height.tif", values)
    issue = build(_with(small_panel, height=HEIGHT)).only("E-NUM-INF")
    assert (issue["file"], issue["line"], issue["column"], issue["value"]) == ("height.tif", "4", "6", "inf")


@pytest.mark.row(64)
def test_a_zero_that_may_be_no_data(small_panel, folder, build):
    values = geotiff.people_by_cell()
    values[:2, :4] = 0.0
    geotiff.write(folder / "people.tif", values, nodata=0.0)
    raster = COUNT | {"total_within": 0.5}
    issue = build(_with(small_panel, people=raster)).only("E-NODATA-ZERO")
    assert (issue["file"], issue["value"]) == ("people.tif", "0")
    assert "zero_is" in issue["fix"]
    shares = {}
    for meaning in ("data", "missing"):
        coverage = {"file": "people.tif", "quantity": "count", "people": False, "statistic": "coverage"}
        small_panel.section["rasters"] = {"people": coverage | {"zero_is": meaning}}
        shares[meaning] = panel.build(small_panel.parse()).covariates.loc["120101", "people"]
    assert shares["data"] == pytest.approx(1.0, abs=1e-12)
    assert shares["missing"] == pytest.approx(0.5, abs=2e-3)  # the northern half of a degree is a little smaller


@pytest.mark.row(65)
def test_a_density_taken_for_a_count(small_panel, folder, build):
    # Cells of a quarter of a degree have some 600 km2, so the density is far below the count.
    geotiff.write(folder / "people.tif", geotiff.people_by_cell() / 625.0)
    issue = build(_with(small_panel, people=COUNT)).only("E-RASTER-TOTAL")
    assert (issue["file"], issue["value"]) == ("people.tif", "7")
    assert "times the 4,590 of the census of 2020" in issue["rule"]
    assert 'quantity = "density"' in issue["fix"]
    assert float(issue["people"]) == pytest.approx(4590 - 4590 / 625)


@pytest.mark.row(65)
def test_a_raster_must_say_what_it_counts(small_panel, folder, build):
    geotiff.write(folder / "people.tif", geotiff.people_by_cell())
    done = build(_with(small_panel, people={key: COUNT[key] for key in COUNT if key != "quantity"}))
    assert done.status == 2
    assert "quantity" in done.text


@pytest.mark.parametrize(
    ("code", "place"),
    [
        pytest.param("E-GRID-ROTATED", {"transform": TURNED}, marks=pytest.mark.row(66)),
        pytest.param("E-GRID-NOGEO", {"transform": None}, marks=pytest.mark.row(66)),
        pytest.param("E-CRS-MISSING", {"crs": None}, marks=pytest.mark.row(66)),
        pytest.param(
            "E-RASTER-OUTSIDE", {"transform": Affine(0.25, 0, -100.0, 0, -0.25, 37.0)}, marks=pytest.mark.row(66)
        ),
    ],
)
def test_a_grid_that_lies_nowhere_or_askew(small_panel, folder, build, code, place):
    geotiff.write(folder / "people.tif", geotiff.people_by_cell(), **place)
    assert build(_with(small_panel, people=COUNT)).only(code)["file"] == "people.tif"


@pytest.mark.row(66)
def test_a_raster_that_begins_in_the_south(small_panel, folder, build):
    south_up = Affine(0.25, 0.0, 103.0, 0.0, 0.25, 34.0)
    geotiff.write(folder / "people.tif", geotiff.people_by_cell()[::-1], transform=south_up)
    done = build(_with(small_panel, people=COUNT))
    assert done.status == 0, done.text
    with xr.open_dataset(done.folder / "zones.nc") as zones:
        expected = [float(row[small_panel.header.index("p2020")]) for row in small_panel.rows]
        np.testing.assert_allclose(zones["people"], expected, rtol=1e-12)


@pytest.mark.row(67)
def test_a_weight_on_another_grid(small_panel, folder, build):
    half = Affine(0.25, 0.0, 103.125, 0.0, -0.25, 37.0)
    geotiff.write(folder / "people.tif", geotiff.people_by_cell(), transform=half)
    geotiff.write(folder / "height.tif", np.full((12, 12), 250.0))
    people = COUNT | {"total_within": 0.9}
    issue = build(_with(small_panel, people=people, height=HEIGHT | {"weight": "people"})).only("E-GRID-MISMATCH")
    assert issue["file"] == "height.tif"
    assert "corner 103, 37, cell 0.25" in issue["value"]
    assert "corner 103.125, 37, cell 0.25" in issue["rule"]


@pytest.mark.row(68)
def test_a_file_cut_off(small_panel, folder, build):
    path = geotiff.write(folder / "people.tif", np.tile(geotiff.people_by_cell(), (8, 8)))
    path.write_bytes(path.read_bytes()[:-2000])
    assert build(_with(small_panel, people=COUNT)).only("E-IO-CORRUPT")["file"] == "people.tif"


@pytest.mark.row(68)
def test_blocks_that_were_never_written_are_no_zeros(small_panel, folder, build):
    values = geotiff.people_by_cell()
    path = geotiff.write(folder / "people.tif", values, blockysize=1, sparse_ok=True)
    with rasterio.open(path, "w", **_sparse(values)) as file:
        file.write(values[:9], 1, window=((0, 9), (0, 12)))
    issue = build(_with(small_panel, people=COUNT | {"total_within": 0.5})).only("E-RASTER-HOLES")
    assert (issue["file"], issue["value"]) == ("people.tif", "3 of 12 blocks")


def _sparse(values):
    place = {"crs": "EPSG:4326", "transform": Affine(0.25, 0.0, 103.0, 0.0, -0.25, 37.0)}
    size = {"driver": "GTiff", "count": 1, "dtype": "float64", "height": 12, "width": 12}
    return size | place | {"blockysize": 1, "sparse_ok": True}


@pytest.mark.row(68)
def test_zeros_written_over_a_zone_with_people(small_panel, folder, build):
    values = geotiff.people_by_cell()
    values[8:, :4] = 0.0  # the square of 110 people, 2.4 % of all: the total would pass
    geotiff.write(folder / "people.tif", values)
    issue = build(_with(small_panel, people=COUNT)).only("E-RASTER-EMPTY")
    assert (issue["file"], issue["line"], issue["people"]) == ("census.csv", "2", "110.0")
    assert issue["column"] == "people (people.tif)"


@pytest.mark.row(68)
def test_a_file_that_is_not_the_one_whose_hash_lies_beside_it(small_panel, folder, build):
    path = geotiff.write(folder / "people.tif", geotiff.people_by_cell())
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    beside = folder / "people.tif.sha256"
    beside.write_text(f"{'0' * 64}  people.tif\n")
    issue = build(_with(small_panel, people=COUNT)).only("E-IO-HASH")
    assert (issue["file"], issue["value"]) == ("people.tif", sha256)
    beside.write_text(f"{sha256}  people.tif\n")
    assert build(_with(small_panel, people=COUNT)).status == 0


@pytest.mark.row(69)
def test_a_file_that_would_unpack_to_more_than_there_is_memory(small_panel, folder, build):
    grid = {"height": 100_000, "width": 100_000, "transform": Affine(3e-5, 0, 103.0, 0, -3e-5, 37.0)}
    profile = _sparse(None) | grid | {"tiled": True, "blockxsize": 2048, "blockysize": 2048, "bigtiff": "yes"}
    path = folder / "people.tif"
    with rasterio.open(path, "w", **profile):
        pass
    assert path.stat().st_size < 100_000
    issue = build(_with(small_panel, people=COUNT)).only("E-SIZE-LIMIT")
    assert (issue["file"], issue["value"]) == ("people.tif", "100,000 x 100,000")


@pytest.mark.row(69)
def test_one_block_that_would_unpack_to_more_than_there_is_memory(small_panel, folder, build):
    grid = {"height": 20_000, "width": 20_000, "transform": Affine(1e-4, 0, 103.0, 0, -1e-4, 37.0)}
    tiles = {"tiled": True, "blockxsize": 8192, "blockysize": 8192}
    with rasterio.open(folder / "people.tif", "w", **(_sparse(None) | grid | tiles)):
        pass
    issue = build(_with(small_panel, people=COUNT)).only("E-SIZE-LIMIT")
    assert (issue["file"], issue["value"]) == ("people.tif", "536,870,912 bytes")
