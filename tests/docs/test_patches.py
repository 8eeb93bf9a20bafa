"""The patches of the architecture page apply to the source, and what they add works in a run."""

import shutil
import subprocess
import sys
import textwrap

import pytest
from checkout import ROOT
from pages import patches
from small_book import ROWS_2020, SmallBook

START = """
import pathlib
import numpy as np
import rasterio
import flowmodel
import geo

def model(tables=None):
    tables = {"run": {"name": "x"}, "model": {"years": [2010, 2020], **(tables or {})}}
    return flowmodel.build(flowmodel.read_config(tables), zones)

def values(model, **changed):
    return model.registry.vector({entry.name: entry.prior_mean for entry in model.registry.free} | changed)
"""
ZONES = "zones = geo.build_zones({'source': 'builtin', 'counties': 248})\n"
USES = {
    "new_decay_law": """
        own, power = model({"law": "root_exponential"}), model()
        assert "distance_root" in [entry.name for entry in own.registry.free]
        moved = [one.run(values(one)).outflow.sum() for one in (own, power)]
        assert np.isfinite(moved).all() and moved[0] != moved[1]
    """,
    "new_barrier": """
        one, east = model(), zones.dataset["east"].values == 1
        province = zones.dataset["province"].values
        flows = [one.flows(values(one, divide_and_province=height), 2011) for height in (0.0, 3.0)]
        both = (east[:, None] != east) & (province[:, None] != province)
        before, after = (flow[both].sum() / flow.sum() for flow in flows)
        assert 0 < after < 0.5 * before
        np.testing.assert_allclose(flows[0].sum(axis=1), flows[1].sum(axis=1), rtol=1e-6)
    """,
    "new_calendar_path": """
        as_it_was, later = model(), model({"schedule": {"mobility": {2015: 0.0, 2020: 1.0}}})
        plain, shifted = (one.run(values(one)).outflow.sum(axis=1) for one in (as_it_was, later))
        np.testing.assert_allclose(shifted[:5], plain[:5], rtol=1e-6)
        assert shifted[9] > 2 * plain[9]
    """,
    "new_census_adapter": """
        from geo.config.yearbook import YearbookConfig
        from geo.sources.yearbooks import read
        book = {"file": "book.xlsx", "adapter": "china_2030", "date": "2030-11-01", "definition": "resident"}
        table = read(YearbookConfig.model_validate(book, context={"base": pathlib.Path.cwd()}), 2030)
        assert table.places["people"].sum() == 38 * 113
        assert table.quantities["schooling"].sel(row="110101") == 8.82
    """,
    "new_raster_variable": """
        request = flowmodel.read_config({"run": {"name": "x"}, "model": {"years": [2000, 2010]}})
        run = flowmodel.simulate(request, zones=zones, out="run")
        geo.export("run", cell_m=20_000)
        with rasterio.open("run/rasters/births_2000_2010.tif") as raster:
            per_km2 = raster.read(1, masked=True).sum(dtype=float)
        assert abs(per_km2 * 400 / (run.results["births"].sum().item() / 10) - 1) < 1e-6
    """,
}


@pytest.fixture
def copy(tmp_path):
    """The source in a folder of its own."""
    for package in ("flowmodel", "geo", "configs", "scripts"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("name", patches.MOST)
def test_a_patch_applies_and_what_it_adds_works(name, copy):
    (patch,) = [patch for patch in patches.patches() if patch.name == name]
    subprocess.run(["git", "apply", "-"], input=patch.text, text=True, cwd=copy, check=True)
    zones = "" if name == "new_census_adapter" else ZONES
    if name == "new_census_adapter":
        renamed = {"区县": "地区", "人口数_合计": "常住人口"}
        SmallBook(copy, 2020, ROWS_2020, header=renamed).write()
    (copy / "use.py").write_text(START + zones + textwrap.dedent(USES[name]), encoding="utf-8")
    done = subprocess.run([sys.executable, "use.py"], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
