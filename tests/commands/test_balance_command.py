"""scripts/balance_flows.py as a person runs it: exit codes, files, flows that have their totals, zones in errors."""

import csv
import json
import subprocess
import sys

import balance_flows
import numpy as np
import pandas as pd
import pytest
import quick
import tomli_w
from checkout import ROOT
from textbook_totals import fitted

from flowmodel.config import read_toml
from flowmodel.errors import ConfigError, FlowsError, NotConvergedError, NumericError
from flowmodel.interaction.totals import Totals
from flowmodel.results import totals as balance_results
from geo.errors import DataError

pytestmark = pytest.mark.usefixtures("compiled_quickly")

ZONES = "ABCD"
# guyabel/migest, page of net_matrix_entropy (GPL-3): prior, net migration and flows as printed there.
PRIOR = np.array([[0, 100, 30, 70], [50, 0, 45, 5], [60, 35, 0, 40], [20, 25, 20, 0]])
NET = [30, 40, -15, -55]
PRINTED = [[0, 80.58, 26.05, 34.78], [62.05, 0, 48.48, 3.08], [69.11, 32.48, 0, 22.89], [40.25, 40.55, 34.95, 0]]
OUT, IN = [250, 100, 140, 110], [150, 150, 180, 120]
GROUP = "wwee"
FILES = {"config.toml", "provenance.json", "log.jsonl", "issues.csv", "metrics.json", ".lock", ".files"}
FILES |= {"flows.parquet", "totals.csv"}


@pytest.fixture
def folder(tmp_path):
    """The prior as a long table without its zeros, and as a matrix."""
    pairs = [(ZONES[o], ZONES[d], PRIOR[o, d]) for o, d in np.argwhere(PRIOR)]
    write(tmp_path / "flows.csv", [("from", "to", "people"), *pairs])
    write(tmp_path / "matrix.csv", [("", *ZONES), *((zone, *row) for zone, row in zip(ZONES, PRIOR, strict=True))])
    return tmp_path


def write(file, rows):
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)


def prepare(folder, blocks=(), **columns):
    """A configuration whose totals are these columns; None is a cell left blank."""
    rows = list(zip(ZONES, *({"group": GROUP} | columns).values(), strict=True))
    write(folder / "zones.csv", [("code", "group", *columns), *rows])
    totals = {"file": "zones.csv", "id": "code"} | {kind: kind for kind in columns}
    if blocks:
        write(folder / "blocks.csv", [("from", "to", "persons"), *blocks])
        block = {"file": "blocks.csv", "origin": "from", "destination": "to", "flow": "persons"}
        totals |= {"group": "group", "block": block}
    flows = {"file": "flows.csv", "origin": "from", "destination": "to", "flow": "people", "absent_pairs": "zero"}
    return {"run": {"name": "balance"}, "flows": flows, "totals": totals}


def run(tables, folder, *settings):
    """The command in this process; the run folder."""
    file, out = folder / "balance.toml", folder / "runs/balance"
    file.write_text(tomli_w.dumps(tables))
    balance_flows.balance_flows(file, settings, out)
    return out


def command(tables, folder):
    (folder / "balance.toml").write_text(tomli_w.dumps(tables))
    line = [sys.executable, str(ROOT / "scripts/balance_flows.py"), "balance.toml"]
    return subprocess.run(
        line, cwd=folder, env=quick.ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )


def table(out):
    """The flows of a run as a matrix, which has none beside those of its rows."""
    rows = pd.read_parquet(out / "flows.parquet").astype({"origin": str, "destination": str})
    wide = rows.pivot_table(index="origin", columns="destination", values="flow", aggfunc="sum", fill_value=0.0)
    return wide.reindex(index=list(ZONES), columns=list(ZONES), fill_value=0.0).to_numpy()


def rows_of(out, kind):
    found = pd.read_csv(out / "totals.csv", keep_default_na=False)
    return found[found["kind"] == kind].set_index("zone")


