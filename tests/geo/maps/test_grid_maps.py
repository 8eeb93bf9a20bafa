"""Maps of a grid run: the numbers of its cells, summed back to counties; and what is refused."""

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from checkout import SCRIPTS
from rio_cogeo import cog_validate

from geo.coordinates.crs import china_albers
from geo.errors import DataError
from geo.maps import grid_rasters, grid_run
from geo.raster import cog

ZONE = np.array([[0, 0, 1, -1], [2, 0, 1, -1], [2, 2, 1, 1]], np.int32)
LAND = ZONE >= 0
START = np.where(LAND, np.arange(12.0).reshape(3, 4) * 100.0, 0.0)
END = np.where(LAND, START * 1.5 + 7.0, 0.0)
INFLOW = np.where(LAND, 40.0, 0.0)
OUTFLOW = np.where(LAND, np.arange(12.0).reshape(3, 4), 0.0)

MakeGrid = Callable[..., Path]


@pytest.fixture
def make_grid(tmp_path: Path) -> MakeGrid:
    """A function that writes the folder of a grid run of 3 x 4 cells of 2 km."""

    def make(**changes: Any) -> Path:
        folder = tmp_path / "cells"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text('[run]\nname = "cells"\n', encoding="utf-8")
        (folder / ".lock").touch()
        at = {"y": 4_004_000.0 + 5000.0 - 2000.0 * np.arange(3), "x": 600_000.0 + 1000.0 + 2000.0 * np.arange(4)}
        attrs = {"crs_wkt": china_albers().to_wkt(), "cell_m": 2000.0, "synthetic": 1}
        grid = xr.Dataset({"zone": (("y", "x"), ZONE)}, coords=at, attrs=attrs)
        cells = ("y", "x")
        values = {
            "residents": (("year", *cells), np.stack([START, END])),
            "inflow": (("interval", *cells), np.stack([INFLOW, INFLOW * 2])),
            "outflow": (("interval", *cells), np.stack([OUTFLOW, OUTFLOW * 3])),
        }
        results = xr.Dataset(values, coords=at | {"year": [2010, 2020], "interval": [2011, 2020]}, attrs=attrs)
        results = changes.get("change", lambda data: data)(results)
        grid.to_netcdf(folder / "grid.nc", engine="h5netcdf")
        results.to_netcdf(folder / "results.nc", engine="h5netcdf")
        return folder

    return make


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1).astype(np.float64)


def put(variable: str, at: tuple[int, ...], value: float) -> Callable[[xr.Dataset], xr.Dataset]:
    def change(data: xr.Dataset) -> xr.Dataset:
        data[variable].values[at] = value
        return data

    return change


def density(amount: np.ndarray) -> np.ndarray:
    return np.where(LAND, (amount / 4.0).astype(np.float32), -9999.0)


