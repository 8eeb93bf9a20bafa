"""The grid, who owns which cell, and people who come back from the file."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.transform
import shapely
from rio_cogeo import cog_validate

from geo.coordinates.crs import china_albers
from geo.errors import DataError
from geo.raster import cog
from geo.raster.grid import Grid, covering, projected
from geo.raster.zonal import NOBODY, assign_cells, check_people
from geo.results.whole_files import replacing

BOUNDS = (600_000.0, 4_000_000.0, 607_000.0, 4_005_000.0)


def codes(caught: pytest.ExceptionInfo[DataError]) -> list[str]:
    return [issue.code for issue in caught.value.issues]


def as_array(squares: dict[str, shapely.Polygon]) -> np.ndarray:
    return np.array(list(squares.values()))


@pytest.fixture
def grid() -> Grid:
    return covering(BOUNDS, china_albers(), 1000.0)


@pytest.mark.parametrize(
    ("cell_m", "bounds", "left_top", "shape_yx"),
    [
        (1000.0, (600_100.0, 4_000_900.0, 603_000.5, 4_002_000.0), (600_000.0, 4_002_000.0), (2, 4)),
        (250.0, (600_100.0, 4_000_900.0, 603_000.0, 4_001_900.0), (600_000.0, 4_002_000.0), (8, 12)),
        (3000.0, (-100.0, -3000.0, 100.0, 1.0), (-3000.0, 3000.0), (2, 2)),
        (700.0, (699.0, 0.0, 1401.0, 701.0), (0.0, 1400.0), (2, 3)),
    ],
)
def test_grid_covers_with_edges_on_whole_cells(
    cell_m: float, bounds: tuple[float, float, float, float], left_top: tuple[float, float], shape_yx: tuple[int, int]
) -> None:
    grid = covering(bounds, china_albers(), cell_m)
    assert ((grid.left_m, grid.top_m), grid.shape_yx) == (left_top, shape_yx)
    assert grid.left_m % cell_m == 0
    assert grid.top_m % cell_m == 0
    assert grid.cell_area_km2 == (cell_m / 1000) ** 2


def test_a_point_lies_in_the_cell_whose_square_holds_it(grid: Grid) -> None:
    assert grid.row_col(600_001.0, 4_004_999.0) == (0, 0)
    assert grid.row_col(606_999.0, 4_000_001.0) == (4, 6)
    assert rasterio.transform.xy(grid.transform, 4, 6) == (606_500.0, 4_000_500.0)


@pytest.mark.parametrize(
    ("cell_m", "bounds", "code"),
    [
        (0.0, BOUNDS, "E-GRID-CELL"),
        (-1000.0, BOUNDS, "E-GRID-CELL"),
        (float("nan"), BOUNDS, "E-GRID-CELL"),
        (1000.0, (0.0, 0.0, float("inf"), 1.0), "E-GRID-EXTENT"),
        (1000.0, (5.0, 0.0, 5.0, 1.0), "E-GRID-EXTENT"),
        (1.0, (0.0, 0.0, 1e5, 1e5), "E-GRID-SIZE"),
    ],
)
def test_impossible_grids_are_refused(cell_m: float, bounds: tuple[float, float, float, float], code: str) -> None:
    with pytest.raises(DataError) as caught:
        covering(bounds, china_albers(), cell_m)
    assert codes(caught) == [code]


@pytest.mark.parametrize(
    ("name", "code"),
    [("EPSG:4326", "E-CRS-NOT-PROJECTED"), ("EPSG:2263", "E-CRS-NOT-PROJECTED"), ("Albers, please", "E-CRS-UNKNOWN")],
)
def test_degrees_feet_and_unknown_systems_are_refused(name: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        projected(name)
    assert codes(caught) == [code]


def test_known_systems_are_taken() -> None:
    assert projected("china_albers") == china_albers()
    assert projected("EPSG:10594").to_epsg() == 10594


def test_cells_go_to_the_zone_that_holds_their_centre(grid: Grid, squares: dict[str, shapely.Polygon]) -> None:
    owned = assign_cells(as_array(squares), grid, list(squares))
    # C, 200 m wide, takes the cell it lies in from A: row 3 from the north, column 2.
    assert owned.cells.tolist() == [11, 9, 1, 10, 1]
    assert owned.assigned_nearest == (2,)
    assert owned.owner.tolist() == [
        [3, 3, 3, 3, 3, NOBODY, NOBODY],
        [3, 3, 3, 3, 3, 4, NOBODY],
        [0, 0, 0, 0, 1, 1, 1],
        [0, 0, 2, 0, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1],
    ]


def test_the_last_cell_of_a_zone_is_never_taken(grid: Grid) -> None:
    # All three lie in one cell; only the first holds its centre. The second is nearer to the north, the third south.
    x, y = 603_000.0, 4_002_000.0
    polygons = [
        shapely.box(x + 300, y + 300, x + 700, y + 700),
        shapely.box(x + 400, y + 850, x + 600, y + 950),
        shapely.box(x + 400, y + 50, x + 600, y + 150),
    ]
    owned = assign_cells(np.array(polygons), grid, list("abcdefg")[: len(polygons)])
    assert owned.cells.tolist() == [1, 1, 1]
    assert owned.assigned_nearest == (1, 2)
    assert [tuple(np.argwhere(owned.owner == zone)[0]) for zone in range(3)] == [(2, 3), (1, 3), (3, 3)]


def test_more_zones_than_cells_is_an_error(squares: dict[str, shapely.Polygon]) -> None:
    with pytest.raises(DataError) as caught:
        assign_cells(as_array(squares), covering(BOUNDS, china_albers(), 10_000_000.0), list(squares))
    assert codes(caught) == ["E-RASTER-COARSE"]


def test_zones_without_area_are_all_named(grid: Grid, squares: dict[str, shapely.Polygon]) -> None:
    polygons = [shapely.Polygon(), *squares.values(), None]
    with pytest.raises(DataError) as caught:
        assign_cells(np.array(polygons), grid, list("abcdefg")[: len(polygons)])
    assert codes(caught) == ["E-GEOM-EMPTY"] * 2
    assert [issue.column for issue in caught.value.issues] == ["zone a", "zone g"]


@pytest.mark.parametrize("cell_m", [1000.0, 300.0, 2000.0])
def test_density_times_area_is_the_people_again(squares: dict[str, shapely.Polygon], cell_m: float) -> None:
    owned = assign_cells(as_array(squares), covering(BOUNDS, china_albers(), cell_m), list(squares))
    people = np.array([12_000.0, 32_054_159.0, 0.0, 1.0, -77.5])
    block = owned.raster_of(owned.density(people), cog.NODATA_FLOAT)
    np.testing.assert_allclose(owned.sums(block) * owned.grid.cell_area_km2, people, rtol=1e-12)


def test_people_that_are_no_number_are_refused(grid: Grid, squares: dict[str, shapely.Polygon]) -> None:
    owned = assign_cells(as_array(squares), grid, list(squares))
    with pytest.raises(DataError) as caught:
        owned.density(np.array([1.0, np.nan, 2.0, np.inf, 3.0]))
    assert [issue.column for issue in caught.value.issues] == ["zone 110102", "zone 620201"]


def test_a_raster_that_lost_people_names_the_zone(grid: Grid, squares: dict[str, shapely.Polygon]) -> None:
    owned = assign_cells(as_array(squares), grid, list(squares))
    people = np.array([12_000.0, 9000.0, 777.0, 20_000.0, 500.0])
    raster = owned.raster_of(owned.density(people), cog.NODATA_FLOAT)(slice(0, 5)).copy()
    raster[2, 0] += 0.4
    check_people("right.tif", owned, lambda rows: raster[rows], people)
    raster[2, 0] += 0.2
    with pytest.raises(DataError) as caught:
        check_people("wrong.tif", owned, lambda rows: raster[rows], people)
    (issue,) = caught.value.issues
    assert (issue.code, issue.file, issue.column) == ("E-RASTER-PEOPLE", "wrong.tif", "zone 110101")
    assert issue.people == pytest.approx(0.6)


@pytest.fixture
def large() -> tuple[Grid, np.ndarray]:
    grid = covering((0.0, 0.0, 700_000.0, 600_000.0), china_albers(), 1000.0)
    values = np.random.default_rng(0).normal(size=grid.shape_yx).astype(np.float32)
    values[:100] = cog.NODATA_FLOAT
    return grid, values


def test_file_is_a_strict_cog_and_says_what_it_is(tmp_path: Path, large: tuple[Grid, np.ndarray]) -> None:
    grid, values = large
    path = tmp_path / "noise.tif"
    band = cog.Band(name="noise", long_name="Noise of a test", units="persons km-2", tags={"RUN": "test"})
    cog.encode(path, grid, band, lambda rows: values[rows])
    cog.verify(path, grid, band, lambda rows: values[rows])
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as source:
        assert (source.count, source.dtypes, source.nodata) == (1, ("float32",), -9999.0)
        assert source.crs == rasterio.crs.CRS.from_wkt(china_albers().to_wkt())
        assert (source.descriptions, source.units) == (("noise",), ("persons km-2",))
        assert source.tags()["RUN"] == "test"
        assert source.tags(1)["long_name"] == "Noise of a test"
        assert float(source.tags(1)["STATISTICS_MAXIMUM"]) == pytest.approx(values.max(), rel=1e-6)
        assert source.block_shapes == [(512, 512)]
        assert source.overviews(1) == [2]
    with rasterio.open(path, overview_level=0) as overview:
        # An averaged overview keeps densities right: the mean of four cells.
        assert overview.read(1)[60, 7] == pytest.approx(values[120:122, 14:16].mean(), rel=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == ["noise.tif"]


def test_classes_keep_their_colours_and_stay_classes_in_overviews(
    tmp_path: Path, large: tuple[Grid, np.ndarray]
) -> None:
    grid, _ = large
    values = np.where(np.arange(grid.shape_yx[1])[None, :] % 4 < 3, 1, 2).astype(np.uint8).repeat(grid.shape_yx[0], 0)
    path = tmp_path / "side.tif"
    colours = {1: (166, 97, 26, 255), 2: (1, 133, 113, 255)}
    band = cog.Band(name="side", long_name="Side", units="1", dtype="uint8", colours=colours)
    cog.encode(path, grid, band, lambda rows: values[rows])
    cog.verify(path, grid, band, lambda rows: values[rows])
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path, overview_level=0) as overview:
        assert set(np.unique(overview.read(1))) <= {1, 2}
        assert (overview.colormap(1)[1], overview.colormap(1)[2], overview.nodata) == (colours[1], colours[2], 0)


@pytest.mark.parametrize("what", ["values", "nodata", "crs", "transform", "description", "units"])
def test_a_file_that_is_not_what_was_meant_is_refused(tmp_path: Path, grid: Grid, what: str) -> None:
    values = np.arange(35, dtype=np.float32).reshape(grid.shape_yx)
    band = cog.Band(name="a", long_name="a", units="1")
    path = tmp_path / "a.tif"
    profile = {"height": 5, "width": 7, "count": 1, "dtype": "float32", "nodata": -9999.0}
    profile |= {"crs": rasterio.crs.CRS.from_wkt(china_albers().to_wkt()), "transform": grid.transform}
    if what == "crs":
        profile["crs"] = "EPSG:3857"
    if what == "transform":
        profile["transform"] = covering(BOUNDS, china_albers(), 500.0).transform
    if what == "nodata":
        profile["nodata"] = 0.0
    with rasterio.open(path, "w", driver="GTiff", **profile) as target:
        target.write(np.where(values == 34, 33, values) if what == "values" else values, 1)
        target.set_band_description(1, "b" if what == "description" else "a")
        target.set_band_unit(1, "2" if what == "units" else "1")
    with pytest.raises(DataError) as caught:
        cog.verify(path, grid, band, lambda rows: values[rows])
    assert [(issue.code, issue.column) for issue in caught.value.issues] == [("E-RASTER-VERIFY", what)]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_an_interrupted_file_leaves_the_old_one_and_nothing_else(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            partial.with_name(partial.name + "-journal").write_text("helper of a driver")
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"file.txt": "old"}


def test_a_finished_file_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replacing(path) as partial:
        assert (partial.parent, partial.name[0], partial.suffix) == (tmp_path, ".", ".txt")
        partial.write_text("new")
        assert path.read_text() == "old"
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"file.txt": "new"}


def test_a_file_that_was_never_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.txt"):
        pass
