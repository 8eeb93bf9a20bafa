"""The flow tables that the project has configurations for: American counties, censored, and the provinces of China."""

import flow_runs
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from checkout import CONFIGS

from flowmodel.config import read_toml
from flowmodel.interaction.model.table import Censoring
from flowmodel.runs import flows as _flows

pytestmark = pytest.mark.usefixtures("compiled_quickly")

NEW_ENGLAND = ("09", "25", "44")
"""Connecticut, Massachusetts, Rhode Island: 27 counties; two in three of their pairs are listed."""


def _config(name):
    return read_toml(CONFIGS / f"{name}.toml")


@pytest.fixture(scope="module")
def counties(data_dir, tmp_path_factory):
    """A folder with the flows and the counties of three states, in files of the same names as the whole."""
    folder, source = tmp_path_factory.mktemp("counties"), data_dir / "flows" / "us_2005_2006"
    zones = pd.read_csv(source / "counties_2005_2006.csv", dtype={"geoid": str})
    zones = zones[zones["geoid"].str[:2].isin(NEW_ENGLAND)]
    flows = pd.read_parquet(source / "od_2005_2006.parquet")
    zones.to_csv(folder / "counties_2005_2006.csv", index=False)
    inside = flows["orig"].isin(zones["geoid"]) & flows["dest"].isin(zones["geoid"])
    flows[inside].to_parquet(folder / "od_2005_2006.parquet")
    return folder


@pytest.fixture(scope="module")
def runs(counties):
    """The three meanings of an absent pair, and that only listed ones count."""
    found = {}
    for name, absent in {
        "zero": "zero",
        "missing": "missing",
        "censored": {"below": 10},
        "truncated": {"below": 10, "likelihood": "truncated"},
    }.items():
        tables = _config("flows_us_2005_2006")
        tables["run"]["name"] = name
        tables["flows"] |= {"file": "od_2005_2006.parquet", "absent_pairs": absent}
        tables["zones"] |= {"file": "counties_2005_2006.csv", "exclude": []}
        tables["model"]["constraint"] = "doubly"
        del tables["compare"]
        found[name] = flow_runs.run(tables, counties)
    return found


def test_what_an_absent_pair_means_changes_the_answer(runs):
    """Zeros say too little of far pairs; listed pairs alone too much, for of far ones only the large are listed."""
    assert {name: done.status for name, done in runs.items()} == dict.fromkeys(runs, 0)
    slope = {name: done.parameters.loc["ln_distance", "estimate"] for name, done in runs.items()}
    error = max(done.parameters.loc["ln_distance", "se"] for done in runs.values())
    assert slope["zero"] < slope["censored"] - 3 * error
    assert slope["censored"] + 3 * error < slope["truncated"] < slope["missing"]
    told = {name: (done.metrics["flags"], done.metrics["pairs"]) for name, done in runs.items()}
    scattered = "overdispersed"
    assert told == {
        "zero": ([scattered], 702),
        "missing": ([scattered], 479),
        "censored": ([scattered, "censored"], 702),
        "truncated": ([scattered, "truncated"], 479),
    }


def test_unlisted_pairs_count_as_what_is_expected_below_the_threshold(runs):
    """The margins of a censored fit: those of the listed flows, and of E[Y | Y < 10] of the others (SciPy)."""
    flows = runs["censored"].table("flows.parquet")
    unlisted = flows["observed"].isna()
    assert (len(flows), unlisted.sum()) == (702, 223)
    mean = flows["fitted"][unlisted]
    below = mean * scipy.stats.poisson.cdf(8, mean) / scipy.stats.poisson.cdf(9, mean)
    flows["expected"] = flows["observed"].fillna(below)
    assert flows["observed"].min() == 10
    assert flows.loc[unlisted, "expected"].max() < 10
    for side in ("origin", "destination"):
        sums = flows.groupby(side, observed=True)[["expected", "fitted"]].sum()
        np.testing.assert_allclose(sums["fitted"], sums["expected"], rtol=1e-9)


def test_pairs_that_are_missing_have_no_row(runs):
    flows = runs["missing"].table("flows.parquet")
    assert len(flows) == 479
    assert flows["observed"].notna().all()


def test_all_counties_are_read(data_dir, tmp_path):
    data = flow_runs.read(_config("flows_us_2005_2006"), tmp_path)
    request = flow_runs.asked(_config("flows_us_2005_2006"), tmp_path)
    model = _flows.specification(data, request)
    assert data.flow.shape == (3106, 3106)
    assert (data.listed.sum(), data.allowed.sum()) == (83_340, 3098 * 3097)
    assert model.censoring == Censoring(10, 1.0, "censored")
    assert data.distance_km is not None
    assert data.distance_km[data.allowed].min() > 0


def test_provinces_of_china(data_dir, tmp_path):
    tables = _config("flows_interprovincial_2010")
    laws = tables.pop("compare")["laws"]
    done = flow_runs.run(tables, tmp_path)
    assert done.status == 0
    scores = done.metrics
    assert (scores["movers"], scores["pairs"], scores["separated_pairs"]) == (10_230_691, 930, 0)
    assert -1.8 < done.parameters.loc["ln_distance", "estimate"] < -1.2
    assert scores["cpc"] > 0.75
    effects = done.table("effects.csv").set_index(["side", "zone"])["effect"]
    assert effects["destination"].idxmax() == "44"  # Guangdong
    assert effects["origin"].idxmax() == "51"  # Sichuan
    assert set(effects["origin"].nsmallest(4).index) == {"11", "12", "31", "54"}  # the three cities, and Tibet
    assert "power" in laws