def test_maps_hold_the_cells_per_km2(make_grid: MakeGrid, tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "maps"
    paths = grid_rasters.write(make_grid(), folder, said.append)
    expected = {
        "residents_2010": START,
        "residents_2020": END,
        "residents_growth_2010_2020": END - START,
        "net_migration_2011": INFLOW - OUTFLOW,
        "inflow_2011": INFLOW,
        "outflow_2011": OUTFLOW,
        "net_migration_2020": INFLOW * 2 - OUTFLOW * 3,
        "inflow_2020": INFLOW * 2,
        "outflow_2020": OUTFLOW * 3,
    }
    assert [path.stem for path in paths] == list(expected)
    assert said == [path.name for path in paths]
    for path in paths:
        np.testing.assert_array_equal(read(path), density(expected[path.stem]))
    assert {path.name for path in folder.iterdir()} == {f"{name}.{end}" for name in expected for end in ("tif", "qml")}


def test_maps_say_where_they_lie_and_what_they_are(make_grid: MakeGrid, tmp_path: Path) -> None:
    paths = grid_rasters.write(make_grid(), tmp_path / "maps")
    for path in paths:
        assert cog_validate(path, strict=True) == (True, [], []), path.name
        with rasterio.open(path) as source:
            assert source.crs == rasterio.crs.CRS.from_wkt(china_albers().to_wkt())
            assert (source.transform.a, source.transform.c, source.transform.f) == (2000.0, 600_000.0, 4_010_000.0)
            assert source.descriptions == (path.stem,)
            assert "synthetic" in source.tags()["TIFFTAG_IMAGEDESCRIPTION"]
            assert source.tags()["RUN"] == "cells"
    units = {path.stem: rasterio.open(path).units[0] for path in paths}
    assert units["residents_growth_2010_2020"] == "persons km-2"
    assert units["net_migration_2020"] == "persons km-2 year-1"


def test_a_year_of_flows_without_numbers_has_no_map(make_grid: MakeGrid, tmp_path: Path) -> None:
    paths = grid_rasters.write(
        make_grid(change=lambda data: put("inflow", (0,), np.nan)(put("outflow", (0,), np.nan)(data))),
        tmp_path / "maps",
    )
    assert [path.stem for path in paths if "2011" in path.stem] == []
    assert len(paths) == 6


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (put("residents", (1, 0, 0), np.nan), "1 cells without a number, 0 cells with people that are no zones"),
        (put("residents", (1,), np.nan), "10 cells without a number, 0 cells with people that are no zones"),
        (put("residents", (1, 0, 0), np.inf), "1 cells without a number, 0 cells with people that are no zones"),
        (put("residents", (1, 0, 3), 2.0), "0 cells without a number, 1 cells with people that are no zones"),
        (put("inflow", (0, 2, 0), np.nan), "1 cells without a number, 0 cells with people that are no zones"),
    ],
)
def test_people_lost_in_the_cells_stop_the_export(
    make_grid: MakeGrid, tmp_path: Path, change: Callable[[xr.Dataset], xr.Dataset], value: str
) -> None:
    with pytest.raises(DataError) as caught:
        grid_rasters.write(make_grid(change=change), tmp_path / "maps")
    (issue,) = caught.value.issues
    assert (issue.code, issue.file, issue.value) == ("E-GRID-RESULT", "results.nc", value)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda data: data.drop_vars("outflow"), "outflow"),
        (lambda data: data.isel(x=slice(0, 3)), "x"),
        (lambda data: data.assign_coords(y=data["y"] + 500.0), "y"),
        (lambda data: data.assign_attrs(cell_m=1000.0), "cell_m"),
        (lambda data: data.assign_attrs(crs_wkt="else"), "crs_wkt"),
    ],
)
def test_results_of_other_cells_are_refused(
    make_grid: MakeGrid, tmp_path: Path, change: Callable[[xr.Dataset], xr.Dataset], column: str
) -> None:
    with pytest.raises(DataError) as caught:
        grid_rasters.write(make_grid(change=change), tmp_path / "maps")
    assert [(issue.code, issue.column) for issue in caught.value.issues] == [("E-RUN-ZONES", column)]


def test_a_run_without_its_cells_is_refused(make_grid: MakeGrid, tmp_path: Path) -> None:
    run = make_grid()
    (run / "grid.nc").unlink()
    with pytest.raises(DataError) as caught:
        grid_rasters.write(run, tmp_path / "maps")
    assert [(issue.code, issue.file) for issue in caught.value.issues] == [("E-RUN-FILE", "grid.nc")]


def test_a_map_that_lost_people_never_takes_its_name(
    make_grid: MakeGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = cog.encode

    def damaged(path: Path, grid: Any, band: Any, block: Any) -> None:
        encode(path, grid, band, lambda rows: np.where(block(rows) > 200, 0, block(rows)).astype(np.float32))

    monkeypatch.setattr(cog, "encode", damaged)
    monkeypatch.setattr(cog, "verify", lambda *_: None)
    with pytest.raises(DataError) as caught:
        grid_rasters.write(make_grid(), tmp_path / "maps")
    # Cells of 900, 1,000 and 1,100 persons are 225 and more a km2.
    people_differ = {issue.column: issue.people for issue in caught.value.issues}
    assert {issue.code for issue in caught.value.issues} == {"E-RASTER-PEOPLE"}
    assert people_differ == {"zone 1 of zones.nc": 2100.0, "zone 2 of zones.nc": 900.0}
    assert list((tmp_path / "maps").iterdir()) == []


def exported(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """What `scripts/export.py` leaves with."""
    script = SCRIPTS / "export.py"
    monkeypatch.setattr(sys, "argv", ["export.py", *arguments])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(script), run_name="__main__")
    return int(left.value.code or 0)


def test_the_command_tells_cells_from_counties(
    make_grid: MakeGrid,
    narrow_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, counties = make_grid(), shutil.copytree(narrow_run, tmp_path / "squares")
    assert (grid_run.is_grid(run), grid_run.is_grid(counties)) == (True, False)
    assert exported([str(run)], monkeypatch) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9
    assert (run / "rasters" / "residents_2020.tif").is_file()
    assert not (run / "vectors").exists()
    assert exported([str(run), "--cell-m", "500"], monkeypatch) == 3
    assert "a grid run is exported on its own cells" in capsys.readouterr().err
    assert exported([str(counties)], monkeypatch) == 0
    assert (counties / "rasters" / "population_density_observed_2010.tif").is_file()
    assert (counties / "vectors" / "results.gpkg").is_file()