def test_net_migration_alone_is_the_published_example(folder):
    done = command(prepare(folder, net=NET), folder)
    assert done.returncode == 0, done.stderr
    assert "verdict: converged" in done.stdout
    out = folder / "runs/balance"
    assert {path.name for path in out.iterdir()} == FILES
    np.testing.assert_allclose(table(out), PRINTED, rtol=0, atol=0.005)
    flows = pd.read_parquet(out / "flows.parquet")
    assert list(flows.columns) == ["origin", "destination", "prior", "flow"]
    assert flows["prior"].tolist() == PRIOR[PRIOR > 0].tolist()
    totals = rows_of(out, "net")
    assert totals["wanted"].to_dict() == dict(zip(ZONES, NET, strict=True))
    np.testing.assert_allclose(totals["found"], table(out).sum(0) - table(out).sum(1), atol=1e-12)
    factor = np.exp(totals["potential"].to_numpy())
    np.testing.assert_allclose(table(out), PRIOR * factor[:, None] / factor, rtol=1e-12)
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["verdict"], metrics["flags"], metrics["zones"], metrics["pairs"]) == ("converged", [], 4, 12)
    assert metrics["largest_residual"] == totals["residual"].max() < 1e-10
    assert metrics["flow"] == pytest.approx(table(out).sum(), rel=1e-14)
    assert set(metrics["seconds"]) == {"read", "compile", "solve", "total"}
    inputs = json.loads((out / "provenance.json").read_text())["inputs"]
    assert set(inputs) == {"flows.csv", "zones.csv"}


def test_a_matrix_is_the_same_prior(folder):
    tables = prepare(folder, net=NET)
    tables["flows"] = {"file": "matrix.csv", "layout": "matrix"}
    np.testing.assert_allclose(table(run(tables, folder)), PRINTED, rtol=0, atol=0.005)


def test_outflow_inflow_and_blocks(folder):
    blocks = [("w", "w", 120), ("w", "e", 230), ("e", "w", 180), ("e", "e", 70)]
    out = run(prepare(folder, blocks, outflow=OUT, inflow=IN), folder)
    group = np.array([0, 0, 1, 1])
    expected = fitted(PRIOR, Totals(OUT, IN, [[120, 230], [180, 70]], group, group))
    np.testing.assert_allclose(table(out), expected, rtol=1e-8)
    metrics = json.loads((out / "metrics.json").read_text())
    assert {kind: sums["wanted"] for kind, sums in metrics["totals"].items()} == dict.fromkeys(
        ("outflow", "inflow", "block"), 600.0
    )
    assert metrics["largest_error"] < 1e-7
    assert rows_of(out, "block")[["to", "wanted"]].to_numpy().tolist() == [list(row[1:]) for row in blocks]
    np.testing.assert_allclose(rows_of(out, "outflow")["found"], OUT, rtol=1e-10)


def test_a_blank_cell_and_a_block_that_is_not_listed_are_not_given(folder):
    tables = prepare(folder, [("e", "w", 150)], outflow=[250, None, 140, None], net=[None, 40, None, -55])
    out = run(tables, folder)
    nan, group = np.nan, np.array([0, 0, 1, 1])
    asked = Totals([250, nan, 140, nan], None, [[nan, nan], [150, nan]], group, group, [nan, 40, nan, -55])
    np.testing.assert_allclose(table(out), fitted(PRIOR, asked), rtol=1e-8)
    found = pd.read_csv(out / "totals.csv", keep_default_na=False)[["kind", "zone", "to"]].to_numpy().tolist()
    assert found == [
        ["outflow", "A", ""],
        ["outflow", "C", ""],
        ["block", "e", "w"],
        ["net", "B", ""],
        ["net", "D", ""],
    ]


def test_flows_within_a_zone_count_where_they_are_asked_for(folder):
    write(folder / "flows.csv", [("from", "to", "people"), *((o, d, 1) for o in ZONES for d in ZONES)])
    tables = prepare(folder, outflow=OUT)
    without = table(run(tables, folder))
    np.testing.assert_allclose(without, np.where(np.eye(4), 0, np.array(OUT)[:, None] / 3), rtol=1e-9)
    tables["flows"]["intrazonal"] = True
    np.testing.assert_allclose(table(run(tables, folder)), np.repeat(OUT, 4).reshape(4, 4) / 4, rtol=1e-9)


