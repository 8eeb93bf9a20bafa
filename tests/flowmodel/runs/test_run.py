"""The Python API on a small country: flows and gradients of a finished run agree with its accounts and differences."""

from collections.abc import Callable
from pathlib import Path

import children_tables
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import flowmodel
from flowmodel import Run
from flowmodel.errors import ConfigError

STOCK = {"strictness": {"1e5": 0.5, "4e5": 1}}
KINDS = {
    "residents": {},
    "factored": {"stock": STOCK | {"path": "factored"}},
    "pairwise": {"stock": STOCK | {"path": "pairwise"}},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """A finished run of each kind, read again from its folder."""
    runs: dict[str, Run] = {}

    def of(kind: str) -> Run:
        if kind not in runs:
            model, runtime = {"years": [2010, 2020]} | KINDS[kind], {"kernel": "float64"}
            request = flowmodel.read_config({"run": {"name": kind}, "model": model, "runtime": runtime})
            out = tmp_path_factory.mktemp("runs") / kind
            flowmodel.simulate(request, zones=children_tables.table(), out=out)
            runs[kind] = flowmodel.load_run(out)
        return runs[kind]

    return of


@pytest.mark.parametrize("kind", KINDS)
def test_flows_of_a_year_sum_to_its_accounts(finished, kind):
    run = finished(kind)
    year = run.model.years[0] + 3
    matrix = run.flow_matrix(year)
    accounts = run.accounts[run.accounts["year"] == year].groupby("zone")[["inflow", "outflow"]].sum()
    accounts = accounts.loc[matrix.index.astype(str)]
    np.testing.assert_allclose(matrix.sum(axis=1), accounts["outflow"], rtol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=0), accounts["inflow"], rtol=1e-9)
    assert (np.diag(matrix) == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_is_the_slope_between_two_runs(finished, kind):
    run = finished(kind)
    names = [entry.name for entry in run.model.registry.free]
    zone, at = str(run.zones.codes[4]), names.index("departure_level")
    step = jnp.zeros(len(names)).at[at].set(1e-3)
    up, down = (run.model.residents(run.estimates + sign * step)[4] for sign in (1, -1))
    assert run.gradient(zone, "departure_level") == pytest.approx(float(up - down) / 2e-3, rel=1e-4)
    assert run.gradient(lambda residents: residents[4], "departure_level") == run.gradient(zone, "departure_level")


def test_flows_are_listed_from_the_largest(finished):
    run = finished("residents")
    year, province = run.model.years[1], str(run.zones.values("province")[0])
    whole, top = run.flow_matrix(year), run.flows(year, top=5)
    largest = np.sort(whole.to_numpy().ravel())[::-1][:5]
    assert top["flow"].tolist() == largest.tolist()
    block = run.flows(year, origins=province, top=None)
    inside = run.zones.codes[run.zones.values("province").astype(str) == province]
    assert set(block["origin"]) <= set(inside)
    assert block["flow"].sum() == pytest.approx(whole.loc[inside].to_numpy().sum(), rel=1e-12)
    assert whole.loc[top["origin"][0], top["destination"][0]] == top["flow"][0]


def test_a_run_gives_its_tables_with_units(finished):
    run = finished("residents")
    assert isinstance(run.parameters, pd.DataFrame)
    assert {"name", "estimate", "unit", "source"} <= set(run.parameters.columns)
    assert {variable.attrs["units"] for variable in run.results.data_vars.values()} == {"persons", "persons per year"}
    ends = run.accounts.groupby("year")["closing"].sum()
    fitted = run.results["population"].sum("zone").to_series()
    np.testing.assert_allclose(ends, fitted[ends.index], rtol=1e-12)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda run: run.flows(run.model.years[0]), "E-RUN-YEAR"),
        (lambda run: run.flows(run.model.years[1], "999999"), "E-RUN-ZONE"),
        (lambda run: run.gradient("999999", "mass"), "E-RUN-ZONE"),
        (lambda run: run.gradient(str(run.zones.codes[0]), "offset_km"), "E-RUN-PARAMETER"),
        (lambda run: run.metrics, "E-RUN"),
    ],
)
def test_what_a_run_does_not_have_is_refused(finished, ask, code):
    with pytest.raises(ConfigError, match=code):
        ask(finished("residents"))


def test_a_folder_without_a_run_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"E-RUN .*holds no config.toml"):
        flowmodel.load_run(tmp_path)
