"""The real counties on cells of 5 and 20 km: everybody in his county, and the divide where the counties have it."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from checkout import ROOT

from geo import config
from geo.grid import build
from geo.grid.distortion import distortion
from geo.sources import assemble


@pytest.fixture(scope="module")
def run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the panel in which nobody moved."""
    section = tomllib.loads((ROOT / "configs/china_panel_2010_2020.toml").read_text(encoding="utf-8"))["zones"]
    built = assemble.build(config.parse(section, ROOT / "configs"), 0)
    folder = tmp_path_factory.mktemp("panel") / "run"
    folder.mkdir()
    (folder / "config.toml").write_text('[run]\nname = "panel"\n', encoding="utf-8")
    built.dataset.to_netcdf(folder / "zones.nc", engine="h5netcdf")
    built.polygons.to_file(folder / "zones.gpkg", layer="zones", driver="GPKG")
    people = built.dataset["population"].values
    still = ("zone", "interval"), np.zeros((len(people), 1))
    coords = {"zone": built.dataset["zone"].values, "year": [2010, 2020], "census": [2010, 2020], "interval": [2020]}
    results = xr.Dataset(
        {"population": (("zone", "year"), people), "population_observed": (("zone", "census"), people)}
        | dict.fromkeys(("births", "deaths", "inflow", "outflow"), still),
        coords=coords,
    )
    results.to_netcdf(folder / "results.nc", engine="h5netcdf")
    return folder


@pytest.mark.parametrize(("cell_m", "within"), [(5000, 0.001), (20_000, 0.0025)])
def test_everybody_is_in_his_county(run: Path, tmp_path: Path, cell_m: int, within: float) -> None:
    built = build.write(config.GridConfig.read({"run": str(run), "cell_m": cell_m}, run), tmp_path / "grid.nc")
    residents = xr.load_dataset(run / "zones.nc", engine="h5netcdf")["population"].sel(year=2010).values
    data = xr.load_dataset(tmp_path / "grid.nc", engine="h5netcdf")
    zone, people = data["zone"].values, data["population"].values
    found = np.bincount(zone.ravel() + 1, weights=people.ravel(), minlength=residents.size + 1)
    assert found[0] == 0.0
    np.testing.assert_allclose(found[1:], residents, rtol=1e-12)
    assert built.people == pytest.approx(1_332_809_370, rel=1e-12)
    assert people[zone < 0].max() == 0.0
    # By positions of counties 93.65 to 93.83 % live south-east of the divide; by cells as many, the finer the nearer.
    assert people[data["east"].values == 1].sum() / people.sum() == pytest.approx(0.9374, abs=within)


def test_the_plane_misses_under_two_per_cent_of_all_but_few_distances(run: Path, tmp_path: Path) -> None:
    built = build.write(config.GridConfig.read({"run": str(run), "cell_m": 20_000}, run), tmp_path / "grid.nc")
    table = distortion(built.places, pairs=1000)
    assert (table["pairs"] == 1000).all()
    assert (table[["q05", "q50", "q95"]].abs().to_numpy() < 0.02).all()
    assert (table["largest"].abs() < 0.05).all()
