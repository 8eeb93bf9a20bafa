"""The scripts as a person runs them: exit codes, whole files, nothing imported that is not needed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import preloaded
import pytest
import quick
import signals
import tomli_w
import worlds
import xarray as xr
from checkout import ROOT

from flowmodel.estimation import synthetic
from flowmodel.zones import table as store

LARGE = {"jax", "jaxlib", "numpy", "pandas", "scipy", "xarray", "pyarrow", "optax", "pydantic"}
LARGE |= {"geopandas", "shapely", "pyproj", "rasterio", "pyogrio", "matplotlib"}


@pytest.fixture(scope="module")
def command():
    """Runs a script with its arguments in a folder, its libraries imported beforehand."""
    with preloaded.Preloaded(preloaded.MODEL, quick.ENVIRONMENT) as commands:
        yield commands.run


def users(script: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a script as a person starts it."""
    line = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(
        line, cwd=folder, env=quick.ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a configuration whose zones are a ready file, and the run that a fit of it leaves behind."""
    folder = tmp_path_factory.mktemp("world")
    config = worlds.configuration("fit.priors=true", "truth={}", "parameters={}", "fit.profile=['distance']")
    store.write(synthetic.observe(worlds.table(100), worlds.configuration()).data, folder / "zones.nc")
    tables = config.model_dump(mode="json", exclude_none=True)
    (folder / "world.toml").write_text(tomli_w.dumps(tables))
    done = users("fit", "world.toml", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_fit_leaves_every_file_of_a_run(world):
    run = world / "runs" / "world"
    expected = {"config.toml", "provenance.json", "log.jsonl", "zones.nc", "zones.csv", "results.nc"}
    expected |= {"parameters.csv", "profiles.csv", "growth.csv", "metrics.json", "accounts.csv", ".lock", ".files"}
    assert {path.name for path in run.iterdir()} == expected
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["verdict"] == "converged"
    assert set(metrics["baselines"]) == {"no_change", "uniform_national", "natural_increase", "ols"}
    assert set(metrics["growth"]["2010_2020"]) == {"r2", "rmse", "mape", "medape", "malpe", "sign"}
    assert set(metrics["seconds"]) == {"build", "compile", "fit", "total"}
    assert metrics["flags"][-1] == "growth_only"
    columns = "name,symbol,estimate,se,interval_lower,interval_upper,lower,upper,unit,status,source"
    assert (run / "parameters.csv").read_text().splitlines()[0] == columns


def test_a_fit_says_what_it_can_tell(world):
    run = world / "runs" / "world"
    told = json.loads((run / "metrics.json").read_text())["identification"]
    points, rows = pd.read_csv(run / "profiles.csv"), pd.read_csv(run / "parameters.csv").set_index("name")
    assert points.columns.tolist() == ["parameter", "value", "negative_log_posterior", "drop"]
    assert set(points["parameter"]) == set(told["profiles"]) == {"distance"}
    ends = told["profiles"]["distance"]
    assert ends["lower"] < rows.loc["distance", "estimate"] < ends["upper"]
    assert points["drop"].iloc[[0, -1]].min() > 2
    assert told["relative_se"]["distance"] == pytest.approx(
        rows.loc["distance", "se"] / rows.loc["distance", "estimate"]
    )
    assert told["condition"] > 1
    assert set(told["sloppy_direction"]) == {"posterior", "data"}
    fitted = rows[rows["status"].isin(["fitted", "not_identified"])]
    assert (fitted["interval_lower"] < fitted["estimate"]).all()
    assert (fitted["interval_upper"] > fitted["estimate"]).all()


def test_accounts_on_disk_close_for_every_zone_and_year(world):
    table = pd.read_csv(world / "runs/world/accounts.csv", dtype={"zone": str})
    assert table.columns.tolist() == [
        "zone",
        "group",
        "year",
        "opening",
        "births",
        "deaths",
        "inflow",
        "outflow",
        "closing",
    ]
    assert len(table) == 1000
    residual = table.opening + table.births - table.deaths + table.inflow - table.outflow - table.closing
    assert residual.abs().max() < 1e-6
    following = table.sort_values(["zone", "year"])
    same = following.zone.to_numpy()[1:] == following.zone.to_numpy()[:-1]
    np.testing.assert_array_equal(following.opening.to_numpy()[1:][same], following.closing.to_numpy()[:-1][same])


def test_results_are_labelled(world):
    with xr.open_dataset(world / "runs/world/results.nc") as results:
        assert all({"units", "long_name", "source"} <= set(variable.attrs) for variable in results.data_vars.values())
        assert results["population"].dims == ("zone", "year")
        assert results["year"].values.tolist() == list(range(2010, 2021))
        assert results["census"].values.tolist() == [2010, 2020]


def test_the_same_inputs_give_the_same_bytes(world, command):
    names = ("parameters.csv", "accounts.csv", "zones.csv")
    first = {name: (world / "runs/world" / name).read_bytes() for name in names}
    assert command("fit", "world.toml", "--out", "again", folder=world).returncode == 0
    assert {name: (world / "again" / name).read_bytes() for name in names} == first


def test_simulating_a_fit_reproduces_it(world, command):
    table = world / "runs/world/parameters.csv"
    done = command("simulate", "world.toml", "--parameters", table, "--out", "forward", folder=world)
    assert done.returncode == 0, done.stderr
    with (
        xr.open_dataset(world / "forward/results.nc") as forward,
        xr.open_dataset(world / "runs/world/results.nc") as fitted,
    ):
        # The fit's own run converts its float32 log distances to float64.
        np.testing.assert_allclose(forward["population"], fitted["population"], rtol=1e-6)


def test_ready_zones_never_load_a_map_library(world):
    watch = (
        "import runpy, sys\n"
        "sys.argv = ['simulate.py', 'world.toml', '--out', 'bare']\n"
        f"sys.path.insert(0, {str(ROOT / 'scripts')!r})\n"
        "try:\n"
        f"    runpy.run_path({str(ROOT / 'scripts' / 'simulate.py')!r}, run_name='__main__')\n"
        "except SystemExit as left:\n"
        "    assert not left.code, left.code\n"
        "print(sorted({'geopandas', 'shapely', 'rasterio', 'pyproj', 'pyogrio'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", watch], cwd=world, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        (("--set", "fit.adam_stps=3"), 2, "unknown key, perhaps adam_steps"),
        (("--set", "parameters.distnce.fixed=1"), 2, "E-PARAMETER-NAME"),
        (("--set", "zones.file=nowhere.nc"), 3, "E-ZONES-FILE"),
        (("--set", "zones.file=world.toml"), 3, "E-ZONES-FORMAT"),
        (("--set", "zones.file=3"), 2, "E-CONFIG-KEY"),
        (("--set", "truth.nonsense=1.0"), 2, "E-TRUTH"),
        (("--set", "model.attraction=['income']"), 3, "no covariate 'income'"),
        (("--set", "runtime.device='tpu'"), 6, "E-DEVICE"),
    ],
)
def test_exit_codes(world, command, settings, status, said):
    done = command("fit", "world.toml", "--out", "failing", *settings, folder=world)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_5_still_writes_every_file(world, command):
    settings = ("--set", "fit.adam_steps=5", "--set", "fit.lbfgs_steps=5")
    done = command("fit", "world.toml", "--out", "early", *settings, folder=world)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False), done.stderr
    assert done.stderr.count("computing on ") == 1
    assert json.loads((world / "early/metrics.json").read_text())["verdict"] == "max_steps"
    assert (world / "early/results.nc").is_file()


def test_a_folder_in_use_is_refused_and_a_dead_writer_is_not(world, command):
    waiting = world / "waiting"
    line = "import sys, time; from pathlib import Path; from flowmodel.runs.folder import run_folder\n"
    line += f"with run_folder(Path({str(waiting)!r})):\n    print(flush=True)\n    time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", line], cwd=ROOT / "scripts", stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    refused = command("simulate", "world.toml", "--out", "waiting", folder=world)
    assert (refused.returncode, "E-LOCKED" in refused.stderr) == (7, True)
    assert str(holder.pid) in refused.stderr
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert command("simulate", "world.toml", "--out", "waiting", folder=world).returncode == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_fit_leaves_no_half_file(world, number, status):
    line = [sys.executable, str(ROOT / "scripts/fit.py"), "world.toml", "--out", f"cut-{status}"]
    line += ["--set", "fit.adam_steps=100000"]
    running = subprocess.Popen(signals.with_defaults(line), cwd=world, stderr=subprocess.PIPE, text=True)
    folder = world / f"cut-{status}"
    while not (folder / "zones.nc").is_file():
        assert running.poll() is None, "the fit ended by itself"
        time.sleep(0.05)
    time.sleep(3)
    running.send_signal(number)
    _, said = running.communicate(timeout=300)
    assert running.returncode == status, said
    assert {path.name for path in folder.iterdir()} == {".files", ".lock", "log.jsonl", "zones.nc"}


def test_a_folder_that_is_no_run_is_left_alone(world, command):
    mine = world / "mine" / "figures"
    mine.mkdir(parents=True)
    (mine / "thesis.png").write_bytes(b"mine")
    done = command("simulate", "world.toml", "--out", "mine", folder=world)
    assert (done.returncode, "E-OUT" in done.stderr) == (2, True)
    assert (mine / "thesis.png").read_bytes() == b"mine"


def test_a_folder_holds_one_run(world, command):
    shutil.copytree(world / "runs/world", world / "reused")
    done = command("simulate", "world.toml", "--out", "reused", folder=world)
    assert done.returncode == 0, done.stderr
    assert not (world / "reused/metrics.json").exists()
    rows = pd.read_csv(world / "reused/parameters.csv")
    assert set(rows["status"]) == {"fixed"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name,estimate\nmass,0.9\n", "E-PARAMETER-LACKING"),
        ("parameter,value\nmass,0.9\n", "E-PARAMETER-FILE"),
        (None, "E-PARAMETER-FILE"),
    ],
)
def test_a_wrong_table_of_parameters_is_refused(world, command, text, code, tmp_path):
    if text is not None:
        (tmp_path / "given.csv").write_text(text)
    done = command("simulate", "world.toml", "--parameters", tmp_path / "given.csv", "--out", "wrong", folder=world)
    assert (done.returncode, code in done.stderr) == (2, True), done.stderr


def test_a_parameter_out_of_bounds_or_of_another_offset_is_refused(world, command, tmp_path):
    rows = pd.read_csv(world / "runs/world/parameters.csv").set_index("name")
    for name, value, code in (("mass", 99.0, "E-PARAMETER-BOUND"), ("offset_km", 5.0, "E-PARAMETER-OFFSET")):
        changed = rows.copy()
        changed.loc[name, "estimate"] = value
        changed.to_csv(tmp_path / "given.csv")
        done = command("simulate", "world.toml", "--parameters", tmp_path / "given.csv", "--out", "wrong", folder=world)
        assert (done.returncode, code in done.stderr) == (2, True), done.stderr


def test_the_data_folder_is_expanded_in_the_name_of_ready_zones(world):
    line = [sys.executable, str(ROOT / "scripts/simulate.py"), "world.toml", "--out", "expanded"]
    line += ["--set", "zones.file='${FLOWMODEL_DATA}/zones.nc'"]
    environment = os.environ | {"FLOWMODEL_DATA": str(world)}
    done = subprocess.run(line, cwd=world, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [("-c", "import flowmodel"), ("-c", "import geo"), ("scripts/fit.py", "--help")])
def test_start_up_is_silent_and_loads_no_large_library(arguments):
    """What takes long at start is a library that is not needed; bench.py startup measures the seconds."""
    line = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "" or "--help" in arguments
    loaded = {row.rpartition("|")[2].strip().partition(".")[0] for row in done.stderr.splitlines()}
    assert loaded & {"flowmodel", "geo"}
    assert not loaded & LARGE


def test_doctor_knows_the_machine(world):
    done = users("doctor", folder=world)
    assert done.returncode == 0
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert facts["geo"] == str(ROOT / "geo" / "__init__.py")
    assert "(vectors)" in facts["GDAL"]
    assert facts["numpy"] == np.__version__
    assert re.fullmatch(r"[\d,.]+ GB free of [\d,.]+ GB", facts["memory"])
    assert facts["device"].startswith("computing on ")
    assert "packages as locked" in facts["lock"]
    assert {"cache", "PROJ", "PROJ_LIB", "GDAL_DATA"} <= set(facts)


@pytest.mark.parametrize("script", ["export", "report"])
def test_a_folder_without_a_run_is_refused(script, tmp_path):
    done = users(script, tmp_path, folder=tmp_path)
    assert (done.returncode, "E-RUN" in done.stderr) == (2, True)


def test_a_pipe_that_closes_is_no_crash(world):
    line = f"{sys.executable} {ROOT}/scripts/doctor.py | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, env=os.environ)
    assert "Traceback" not in done.stderr