def test_pairs_that_are_left_nothing_are_listed_until_they_are_no_more(folder):
    """C goes to D alone and fills it, so nobody else can; the next run in the folder has no such pairs."""
    write(folder / "flows.csv", [("from", "to", "people"), *((a, b, 9) for a, b in ("AD", "AB", "CD", "DB", "BA"))])
    out = run(prepare(folder, outflow=[5, 7, 3, 4], inflow=[7, 9, 0, 3]), folder)
    lost = pd.read_csv(out / "vanishing.csv")
    assert lost.to_numpy().tolist() == [["A", "D", 9]]
    assert json.loads((out / "metrics.json").read_text())["flags"] == ["vanishing"]
    run(prepare(folder, outflow=[5, 7, 3, 4]), folder)
    assert not (out / "vanishing.csv").exists()


def test_totals_that_cannot_be_exit_with_3_and_name_the_zones(folder):
    write(folder / "flows.csv", [("from", "to", "people"), *((a, b, 9) for a, b in ("AB", "BA", "CD", "DC", "AC"))])
    done = command(prepare(folder, net=[2, 1, -1, -2]), folder)
    assert done.returncode == 3
    said = "E-TOTALS-IMPOSSIBLE no table on the prior's pairs has these totals: zones A, B have a net migration of 3"
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    out = folder / "runs/balance"
    assert not {path.name for path in out.iterdir()} & {"flows.parquet", "totals.csv", "metrics.json"}


DISAGREE = {
    "net sum": ({"net": [1, 2, 3, 4]}, "SUM", "net migration sums to 10"),
    "net of zones": ({"outflow": OUT, "inflow": IN, "net": [-100, 50, 41, 9]}, "SUM", "in zones C, D"),
    "more leave than there are": ({"outflow": [9, 1, 9, 9], "net": [None, -2, None, None]}, "SUM", "in zones B"),
    "blocks": ({"outflow": OUT, "blocks": [("w", "w", 120), ("w", "e", 231)]}, "SUM", "of groups w (351, 350)"),
    "no pair": ({"inflow": IN, "only": "ABC"}, "EMPTY", "without any pair with a positive prior: inflow D"),
    "no pair of a block": ({"blocks": [("w", "e", 1)], "only": "AB"}, "EMPTY", "block (w, e)"),
}


@pytest.mark.parametrize("name", DISAGREE)
def test_totals_that_disagree_name_zones_and_groups(folder, name):
    asked, code, said = DISAGREE[name]
    only = asked.get("only", ZONES)
    rows = [(o, d, 1) for o in only for d in only if o != d]
    write(folder / "flows.csv", [("from", "to", "people"), *rows])
    with pytest.raises(FlowsError) as caught:
        run(prepare(folder, **{key: value for key, value in asked.items() if key != "only"}), folder)
    assert (caught.value.code, caught.value.exit_status) == (f"E-TOTALS-{code}", 3)
    assert said in str(caught.value)


def test_rows_that_lack_somebody_are_not_written(folder, monkeypatch):
    whole = balance_results.flows
    monkeypatch.setattr(balance_results, "flows", lambda *arguments: whole(*arguments)[1:])
    with pytest.raises(NumericError, match="E-BALANCE-LOST"):
        run(prepare(folder, net=NET), folder)
    assert not (folder / "runs/balance/flows.parquet").exists()


def test_too_few_steps_exit_with_5_and_leave_no_flows(folder):
    tables = prepare(folder, net=NET) | {"solve": {"most_steps": 1}}
    with pytest.raises(NotConvergedError, match=r"the largest are net [ABCD]: ") as caught:
        run(tables, folder)
    assert caught.value.exit_status == 5
    out = folder / "runs/balance"
    assert json.loads((out / "metrics.json").read_text()) == {"verdict": "max_steps"}
    assert not (out / "flows.parquet").exists()
    assert (out / "provenance.json").exists()


