"""The real counties from raw files to maps, as a user goes: build, fit, export, report."""

import json
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from checkout import ROOT

RASTERS = {
    "population_density_observed_2010",
    "population_density_observed_2020",
    "population_density_fitted_2020",
    "growth_observed_2010_2020",
    "growth_fitted_2010_2020",
    "net_migration_2010_2020",
    "inflow_2010_2020",
    "outflow_2010_2020",
    "divide_side",
}


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    base = tmp_path_factory.mktemp("real")
    raw, folder = base / "china_raw", base / "china_2010_2020"
    for arguments in (
        ("build_zones.py", ROOT / "configs/china_raw.toml", "--out", raw),
        ("fit.py", ROOT / "configs/china_2010_2020.toml", "--set", f"zones.file={raw / 'zones.nc'}", "--out", folder),
        ("export.py", folder, "--cell-m", "5000"),
        ("report.py", folder),
    ):
        script, *rest = map(str, arguments)
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / script), *rest], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def registered(run):
    """The same zones with registration, fitted to growth and bands."""
    folder = run.parent / "china_bands_2010_2020"
    zones = run.parent / "china_raw" / "zones.nc"
    script, config = ROOT / "scripts/fit.py", ROOT / "configs/china_bands_2010_2020.toml"
    line = [sys.executable, str(script), str(config), "--set", f"zones.file={zones}", "--out", str(folder)]
    # Fewer covariates than the configuration has: a Hessian takes as long as there are parameters.
    for setting in (
        "fit.profile=[]",
        "fit.tolerance=0.01",
        "fit.adam_steps=40",
        "model.attraction=['district_share', 'housing', 'log_college_share', 'log_in_migrants_other_county']",
        "model.departure=['child_share', 'housing']",
        "model.stock.far_covariates=['log_in_migrants_other_province']",
        "model.stock.return_covariates=['log_density']",
        "model.stock.within_covariates=[]",
    ):
        line += ["--set", setting]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "stock: factored path" in done.stderr
    return folder


@pytest.fixture(scope="module")
def metrics(run):
    return json.loads((run / "metrics.json").read_text())


def test_zones_and_residents(run):
    with xr.open_dataset(run / "zones.nc") as zones:
        assert zones.sizes["zone"] == 2647
        assert zones["population"].sel(year=[2010, 2020]).sum("zone").values.tolist() == [1_332_810_869, 1_409_778_724]
        assert int(zones["imputed"].sum()) == 0


def test_the_fit_converges_and_says_what_growth_cannot(metrics):
    assert metrics["verdict"] == "converged"
    assert metrics["remaining_step"] < 1e-3
    assert metrics["memory_gb"] < 2.0
    assert "growth_only" in metrics["flags"]
    assert any("must not be interpreted" in warning for warning in metrics["identification"]["warnings"])
    assert len(metrics["identification"]["worst_correlation"]["parameters"]) == 2


def test_scores_stand_beside_the_baselines(metrics):
    assert metrics["scored"] == "in sample"
    model = metrics["growth"]["2010_2020"]
    baselines = {name: scores["2010_2020"] for name, scores in metrics["baselines"].items()}
    assert model["r2"] > 0.38
    assert model["rmse"] < min(baselines[name]["rmse"] for name in ("no_change", "uniform_national"))
    assert baselines["no_change"]["r2"] == pytest.approx(0, abs=0.01)
    assert baselines["ols"]["r2"] == pytest.approx(0.41, abs=0.02)
    assert model["rmse"] < 1.02 * baselines["ols"]["rmse"]


def test_shares_east_of_the_divide(metrics):
    for year in ("2010", "2020"):
        assert 0.9365 < metrics["divide"][year]["population_east_share"] < 0.9383
        assert 0.434 < metrics["divide"][year]["area_east_share"] < 0.438


def test_the_nation_is_closed_by_the_births_alone(run, metrics):
    observed, fitted = metrics["national"]["observed"], metrics["national"]["fitted"]
    assert fitted == pytest.approx(observed, rel=1e-5)
    parameters = pd.read_csv(run / "parameters.csv").set_index("name")
    assert 1.0 < parameters.loc["birth_adjustment", "estimate"] < 1.2
    assert (parameters["status"] != "fixed").sum() == 22


