"""`grid.nc` of the five squares: every number by hand, and what is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import geotiff
import numpy as np
import pydantic
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio import Affine

from geo.config import parse_grid
from geo.coordinates import crs, divide
from geo.errors import DataError, Issue
from geo.grid import build, places
from geo.grid.distortion import distortion
from geo.grid.places import Places
from geo.maps import rasters
from geo.raster.grid import Grid, covering
from geo.raster.zonal import NOBODY, assign_cells

ALBERS = rasterio.crs.CRS.from_wkt(crs.china_albers().to_wkt())
X0, TOP = 600_000.0, 4_006_000.0 - 1000.0
# A to E by rows from the north; C, an enclave of A without a centre, has the cell it lies in.
OWNER = np.array(
    [
        [3, 3, 3, 3, 3, -1, -1],
        [3, 3, 3, 3, 3, 4, -1],
        [0, 0, 0, 0, 1, 1, 1],
        [0, 0, 2, 0, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1],
    ]
)
RESIDENTS = np.array([12_000.0, 9000.0, 777.0, 20_000.0, 500.0])
CELLS = np.array([11, 9, 1, 10, 1])
EVEN = np.append(RESIDENTS / CELLS, 0.0)[OWNER]


@pytest.fixture
def run(narrow_run: Path, tmp_path: Path) -> Path:
    """A run of the squares without rasters."""
    return shutil.copytree(narrow_run, tmp_path / "squares")


def tif(path: Path, values: Any, *, cell_m: float = 1000.0, left: float = X0, top: float = TOP, **changes: Any) -> Path:
    transform = Affine(cell_m, 0.0, left, 0.0, -cell_m, top)
    return geotiff.write(path, values, **({"crs": ALBERS, "transform": transform, "nodata": -9999.0} | changes))


def made(run: Path, **section: Any) -> tuple[xr.Dataset, build.BuiltGrid]:
    config = parse_grid({"run": str(run), "cell_m": 1000} | section, run.parent)
    built = build.write(config, run.parent / "grid.nc")
    with xr.open_dataset(run.parent / "grid.nc", engine="h5netcdf") as opened:
        return opened.load(), built


def refused(run: Path, **section: Any) -> list[Issue]:
    with pytest.raises(DataError) as caught:
        made(run, **section)
    assert not (run.parent / "grid.nc").exists()
    errors = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert all(issue.rule and issue.fix for issue in errors)
    return errors


def counted(path: Path, **more: Any) -> dict[str, Any]:
    return {"file": str(path), "quantity": "count"} | more


def by_county(data: xr.Dataset) -> np.ndarray:
    zone, people = data["zone"].values.ravel(), data["population"].values.ravel()
    return np.bincount(zone + 1, weights=people, minlength=6)[1:]


def test_people_are_spread_evenly_over_the_cells_of_their_county(run: Path) -> None:
    said: list[str] = []
    config = parse_grid({"run": str(run), "cell_m": 1000}, run.parent)
    built = build.write(config, run.parent / "grid.nc", said.append)
    data = xr.load_dataset(run.parent / "grid.nc", engine="h5netcdf")
    assert said[0].startswith("5 x 7 cells of 1000 m, ")
    np.testing.assert_array_equal(data["zone"], OWNER)
    np.testing.assert_allclose(data["population"], EVEN, rtol=1e-14)
    np.testing.assert_allclose(by_county(data), RESIDENTS, rtol=1e-14)
    np.testing.assert_array_equal(data["x"], X0 + 500.0 + 1000.0 * np.arange(7))
    np.testing.assert_array_equal(data["y"], TOP - 500.0 - 1000.0 * np.arange(5))
    np.testing.assert_array_equal(data["east"], OWNER >= 0)
    assert (built.zones, built.years, built.issues) == (32, (2010, 2020), ())
    assert built.people == pytest.approx(42_277.0, rel=1e-14)
    assert "5 counties (42,277 people) are spread evenly over the cells of each (32 in all)" in built.rules[0]


@pytest.mark.parametrize("cell_m", [1000.0, 2000.0])
def test_those_are_the_cells_that_the_export_of_the_run_has(run: Path, cell_m: float) -> None:
    rasters.write(run, run / "rasters", cell_m=cell_m)
    data, _ = made(run, cell_m=cell_m)
    path = run / "rasters" / "population_density_observed_2010.tif"
    with rasterio.open(path) as source:
        density = source.read(1, masked=True)
        assert (source.transform.c, source.transform.f) == (X0, TOP + cell_m - 1000.0)
    people = data["population"].values
    np.testing.assert_array_equal(density.filled(0.0), (people / (cell_m / 1000.0) ** 2).astype(np.float32))
    np.testing.assert_array_equal(density.mask, data["zone"] < 0)
    # Read back in single precision the people of a county differ in the eighth digit: for nobody.
    read, built = made(run, cell_m=cell_m, population={"file": str(path), "quantity": "density"})
    np.testing.assert_allclose(by_county(read), RESIDENTS, rtol=1e-7)
    assert built.issues == ()
    whole, _ = made(run, cell_m=cell_m, population={"file": str(path), "quantity": "density", "totals": "counties"})
    np.testing.assert_allclose(by_county(whole), RESIDENTS, rtol=1e-14)


def test_the_file_says_where_it_lies_and_what_it_was_made_from(run: Path) -> None:
    data, built = made(run)
    for name, variable in data.variables.items():
        assert {"units", "long_name", "source"} <= variable.attrs.keys(), name
    assert {name: str(data[name].dtype) for name in ("population", "zone", "east")} == {
        "population": "float64",
        "zone": "int32",
        "east": "int8",
    }
    assert data["population"].encoding["chunksizes"] == (5, 7)
    inputs = json.loads(data.attrs["inputs"])
    assert [of["file"] for of in inputs] == ["zones.nc", "zones.gpkg"]
    assert all(len(of["sha256"]) == 64 for of in inputs)
    assert json.loads(data.attrs["rules"]) == list(built.rules)
    assert (data.attrs["cell_m"], data.attrs["run"], data.attrs["synthetic"]) == (1000.0, "squares", 0)
    assert crs.china_albers().equals(data.attrs["crs_wkt"])
    assert data["population"].attrs["grid_mapping"] == "crs"
    assert [float(number) for number in data["crs"].attrs["GeoTransform"].split()] == [X0, 1000, 0, TOP, 0, -1000]


def test_finer_cells_are_summed_exactly_and_the_grid_takes_their_corner(run: Path, tmp_path: Path) -> None:
    # 500 m cells whose edges lie 100 m east and 300 m north of whole kilometres; 20 x 16 of them cover the squares.
    values = np.random.default_rng(1).integers(0, 500, (16, 20)).astype(np.float64)
    left, top = X0 - 1000.0 + 100.0, TOP + 1000.0 + 300.0
    sums = values.reshape(8, 2, 10, 2).sum(axis=(1, 3))
    # Only where a county is: rows 1 to 6 and columns 0 to 7 of these reach the squares.
    polygons = shapely.from_wkb(shapely.to_wkb(_albers(run)))
    grid = covering((X0, TOP - 5000, X0 + 7000, TOP), crs.china_albers(), 1000.0, (left, top))
    owner = assign_cells(polygons, grid, list("ABCDE")).owner
    rows, columns = round((top - grid.top_m) / 1000), round((grid.left_m - left) / 1000)
    inside = np.zeros(sums.shape, bool)
    inside[rows : rows + owner.shape[0], columns : columns + owner.shape[1]] = owner != NOBODY
    fine = np.where(np.kron(inside, np.ones((2, 2))) == 1, values, 0.0)
    path = tif(tmp_path / "fine.tif", fine, cell_m=500.0, left=left, top=top)
    data, built = made(run, population=counted(path, total_within=0.99))
    assert (float(data["x"][0]), float(data["y"][0])) == (grid.left_m + 500, grid.top_m - 500)
    np.testing.assert_array_equal(data["zone"], owner)
    expected = np.where(owner != NOBODY, sums[rows : rows + owner.shape[0], columns : columns + owner.shape[1]], 0.0)
    np.testing.assert_array_equal(data["population"], expected)
    assert built.people == fine.sum()
    density, _ = made(run, population=counted(path, total_within=0.99, quantity="density"))
    np.testing.assert_array_equal(density["population"], expected / 4.0)


def _albers(run: Path) -> np.ndarray:
    from geo.results import run_folder

    return run_folder.read(run).shapes(crs.china_albers())


def test_a_raster_of_others_keeps_its_people_and_the_difference_is_told(run: Path, tmp_path: Path) -> None:
    people = EVEN.copy()
    people[0, 0] += 150.5
    data, built = made(run, population=counted(tif(tmp_path / "p.tif", people)))
    np.testing.assert_array_equal(data["population"], people)
    (issue,) = built.issues
    assert (issue.code, issue.column, issue.value) == ("W-GRID-PEOPLE", "zone 620201", "20,150.5")
    assert issue.people == pytest.approx(150.5)
    assert "42,428 people in counties, the census 42,277" in issue.rule
    assert built.rules == ()


def test_the_counties_people_in_the_pattern_of_a_raster(run: Path, tmp_path: Path) -> None:
    weight = np.arange(1.0, 36.0).reshape(5, 7)
    path = tif(tmp_path / "w.tif", weight)
    data, built = made(run, population=counted(path, totals="counties"))
    sums = np.array([weight[zone == OWNER].sum() for zone in range(5)])
    expected = np.append(RESIDENTS / sums, 0.0)[OWNER] * weight
    np.testing.assert_allclose(data["population"], expected, rtol=1e-14)
    np.testing.assert_allclose(by_county(data), RESIDENTS, rtol=1e-14)
    # Three cells of the weight lie in no county: 6, 7 and 14.
    outside = next(issue for issue in built.issues if issue.code == "W-GRID-OUTSIDE")
    assert (outside.people, outside.value) == (27.0, "14 people in the worst cell")
    assert outside.column == "row 1, column 6 of the grid (x 606500, y 4003500)"
    (rule,) = built.rules
    assert "the cells of 5 counties are scaled, 41,674.0 people more in some and 0.0 fewer" in rule
    assert "27.0 people of the raster are in cells that are no zones" in rule


@pytest.mark.parametrize(
    ("change", "code", "people", "value"),
    [
        ((0, 6, 30.5), "E-GRID-OUTSIDE", 30.5, "30.5 people in the worst cell"),
        ((0, 0, -7.0), "E-NEG", 7.0, "-7"),
        ((0, 0, np.inf), "E-NUM-INF", None, "inf"),
        ((0, 0, -99999.0), "E-NODATA-SUSPECT", None, "-99999"),
        ((3, 2, 0.0), "E-RASTER-EMPTY", 777.0, "0"),
    ],
)
def test_people_where_nobody_can_be_and_numbers_that_are_none(
    run: Path, tmp_path: Path, change: tuple[int, int, float], code: str, people: float | None, value: str
) -> None:
    row, column, number = change
    values = np.zeros((12, 12))
    values[:5, :7] = EVEN
    values[row, column] = number
    (issue,) = refused(run, population=counted(tif(tmp_path / "p.tif", values), total_within=0.9))
    assert (issue.code, issue.people, issue.value) == (code, people, value)
    if code == "E-GRID-OUTSIDE":
        assert issue.column == "row 0, column 6 of the grid (x 606500, y 4004500)"
        assert 'totals = "counties"' in issue.fix
    if code == "E-NEG":
        assert (issue.line, issue.column) == (1, "1")  # of the file, from 1


def test_people_beyond_the_grid_are_counted_too(run: Path, tmp_path: Path) -> None:
    values = np.zeros((9, 10))
    values[2:7, 2:9] = EVEN
    values[0, 0] = values[8, 9] = 40.0
    values[8, 8] = 41.0
    path = tif(tmp_path / "p.tif", values, left=X0 - 2000, top=TOP + 2000)
    (issue,) = refused(run, population=counted(path))
    assert (issue.code, issue.people) == ("E-GRID-OUTSIDE", 121.0)
    assert issue.column == "row 6, column 6 of the grid (x 606500, y 3998500)"
    values[[0, 8, 8], [0, 8, 9]] = 0.0
    data, _ = made(run, population=counted(tif(path, values, left=X0 - 2000, top=TOP + 2000)))
    assert data["population"].shape == (5, 7)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"crs": "EPSG:32650"}, "EPSG:32650"),
        ({"cell_m": 1500.0}, "cell 1500 x 1500"),
        ({"cell_m": 700.0}, "cell 700 x 700"),
        ({"cell_m": 2000.0}, "cell 2000 x 2000"),
    ],
)
def test_a_raster_on_other_cells_is_refused_with_both_grids_and_a_way(
    run: Path, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    (issue,) = refused(run, population=counted(tif(tmp_path / "p.tif", EVEN, **changes)))
    assert issue.code == "E-GRID-MISMATCH"
    assert why in str(issue.value)
    assert "corner 600000, 4005000, cell 1000 x 1000, 5 x 7" in issue.rule
    assert issue.fix.startswith(
        "gdalwarp -t_srs geo/china_albers.wkt -te 600000 4000000 607000 4005000 -tr 1000 1000 -r sum"
    )


def test_a_density_read_as_a_count_is_found(run: Path, tmp_path: Path) -> None:
    fine = np.kron(EVEN, np.ones((2, 2)))
    path = tif(tmp_path / "p.tif", fine, cell_m=500.0)
    (issue,) = refused(run, population=counted(path))
    assert issue.code == "E-RASTER-TOTAL"
    assert 'quantity = "density"' in issue.fix


@pytest.mark.parametrize(("name", "code"), [("EPSG:32650", "E-GRID-AREA"), ("EPSG:4326", "E-CRS-NOT-PROJECTED")])
def test_systems_that_do_not_keep_areas_are_refused(run: Path, name: str, code: str) -> None:
    (issue,) = refused(run, crs=name)
    assert issue.code == code


def test_years_begin_with_a_census(run: Path) -> None:
    (issue,) = refused(run, years=[2015, 2020])
    assert (issue.code, issue.value) == ("E-GRID-YEAR", "2015")
    data, built = made(run, years=[2020, 2030])
    assert built.years == (2020, 2030)
    np.testing.assert_allclose(by_county(data), [13_200, 8100, 700, 20_000, 400], rtol=1e-14)


MASK = np.ones((5, 7), np.uint8)
MASK[1, :2] = 0


def test_masked_cells_are_no_zones_and_their_people_an_error(run: Path, tmp_path: Path) -> None:
    mask = {"file": str(tif(tmp_path / "m.tif", MASK, nodata=255))}
    even = tif(tmp_path / "p.tif", EVEN)
    (issue,) = refused(run, mask=mask, population=counted(even))
    assert (issue.code, issue.people, issue.value) == ("E-GRID-MASKED", 4000.0, "2000 people in the worst cell")
    empty = tif(tmp_path / "q.tif", np.where(MASK == 0, 0.0, EVEN))
    data, built = made(run, mask=mask, population=counted(empty))
    np.testing.assert_array_equal(data["zone"], np.where(MASK == 0, -1, OWNER))
    np.testing.assert_array_equal(data["east"], (MASK == 1) & (OWNER >= 0))
    assert (built.zones, built.people) == (30, 38_277.0)


def test_the_people_of_masked_cells_are_moved_only_by_a_declared_rule(run: Path, tmp_path: Path) -> None:
    mask = {"file": str(tif(tmp_path / "m.tif", MASK, nodata=255))}
    section = counted(tif(tmp_path / "p.tif", EVEN), totals="counties")
    for data, built in (made(run, mask=mask, population=section), made(run, mask=mask)):
        np.testing.assert_allclose(data["population"].values[0, :5], 2500.0, rtol=1e-14)
        np.testing.assert_allclose(by_county(data), RESIDENTS, rtol=1e-14)
        masked = {issue.code: issue.people for issue in built.issues}
        assert masked == ({"W-GRID-MASKED": 4000.0} if "p.tif" in str(data["population"].attrs["source"]) else {})


def test_a_county_whose_every_cell_is_masked_is_an_error(run: Path, tmp_path: Path) -> None:
    mask = np.where(OWNER == 4, 0, 1).astype(np.uint8)
    section = {"file": str(tif(tmp_path / "m.tif", mask, nodata=255))}
    for more in ({}, {"population": counted(tif(tmp_path / "p.tif", EVEN), totals="counties")}):
        (issue,) = refused(run, mask=section, **more)
        assert (issue.code, issue.column, issue.people) == ("E-GRID-MASKED", "zone 620202", 500.0)


SCHOOLING = np.linspace(6, 11, 35).reshape(5, 7).astype(np.float32)


def test_covariates_of_cells(run: Path, tmp_path: Path) -> None:
    data, built = made(run, covariates={"schooling": {"file": str(tif(tmp_path / "s.tif", SCHOOLING))}})
    found = data["covariate_schooling"]
    np.testing.assert_array_equal(found, np.where(OWNER >= 0, SCHOOLING, np.nan))
    assert (found.dtype, found.attrs["units"], found.attrs["source"]) == (np.float32, "years", "s.tif")
    assert len(built.rules) == 1


def test_a_cell_with_people_and_without_a_value_is_an_error_or_has_the_counties(run: Path, tmp_path: Path) -> None:
    holes = SCHOOLING.copy()
    holes[0, :3] = holes[3, 2] = -9999.0
    section = {"file": str(tif(tmp_path / "s.tif", holes))}
    (issue,) = refused(run, covariates={"schooling": section})
    assert issue.code == "E-GRID-VALUE"
    assert issue.people == pytest.approx(6777.0)
    assert issue.column == "row 0, column 0 of the grid (x 600500, y 4004500)"
    data, built = made(run, covariates={"schooling": section | {"missing": "county"}})
    county = np.linspace(6, 11, 5)
    expected = np.where(holes < 0, np.append(county, np.nan)[OWNER], SCHOOLING)
    np.testing.assert_array_equal(
        data["covariate_schooling"], np.where(OWNER >= 0, expected, np.nan).astype(np.float32)
    )
    assert "4 cells with 6,777 people and 0 cells where nobody lives" in built.rules[1]


@pytest.mark.parametrize(
    ("name", "values", "changes", "code"),
    [
        ("income", SCHOOLING, {}, "E-GRID-COVARIATE"),
        ("schooling", SCHOOLING * 12, {}, "E-GRID-UNIT"),
        ("schooling", np.kron(SCHOOLING, np.ones((2, 2), np.float32)), {"cell_m": 500.0}, "E-GRID-MISMATCH"),
    ],
)
def test_covariates_that_are_not_the_counties_are_refused(
    run: Path, tmp_path: Path, name: str, values: np.ndarray, changes: dict[str, Any], code: str
) -> None:
    (issue,) = refused(run, covariates={name: {"file": str(tif(tmp_path / "s.tif", values, **changes))}})
    assert issue.code == code


@pytest.mark.parametrize(
    "section",
    [
        {"cell": 1000},
        {"cell_m": 0},
        {"cell_m": float("inf")},
        {"years": [2020, 2010]},
        {"years": [2010]},
        {"within": "some"},
        {"pairs": -1},
        {"pairs": "many"},
        {"population": {"file": "x.tif"}},
        {"population": {"file": "x.tif", "quantity": "mean"}},
        {"mask": {"file": "x.tif", "quantity": "count"}},
        {"covariates": {"schooling": {"file": "x.tif", "missing": "province_mean"}}},
    ],
)
def test_sections_that_are_wrong(section: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        parse_grid({"run": "run", "cell_m": 1000} | section, Path())


def test_defaults_and_paths_of_a_section(tmp_path: Path) -> None:
    config = parse_grid({"run": "../run", "cell_m": 1000, "mask": {"file": "m.tif"}}, tmp_path)
    assert config.run == tmp_path / "../run"
    assert config.mask is not None
    assert config.mask.file == tmp_path / "m.tif"
    assert (config.crs, config.within, config.pairs, config.years) == ("china_albers", "none", 24, None)


def test_the_side_of_a_cell_is_that_of_its_centre() -> None:
    # 60 km across the divide, as a line in the plane: right of it is south-east.
    (line,) = crs.project(np.array([divide.line(spacing_km=0.5)]), crs.WGS84, crs.china_albers())
    middle = line.interpolate(0.4, normalized=True)
    grid = Grid(crs.china_albers(), 1000.0, middle.x - 30_000.0, middle.y + 30_000.0, (60, 60))
    zone = np.zeros(grid.shape_yx, np.int32)
    zone[:, 7] = NOBODY
    side = places.east(grid, slice(20, 50), zone[20:50])
    rows, columns = np.meshgrid(np.arange(20, 50), np.arange(60), indexing="ij")
    x, y = grid.centres(rows, columns)
    (_, south), *_, (_, north) = line.coords
    right = shapely.Polygon([*line.coords, (9e6, north), (9e6, south)])
    expected = shapely.contains_xy(right, x, y)
    near = shapely.distance(line, shapely.points(x, y)) < 5.0
    assert near.sum() < 20
    assert 200 < expected.sum() < 1600
    np.testing.assert_array_equal(side[~near], (expected & (zone[20:50] != NOBODY))[~near])


def test_the_plane_misses_what_the_scales_of_the_projection_say() -> None:
    grid = Grid(crs.china_albers(), 1000.0, -60_000.0, 4_060_000.0, (120, 120))
    owner = np.zeros(grid.shape_yx, np.int32)
    owner[60:, 60:] = NOBODY
    owner.setflags(write=False)
    from geo.raster.zonal import Ownership

    table = distortion(Places(Ownership(grid, ("a",), owner, np.array([10_800]), ()), None), pairs=2000)
    assert table["from_km"].unique().tolist() == [0.0, 50.0]  # nothing is 200 km apart
    near = table[(table["from_km"] == 0) & (table["ground"] == "geodesic")].iloc[0]
    import pyproj

    lon, lat = pyproj.Transformer.from_crs(crs.china_albers(), 4326, always_xy=True).transform(0.0, 4_000_000.0)
    scale = pyproj.Proj(crs.china_albers()).get_factors(lon, lat)
    ends = sorted([scale.meridional_scale - 1.0, scale.parallel_scale - 1.0])
    assert near["pairs"] == 2000
    # Over 120 km the scales change by some 1e-4; a twentieth of the angles lies within 4.5 degrees of an axis' end.
    assert ends[0] - 1e-3 < near["q05"] < ends[0] + 1.5e-3
    assert ends[1] - 1.5e-3 < near["q95"] < ends[1] + 1e-3
    assert abs(near["largest"]) < max(-ends[0], ends[1]) + 1e-3
