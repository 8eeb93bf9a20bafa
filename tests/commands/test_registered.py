"""A fit with registration by the command, on a small world: its files, and accounts that close."""

import json

import pandas as pd
import preloaded
import pytest
import quick
import stock_tables
import tomli_w

from flowmodel.zones import table as store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run folder of a fit of `stock_tables`."""
    folder = tmp_path_factory.mktemp("registered")
    store.write(stock_tables.table().data, folder / "zones.nc")
    (folder / "fit.toml").write_text(tomli_w.dumps(stock_tables.settings()))
    with preloaded.Preloaded(preloaded.MODEL, quick.ENVIRONMENT) as commands:
        done = commands.run("fit", "fit.toml", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "small"


def test_it_converges_and_counts_the_bands(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["verdict"] == "converged"
    assert "growth_only" not in metrics["flags"]
    assert set(metrics["targets"]) > {"growth", *stock_tables.BANDS}


def test_accounts_of_residents_and_of_registered_people_close(run):
    residents = pd.read_csv(run / "accounts.csv", dtype={"zone": str})
    balance = residents.opening + residents.births - residents.deaths + residents.inflow - residents.outflow
    assert (balance - residents.closing).abs().max() < 1e-3
    people = pd.read_csv(run / "registered.csv", dtype={"zone": str})
    balance = people.opening + people.births - people.deaths + people.converted_in - people.converted_out
    assert (balance - people.closing).abs().max() < 1e-3
    assert residents.births.sum() == pytest.approx(people.births.sum(), rel=1e-9)