def test_accounts_close(run):
    table = pd.read_csv(run / "accounts.csv", dtype={"zone": str})
    residual = table.opening + table.births - table.deaths + table.inflow - table.outflow - table.closing
    assert residual.abs().max() < 1
    years = table.groupby("year")[["opening", "births", "deaths", "closing"]].sum()
    national = years.opening + years.births - years.deaths
    assert (abs(years.closing - national) / national).max() < 1e-9


def test_rasters_sum_back_to_their_counties(run):
    assert {path.stem for path in (run / "rasters").glob("*.tif")} == RASTERS
    with rasterio.open(run / "rasters/population_density_fitted_2020.tif") as raster:
        assert raster.count == 1
        assert "Albers" in raster.crs.to_wkt()
        people = raster.read(1, masked=True).astype(float).sum() * 25
    with xr.open_dataset(run / "results.nc") as results:
        assert people == pytest.approx(float(results["population"].sel(year=2020).sum()), rel=1e-6)


def test_vectors_hold_every_county_and_the_line(run):
    counties = gpd.read_file(run / "vectors/results.gpkg", layer="counties")
    assert len(counties) == 2647
    assert counties.geometry.is_valid.all()
    line = gpd.read_file(run / "vectors/results.gpkg", layer="divide")
    assert np.round(line.total_bounds, 2).tolist() == [98.49, 25.02, 127.53, 50.24]


@pytest.mark.long
def test_the_numpy_model_agrees_on_real_counties(run):
    line = [
        sys.executable,
        str(ROOT / "scripts/bench.py"),
        "forward_county",
        "gradient_county",
        "--repeats",
        "1",
        "--calls",
        "1",
    ]
    line += ["--config", str(ROOT / "configs/china_panel_2010_2020.toml")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    forward, gradient = map(json.loads, done.stdout.splitlines())
    assert forward["largest_difference"] < 1e-6
    assert gradient["largest_difference"] < 1e-3
    assert gradient["parameters"] == 22
    assert gradient["peak_gb"] < 1.5


def test_the_report_stands_alone(run):
    page = (run / "report.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "in sample" in page


@pytest.mark.long
def test_with_registration_the_fit_sees_where_migrants_come_from(registered):
    metrics = json.loads((registered / "metrics.json").read_text())
    assert metrics["verdict"] == "converged"
    assert metrics["memory_gb"] < 3
    assert "growth_only" not in metrics["flags"]
    assert set(metrics["targets"]) > {"growth", "same_county", "other_county", "other_province"}
    bands = [round(metrics["names"]["bands"][name]["counted"] / 1e6, 1) for name in metrics["names"]["bands"]]
    assert bands == [188.5, 179.4, 124.8]
    share = metrics["names"]["other_province_share"]
    assert share["counted"] == pytest.approx(0.410, abs=5e-4)
    assert share["fitted"] == pytest.approx(share["counted"], abs=0.01)
    assert metrics["names"]["other_province_share_by_province"]["rank_correlation"] >= 0.8
    assert metrics["names"]["apart"]["counted"] == 492_762_506


@pytest.mark.long
def test_the_initial_stock_has_the_first_census(registered):
    initial = json.loads((registered / "metrics.json").read_text())["initial"]
    assert initial["residents_largest_error"] < 1
    assert max(map(abs, initial["from_elsewhere_error"].values())) < 1e-9
    assert initial["registered_error"]["50"] == pytest.approx(0, abs=1e-9)
    listed = pd.read_csv(registered / "assumptions.csv", dtype={"zone": str})
    assert (listed["what"] == "registered: fewer counted than live there at home").sum() == 93
    assert set(listed["zone"]) < set(pd.read_csv(registered / "zones.csv", dtype={"zone": str})["zone"])


@pytest.mark.long
def test_accounts_of_residents_and_of_registered_people_close(registered):
    residents = pd.read_csv(registered / "accounts.csv", dtype={"zone": str})
    balance = residents.opening + residents.births - residents.deaths + residents.inflow - residents.outflow
    assert (balance - residents.closing).abs().max() < 1
    people = pd.read_csv(registered / "registered.csv", dtype={"zone": str})
    balance = people.opening + people.births - people.deaths + people.converted_in - people.converted_out
    assert (balance - people.closing).abs().max() < 1
    assert residents.births.sum() == pytest.approx(people.births.sum(), rel=1e-9)
    last = people[people.year == 2020].closing.sum() - residents[residents.year == 2020].closing.sum()
    stock = pd.read_csv(registered / "stock.csv", dtype={"zone": str})
    assert last == pytest.approx(stock.registered_elsewhere_2010.sum(), abs=1)
