"""scripts/fit_flows.py as a person runs it: exit codes, files, and people that add up."""

import functools
import json
import subprocess
import sys

import dense_poisson
import flow_country
import flow_runs
import numpy as np
import pandas as pd
import preloaded
import pytest
import quick
import tomli_w

from flowmodel.config import read_toml

pytestmark = pytest.mark.usefixtures("compiled_quickly")

ABSORBED = {
    "unconstrained": set(),
    "production": {"origin:ln:population"},
    "attraction": {"destination:ln:population"},
    "doubly": {"origin:ln:population", "destination:ln:population"},
}
NAMES = ["origin:ln:population", "destination:ln:population", "ln_distance", "pair:border"]
FILES = {"config.toml", "provenance.json", "log.jsonl", "issues.csv", "metrics.json", ".lock", ".files"}
FILES |= {"parameters.csv", "effects.csv", "flows.parquet", "local.csv", "laws.csv", "draws.parquet"}
SCORES = {"cpc", "cpc_d", "cpl", "srmse", "nrmse_mean", "nrmse_sum", "ssi", "kl", "r2", "mean_distance"}
SCORES |= {"deviance", "null_deviance", "aic", "pairs", "movers", "seconds", "verdict", "flags"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine zones, their flows, and a law in a Python file."""
    made = tmp_path_factory.mktemp("country")
    flow_country.write(made)
    return made


@pytest.fixture(scope="module")
def command(folder):
    """The command in the folder, its libraries imported beforehand."""
    with preloaded.Preloaded(preloaded.FLOWS, quick.ENVIRONMENT) as commands:
        yield functools.partial(commands.run, "fit_flows", folder=folder)


@pytest.fixture(scope="module")
def whole(folder):
    """A run, started as a person does, of all that a configuration may ask for."""
    tables = flow_country.config("whole") | {
        "fit": {"se": "robust", "local": "origin"},
        "compare": {"laws": ["exponential", "power"]},
        "draws": {"count": 2, "hold": "origin"},
    }
    (folder / "whole.toml").write_text(tomli_w.dumps(tables))
    line = [sys.executable, str(preloaded.SCRIPTS / "fit_flows.py"), "whole.toml"]
    done = subprocess.run(
        line, cwd=folder, env=quick.ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "verdict: converged" in done.stdout
    return flow_runs.Run(done.returncode, folder / "runs/whole")


@pytest.fixture(scope="module", params=ABSORBED)
def constrained(request, folder):
    """A run under each constraint, in this process."""
    return request.param, flow_runs.run(flow_country.config(request.param, request.param), folder)


def test_a_run_leaves_every_file(whole):
    assert {path.name for path in whole.folder.iterdir()} == FILES
    columns = "name,symbol,estimate,se,interval_lower,interval_upper,lower,upper,unit,status,source"
    assert (whole.folder / "parameters.csv").read_text().splitlines()[0] == columns
    assert list(whole.table("effects.csv").columns) == ["side", "zone", "effect", "se", "status"]
    assert {"origin", "destination", "observed", "fitted", "residual"} <= set(whole.table("flows.parquet").columns)
    assert set(whole.metrics) >= SCORES
    assert set(whole.metrics["seconds"]) == {"read", "compile", "fit", "total"}
    assert (whole.metrics["verdict"], whole.metrics["flags"]) == ("converged", [])
    said = [json.loads(line)["event"] for line in (whole.folder / "log.jsonl").read_text().splitlines()]
    assert said == ["started", "finished"]
    assert set(json.loads((whole.folder / "provenance.json").read_text())["inputs"]) == {"flows.csv", "zones.csv"}


def test_the_configuration_that_is_kept_is_the_run(whole, folder):
    tables = read_toml(whole.folder / "config.toml")
    assert set(tables) == {"run", "flows", "zones", "model", "fit", "compare", "draws", "runtime"}
    tables["run"]["name"] = "again"
    del tables["compare"]
    again = flow_runs.run(tables, folder)
    pd.testing.assert_frame_equal(again.parameters, whole.parameters, rtol=1e-9)
    pd.testing.assert_frame_equal(again.table("draws.parquet"), whole.table("draws.parquet"))


def test_names_of_parameters(constrained):
    constraint, done = constrained
    table = done.parameters
    fitted = [name for name in NAMES if name not in ABSORBED[constraint]]
    first = ["const"] if constraint == "unconstrained" else []
    assert list(table.index[table["status"] == "fitted"]) == first + fitted
    assert set(table.index[table["status"] == "absorbed"]) == ABSORBED[constraint]
    assert (table.loc[fitted, "interval_lower"] < table.loc[fitted, "estimate"]).all()


def test_the_truth_is_found(constrained):
    _, done = constrained
    table = done.parameters.query("status == 'fitted'")
    truth = {"ln_distance": flow_country.SLOPE, "pair:border": flow_country.BORDER, "origin:ln:population": 1.0}
    truth |= {"destination:ln:population": flow_country.MASS}
    for name, value in truth.items():
        if name in table.index:
            assert abs(table.loc[name, "estimate"] - value) < 4 * table.loc[name, "se"], name


def test_people_add_up(constrained):
    constraint, done = constrained
    flows, truth = done.table("flows.parquet"), flow_country.flows()
    assert done.metrics["movers"] == flows["observed"].sum() == truth["people"].sum()
    assert done.metrics["pairs"] == len(flows) == 72
    np.testing.assert_allclose(flows["residual"], flows["observed"] - flows["fitted"], atol=1e-9)
    assert flows["fitted"].sum() == pytest.approx(flows["observed"].sum(), rel=1e-9)
    for side, held in (("origin", ("production", "doubly")), ("destination", ("attraction", "doubly"))):
        sums = flows.groupby(side, observed=True)[["observed", "fitted"]].sum()
        far = np.abs(sums["fitted"] / sums["observed"] - 1).max()
        assert far < 1e-9 if constraint in held else far > 1e-3


def test_local_fits_are_those_of_each_origin_alone(whole):
    table = whole.table("local.csv").set_index(["zone", "name"])
    assert (table["status"] == "fitted").all()
    flows = flow_country.flows().merge(flow_country.zones(), left_on="to", right_on="id")
    for zone in ("A", "G"):
        own = flows[flows["from"] == zone]
        masses = [np.ones(len(own)), np.log(own["population"]), np.log(own["km"]), own["border"]]
        columns = np.column_stack(masses).astype(float)
        end = dense_poisson.iterates(own["people"].to_numpy(float), columns, 30)[-1]
        names = ["const", "destination:ln:population", "ln_distance", "pair:border"]
        np.testing.assert_allclose(table.loc[zone].loc[names, "estimate"], end.coefficients, rtol=1e-7)
        errors = np.sqrt(np.diag(dense_poisson.covariance(columns, end.mean)))
        np.testing.assert_allclose(table.loc[zone].loc[names, "se"], errors, rtol=1e-6)


def test_the_law_that_made_the_flows_wins(whole):
    table = whole.table("laws.csv")
    assert table["law"].tolist() == ["power", "exponential"]
    assert (table["verdict"] == "converged").all()
    assert table["deviance"].is_monotonic_increasing
    assert table["held_out_deviance"].is_monotonic_increasing
    best = table.set_index("law").loc["power"]
    assert best["deviance"] == pytest.approx(whole.metrics["deviance"], rel=1e-9)
    assert 5 < best["held_out_pairs"] < 30


def test_what_is_held_of_one_law_is_not_held_of_others(folder):
    tables = flow_country.config("held", held={"ln_distance": -1.3, "pair:border": -0.7}) | {
        "compare": {"laws": ["exponential", "power"]}
    }
    done = flow_runs.run(tables, folder)
    assert done.table("laws.csv").set_index("law")["parameters"].to_dict() == {"power": 0, "exponential": 1}
    assert done.parameters.loc[["ln_distance", "pair:border"], "status"].eq("fixed").all()
    np.testing.assert_allclose(done.metrics["margin_error"], 0, atol=1e-10)


def test_draws_keep_what_leaves_each_origin(whole):
    draws, observed = whole.table("draws.parquet"), flow_country.flows().groupby("from")["people"].sum()
    assert draws["flow"].dtype == np.int64
    sums = draws.groupby(["draw", "origin"], observed=True)["flow"].sum()
    for number in (0, 1):
        assert sums[number].to_dict() == observed.to_dict()
    first, second = (draws[draws["draw"] == number].reset_index(drop=True)["flow"] for number in (0, 1))
    assert not first.equals(second)


def test_a_setting_overrides_one_value(folder):
    done = flow_runs.run(flow_country.config("set"), folder, "model.law=exponential", "fit.se=two_way")
    assert "distance" in done.parameters.index
    assert (done.metrics["law"], done.metrics["se"]) == ("exponential", "two_way")


def test_a_law_of_ones_own(folder):
    """exp(−d / scale) is the exponential law by another name."""
    own = flow_runs.run(flow_country.config("own", law={"file": "law.py", "function": "decay"}), folder)
    known = flow_runs.run(flow_country.config("known", law="exponential"), folder)
    assert own.status == known.status == 0
    assert 1 / own.parameters.loc["scale", "estimate"] == pytest.approx(
        -known.parameters.loc["distance", "estimate"], rel=1e-8
    )
    assert own.metrics["deviance"] == pytest.approx(known.metrics["deviance"], rel=1e-9)
    relative = own.parameters.loc["scale", "se"] / own.parameters.loc["scale", "estimate"]
    assert relative == pytest.approx(
        -known.parameters.loc["distance", "se"] / known.parameters.loc["distance", "estimate"], rel=1e-6
    )


def test_a_zone_that_nobody_leaves_or_reaches_needs_no_logarithm(folder):
    table, zones = flow_country.flows(), flow_country.zones()
    table[(table["from"] != "I") & (table["to"] != "I")].to_csv(folder / "eight.csv", index=False)
    zones.assign(population=zones["population"].where(zones["id"] != "I", 0)).to_csv(folder / "empty.csv", index=False)
    runs = {}
    for file in ("zones.csv", "empty.csv"):
        tables = flow_country.config(file.removesuffix(".csv"), "unconstrained")
        tables["flows"]["file"], tables["zones"]["file"] = "eight.csv", file
        runs[file] = flow_runs.run(tables, folder, "fit.local=origin")
    whole, empty = runs.values()
    pd.testing.assert_frame_equal(empty.parameters, whole.parameters, rtol=1e-9)
    assert empty.metrics["pairs"] == 56
    pd.testing.assert_frame_equal(empty.table("local.csv"), whole.table("local.csv"), rtol=1e-9)
    status = empty.table("local.csv").set_index("zone")["status"]
    assert set(status["I"]) == {"not_identified"}
    assert set(status.drop(index="I")) == {"fitted"}


def test_bootstrap_standard_errors_are_near_the_clustered_ones(folder):
    settings = ["fit.se=bootstrap", "fit.bootstrap=60"]
    drawn = flow_runs.run(flow_country.config("bootstrap", "production"), folder, *settings)
    again = flow_runs.run(flow_country.config("bootstrap_again", "production"), folder, *settings)
    clustered = flow_runs.run(flow_country.config("clustered", "production"), folder, "fit.se=cluster_origin")
    pd.testing.assert_series_equal(drawn.parameters["se"], again.parameters["se"])
    fitted = drawn.parameters["status"] == "fitted"
    ratio = drawn.parameters["se"][fitted] / clustered.parameters["se"][fitted]
    assert ratio.between(0.5, 2.5).all()
    pd.testing.assert_series_equal(drawn.parameters["estimate"], clustered.parameters["estimate"])


def test_a_law_without_parameters(folder):
    """Radiation under a constraint: nothing is fitted but effects, and no kind of standard error minds."""
    tables = flow_country.config("radiation", "production", "radiation", opportunities="population")
    tables["model"] |= {"destination_mass": [], "pair": []}
    tables["flows"]["distance"] = "haversine"
    done = flow_runs.run(tables, folder, "fit.se=two_way")
    assert done.status == 0
    assert not (done.parameters["status"] == "fitted").any()
    assert done.metrics["margin_error"] < 1e-10


def test_exit_5_still_writes_what_there_is(folder, command):
    tables = flow_country.config("early", "production")
    (folder / "early.toml").write_text(tomli_w.dumps(tables))
    done = command("early.toml", "--set", "fit.most_steps=1", "--out", "early")
    assert done.returncode == 5, done.stderr
    early = flow_runs.Run(5, folder / "early")
    assert early.metrics["verdict"] == "max_steps"
    assert {"parameters.csv", "flows.parquet"} <= {path.name for path in early.folder.iterdir()}


@pytest.mark.usefixtures("whole")
def test_a_wrong_key_exits_with_2_and_names_the_nearest(folder, command):
    done = command("whole.toml", "--set", "model.constrant=doubly", "--out", "wrong")
    assert done.returncode == 2
    assert "model.constrant: unknown key, perhaps constraint" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("whole")
def test_bad_data_exit_with_3_and_leave_a_list(folder, command):
    rows = (folder / "flows.csv").read_text().splitlines()
    rows[1] = rows[1].replace("A,B,", "A,B,-")
    (folder / "negative.csv").write_text("\n".join(rows))
    done = command("whole.toml", "--set", "flows.file=negative.csv", "--out", "negative")
    assert done.returncode == 3
    assert "E-OD-FLOW" in done.stderr
    assert "Traceback" not in done.stderr
    issues = pd.read_csv(folder / "negative/issues.csv")
    assert issues.loc[issues["severity"] == "error", ["code", "line"]].to_numpy().tolist() == [["E-OD-FLOW", 2]]