def test_everything_that_is_wrong_in_a_configuration_is_one_message(folder):
    tables = prepare(folder, net=NET) | {"solv": {}, "solve": {"tolerance": 0.0}}
    tables["flows"] |= {"flows": "people", "absent_pairs": "missing"}
    tables["totals"]["nett"] = "net"
    with pytest.raises(ConfigError) as caught:
        run(tables, folder)
    assert caught.value.exit_status == 2
    for said in (
        "solv: unknown key, perhaps solve",
        "solve.tolerance: Input should be greater than 0",
        "flows.flows: unknown key, perhaps flow",
        "flows.absent_pairs: a prior has a number for every pair",
        "totals.nett: unknown key, perhaps net",
    ):
        assert said in str(caught.value)


REFUSED = {
    "censored": ("flows", {"absent_pairs": {"below": 10}}, "a prior has a number for every pair"),
    "unknown flows": ("flows", {"missing_values": ["-"]}, "it has no missing_values"),
    "distance": ("flows", {"distance": "people"}, "distance belongs to models that are fitted"),
    "nothing asked for": ("totals", {"net": None}, "name a total: outflow, inflow, net"),
    "groups without blocks": ("totals", {"group": "group"}, r"group and \[totals.block\] go together"),
    "no totals": (None, {"totals": None}, "totals is missing; fix: write"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_prior_and_its_totals_cannot_be(folder, name):
    section, change, said = REFUSED[name]
    tables = prepare(folder, net=NET)
    where = tables[section] if section else tables
    where |= change
    for key in [key for key, value in where.items() if value is None]:
        del where[key]
    with pytest.raises(ConfigError, match=said):
        run(tables, folder)


def test_what_is_wrong_with_the_files_is_told_at_once(folder):
    tables = prepare(folder, [("w", "north", 1)], outflow=[250, -1, 140, "x"])
    write(folder / "flows.csv", [("from", "to", "people"), ("A", "E", 3), ("A", "B", -3)])
    with pytest.raises(DataError) as caught:
        run(tables, folder)
    assert caught.value.exit_status == 3
    issues = pd.read_csv(folder / "runs/balance/issues.csv")
    errors = issues[issues["severity"] == "error"]
    assert sorted(errors["code"]) == ["E-NUM", "E-OD-FLOW", "E-OD-GROUP", "E-OD-TOTAL", "E-OD-ZONE-UNKNOWN"]


def test_the_shipped_example(data_dir, tmp_path):
    """Margins of 2010 on the pattern of 2000 come nearer to the pairs of 2010 than the pattern alone."""
    out = tmp_path / "run"
    balance_flows.balance_flows(ROOT / "configs/balance_interprovincial_2010.toml", (), out)
    flows = pd.read_parquet(out / "flows.parquet").astype({"origin": str, "destination": str})
    source = data_dir / "china/interprovincial/od_long.csv"
    counted = pd.read_csv(source, dtype={"orig_prov": str, "dest_prov": str})
    both = flows.merge(counted, left_on=["origin", "destination"], right_on=["orig_prov", "dest_prov"])
    assert len(both) == 930
    for side in ("origin", "destination"):
        sums = both.groupby(side)[["flow", "stock2010_sample"]].sum()
        np.testing.assert_allclose(sums["flow"], sums["stock2010_sample"], rtol=1e-10)
    there = both["stock2010_sample"].to_numpy(float)
    shared = {name: _shared(both[name].to_numpy(float), there) for name in ("flow", "prior")}
    assert shared["flow"] == pytest.approx(0.92, abs=0.005)
    assert shared["prior"] == pytest.approx(0.78, abs=0.005)


def _shared(flow, counted):
    """Share of people in the right pair, with as many in all."""
    return np.minimum(flow / flow.sum(), counted / counted.sum()).sum()


def test_the_configuration_that_is_kept_is_the_run(folder):
    out = run(prepare(folder, outflow=OUT, inflow=IN), folder)
    first = table(out)
    tables = read_toml(out / "config.toml")
    assert set(tables) == {"run", "flows", "totals", "solve", "runtime"}
    np.testing.assert_array_equal(table(run(tables, folder)), first)
