"""What scripts/fit_flows.py says of models and tables that cannot be fitted."""

import flow_country
import flow_runs
import pytest

from flowmodel.errors import ConfigError, FlowsError
from geo.errors import DataError

pytestmark = pytest.mark.usefixtures("compiled_quickly")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Nine zones, their flows, and a law in a Python file."""
    made = tmp_path_factory.mktemp("mistakes")
    flow_country.write(made)
    return made


def test_what_an_absent_pair_means_must_be_said(folder):
    tables = flow_country.config("silent")
    del tables["flows"]["absent_pairs"]
    with pytest.raises(ConfigError, match="it changes the answer"):
        flow_runs.run(tables, folder)


def _changed(folder, name, change):
    """A configuration of the same flows after `change`."""
    table = flow_country.flows()
    change(table)
    table.to_csv(folder / f"{name}.csv", index=False)
    tables = flow_country.config(name)
    tables["flows"]["file"] = f"{name}.csv"
    return tables


def test_a_distance_of_zero_has_no_logarithm(folder):
    def change(table):
        table.loc[[0, 9], "km"] = 0.0

    with pytest.raises(FlowsError, match="E-LAW-DOMAIN .* 2 pairs: A → B \\(.*csv:2\\), B → C \\(.*csv:11\\)"):
        flow_runs.run(_changed(folder, "touching", change), folder)


def test_columns_that_cannot_be_told_apart_are_named(folder):
    with pytest.raises(FlowsError, match="E-MODEL-COLLINEAR .*pair:border.*pair:twice"):
        flow_runs.run(flow_country.config("twice", pair=["border", "twice"]), folder)


def test_a_table_without_people(folder):
    def change(table):
        table["people"] = 0

    with pytest.raises((FlowsError, DataError), match="E-FLOWS-NONE"):
        flow_runs.run(_changed(folder, "nobody", change), folder)


def test_a_column_that_is_not_there(folder):
    with pytest.raises(DataError, match="E-COL-MISSING .*bordr.*border"):
        flow_runs.run(flow_country.config("misspelt", pair=["bordr"]), folder)


def test_the_file_of_a_law_is_not_there(folder):
    with pytest.raises(ConfigError, match="E-LAW-FILE"):
        flow_runs.run(flow_country.config("lawless", law={"file": "no.py", "function": "decay"}), folder)


def test_only_coefficients_that_there_are_can_be_held(folder):
    for name in ("ln_distnce", "origin:ln:population"):
        with pytest.raises(ConfigError, match=f"E-MODEL-HELD .* {name}; fix: hold some of ln_distance, pair:border"):
            flow_runs.run(flow_country.config("unheld", held={name: 1.0}), folder)


def test_a_law_that_cannot_be_traced_is_told_with_its_file(folder):
    for name, text, said in (
        ("if", "def f(km, s=1.0):\n    return -km if km > 3 else -s", "f in wrong_if.py: TracerBoolConversionError"),
        ("import", "import nothing_of_the_kind", "wrong_import.py: ModuleNotFoundError"),
    ):
        (folder / f"wrong_{name}.py").write_text(text)
        law = {"file": f"wrong_{name}.py", "function": "f"}
        with pytest.raises(ConfigError, match=f"E-LAW-FILE {said}"):
            flow_runs.run(flow_country.config(f"law-{name}", law=law), folder)
