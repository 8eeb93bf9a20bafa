"""A grid run as a person makes it: a small built-in country, its cells, its maps."""

import dataclasses
import json

import numpy as np
import pandas as pd
import preloaded
import pytest
import quick
import rasterio
import xarray as xr
from checkout import ROOT

from flowmodel import runtime
from flowmodel.errors import ResourceError
from flowmodel.runs import start
from flowmodel.runs.request import read_config

MODULES = (
    "flowmodel.runs.simulate",
    "geo.maps.interface",
    "geo.sources.assemble",
    "geo.maps.grid_rasters",
    "geo.grid.build",
)


@pytest.fixture(scope="module")
def command():
    with preloaded.Preloaded(
        (*MODULES, "flowmodel.dynamics.cells.rollout", "h5netcdf", "rasterio"), quick.ENVIRONMENT
    ) as commands:
        yield commands.run


@pytest.fixture(scope="module")
def folder(command, tmp_path_factory):
    """A county run, and one of its cells of thirty kilometres."""
    folder = tmp_path_factory.mktemp("grid")
    demo = ROOT / "configs" / "demo.toml"
    done = command("simulate", demo, "--set", "zones.counties=310", "--out", "county", folder=folder)
    assert done.returncode == 0, done.stderr
    grid = '[run]\nname = "cells"\n[grid]\nrun = "county"\ncell_m = 30000\nyears = [2010, 2012]\npairs = 3\n'
    (folder / "grid.toml").write_text(grid)
    done = command("simulate", "grid.toml", folder=folder)
    assert done.returncode == 0, done.stderr
    for said in ("kernel: spectral, ", "distance in the plane: within", "in common with the county model"):
        assert said in done.stdout
    return folder


def test_the_cells_are_the_people_of_the_counties(folder):
    accounts = pd.read_csv(folder / "runs/cells/accounts.csv", dtype={"zone": str})
    counted = pd.read_csv(folder / "county/accounts.csv", dtype={"zone": str})
    first, county = accounts[accounts["year"] == 2011], counted[counted["year"] == 2011]
    np.testing.assert_allclose(first["opening"], county["opening"], rtol=1e-9)
    np.testing.assert_allclose(first["outflow"], county["outflow"], rtol=1e-5)
    # Pull is that of the counties, distance that of the cells: near, but not the same.
    assert 1e-6 < (first["inflow"] / county["inflow"].to_numpy() - 1).abs().median() < 0.2
    balance = accounts["opening"] + accounts["births"] - accounts["deaths"] + accounts["inflow"] - accounts["outflow"]
    assert (balance - accounts["closing"]).abs().max() < 1
    with xr.open_dataset(folder / "runs/cells/results.nc") as results:
        total = results["residents"].sel(year=2012).sum().item()
        assert total == pytest.approx(accounts[accounts["year"] == 2012]["closing"].sum(), rel=1e-12)
        assert results["flow_year"].values.tolist() == [2011, 2012]


def test_flows_between_counties_stand_beside_the_county_models(folder):
    flows = pd.read_csv(folder / "runs/cells/county_flows.csv", dtype={"origin": str, "destination": str})
    assert flows["origin"].nunique() == 3
    sums = flows.groupby("origin")[["by_cells", "by_counties"]].sum()
    np.testing.assert_allclose(sums["by_cells"], sums["by_counties"], rtol=1e-5)
    metrics = json.loads((folder / "runs/cells/metrics.json").read_text())
    assert 0.8 < metrics["flows"]["common_part"] < 1
    assert metrics["rows"]["transforms"] < 1e-5
    assert metrics["rows"]["projection"] < 0.02
    assert metrics["inside_share"] == 0


def test_its_maps_hold_its_people(command, folder):
    done = command("export", "runs/cells", folder=folder)
    assert done.returncode == 0, done.stderr
    with rasterio.open(folder / "runs/cells/rasters/residents_2012.tif") as source:
        people = source.read(1, masked=True).sum(dtype=float) * 900
    accounts = pd.read_csv(folder / "runs/cells/accounts.csv")
    assert people == pytest.approx(accounts[accounts["year"] == 2012]["closing"].sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("setting", "code"),
    [("grid.cell_m=-1", "E-CONFIG-KEY"), ("grid.colour=1", "E-CONFIG-KEY"), ("grid.years=[2015,2020]", "E-GRID-YEAR")],
)
def test_a_wrong_grid_is_refused(command, folder, setting, code):
    done = command("simulate", "grid.toml", "--set", setting, "--out", "wrong", folder=folder)
    assert done.returncode in (2, 3)
    assert code in done.stderr
    assert "Traceback" not in done.stderr


@dataclasses.dataclass(frozen=True)
class _Made:
    tile: int

    def announce(self):
        return ("a model",)


def test_tiles_are_halved_where_memory_runs_out(monkeypatch, capsys):
    config = read_config(ROOT / "configs" / "demo.toml", ("runtime.storage=tiled",)).config
    sides = []

    def build(table, config, base, dtype):
        return _Made(config.runtime.tile or 128)

    def work(model):
        sides.append(model.tile)
        if model.tile > 32:
            raise MemoryError("RESOURCE_EXHAUSTED: out of memory")
        return "done"

    monkeypatch.setattr(start.models, "of_counties", build)
    model, found = start.with_model(None, config, ROOT, float, work)
    assert (sides, model.tile, found) == ([128, 64, 32], 32, "done")
    assert capsys.readouterr().err.count("W-MEMORY") == 2

    def never(model):
        raise MemoryError("RESOURCE_EXHAUSTED: out of memory")

    with pytest.raises(ResourceError, match="E-MEMORY"):
        start.with_model(None, config, ROOT, float, never)
    assert runtime.exhausted(MemoryError())
