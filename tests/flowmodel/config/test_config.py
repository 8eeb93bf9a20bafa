"""Configuration: every mistake is named with its key, and the nearest right one."""

import copy
import tomllib
from pathlib import Path

import pytest

import geo
from flowmodel import config
from flowmodel.config.paths import CHECKOUT, located
from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.request import Request, read_config
from flowmodel.runs.zones import obtain

GOOD = {"run": {"name": "x"}, "zones": {"file": "zones.nc"}, "model": {"years": [2010, 2020]}}


def changed(assignment: str) -> dict:
    tables = copy.deepcopy(GOOD)
    config.override(tables, assignment)
    return tables


def test_defaults_are_filled_and_values_typed():
    parsed = config.typed(config.Config, changed("fit.adam_rate=1e-3"), "x.toml")
    assert parsed.fit.adam_rate == 0.001
    assert parsed.fit.degrees_of_freedom == 4.0
    assert parsed.model.years == (2010, 2020)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("fit.adam_step=5", "fit.adam_step: unknown key, perhaps adam_steps"),
        ("fit.adam_rate=nan", "fit.adam_rate"),
        ("fit.adam_rate=2", "less than or equal to 1"),
        ("model.years=[2020, 2010]", "the last must come 1 to 200 years after the first"),
        ("run.name='../up'", "run.name"),
        ("run.seed=-1", "run.seed"),
        ("runtime.kernel='float16'", "runtime.kernel"),
        ("model.natural.birth_path={2010 = -1.0}", "birth_path"),
        ("fit.targets=['bands']", "fit.targets"),
        ("fit.targets=[]", "fit.targets"),
        ("fit.priors=yes", "fit.priors"),
        ("fit.adam_steps='5'", "fit.adam_steps"),
        ("run.name='..'", "run.name"),
        ("model.attraction=['a', 'a']", "a name is given twice"),
        ("export.crs='x'", "export: unknown key"),
        ("parameters.mass.prior_sd=0", "parameters.mass.prior_sd"),
        ("parameters.mass.fixd=0", "parameters.mass.fixd: unknown key, perhaps fixed"),
        ("model.natural.birth_paths={}", "model.natural.birth_paths: unknown key, perhaps birth_path"),
    ],
)
def test_wrong_values_are_named(assignment, said):
    with pytest.raises(ConfigError) as refused:
        config.typed(config.Config, changed(assignment), "x.toml")
    assert said in str(refused.value)
    assert "x.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("source", "assignment", "said"),
    [
        ("panel", "position.rastr='people'", "zones.position.rastr: unknown key, perhaps raster"),
        ("panel", "rasters.people.bands=1", "zones.rasters.people.bands: unknown key, perhaps band"),
        ("panel", "population.2010.published.totals=1", "2010.published.totals: unknown key, perhaps total"),
        ("panel", "harmonise.codes='x'", "zones.harmonise: unknown key"),
        ("harmonised", "harmonise.decision='x'", "zones.harmonise.decision: unknown key, perhaps decisions"),
        ("harmonised", "census.2010.adaptor='x'", "zones.census.2010.adaptor: unknown key, perhaps adapter"),
        ("harmonised", "covariates.age.selects=[]", "zones.covariates.age.selects: unknown key, perhaps select"),
        ("builtin", "county=300", "zones.county: unknown key, perhaps counties"),
    ],
)
def test_keys_of_a_source_are_compared_with_its_own(tmp_path, source, assignment, said):
    zones = {"source": source}
    config.override(zones, assignment)
    asked = Request(config.typed(config.Config, GOOD | {"zones": zones}, "x.toml"), {}, tmp_path, "x.toml")
    with pytest.raises(ConfigError) as refused:
        obtain(asked, RunFolder(tmp_path), geo.Maps())
    problems = str(refused.value).removeprefix("E-CONFIG-KEY x.toml: ").partition("; fix: ")[0].split("; ")
    assert any(problem.endswith(said) for problem in problems)
    assert max(map(len, problems)) < 200


def test_all_mistakes_are_reported_at_once():
    tables = changed("fit.adam_rate=2")
    config.override(tables, "run.seed=-1")
    with pytest.raises(ConfigError, match=r"run\.seed.*fit\.adam_rate|fit\.adam_rate.*run\.seed"):
        config.typed(config.Config, tables, "x.toml")


@pytest.mark.parametrize("assignment", ["fit", "=3", "fit..x=1", "run.name.x=1"])
def test_malformed_settings_are_refused(assignment):
    with pytest.raises(ConfigError, match="E-CONFIG-SET"):
        changed(assignment)


def test_a_file_that_is_no_toml_gives_its_line(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text("[run]\nname = x\n")
    with pytest.raises(ConfigError, match="line 2"):
        config.read_toml(file)
    for wrong in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match="E-CONFIG-FILE"):
            config.read_toml(wrong)
    file.write_text("[run]\nname = 'x'\n", encoding="utf-8-sig")
    assert config.read_toml(file) == {"run": {"name": "x"}}


def test_missing_keys_are_shown_with_the_lines_to_write_and_no_dictionary():
    tables = {"run": {"seed": 3}, "zones": {"source": "panel", "table": {"file": "x.csv"}}}
    with pytest.raises(ConfigError) as refused:
        read_config(tables, maps=geo.Maps())
    text, lines = str(refused.value).split("; fix: write\n\n")
    assert text.startswith("E-CONFIG-KEY the configuration: run.name is missing; model is missing; zones.polygons is")
    assert "{" not in str(refused.value)
    written = tomllib.loads(lines)
    assert written["run"] == {"name": "..."}
    assert written["model"] == {"years": [2010, 2020]}
    assert list(written["zones"]["table"]) == ["code", "name"]
    assert list(written["zones"]["population"]["2020"]) == ["column"]


def test_tables_in_memory_stay_as_they_are():
    tables = copy.deepcopy(GOOD)
    assert read_config(tables, ["run.name=y", "model.years=[2000, 2010]"]).config.run.name == "y"
    assert tables == GOOD


def test_a_missing_source_is_asked_for():
    with pytest.raises(ConfigError, match=r'zones.source is missing; fix: write\n\n\[zones\]\nsource = "panel"'):
        read_config(GOOD | {"zones": {"counties": 300}}, maps=geo.Maps())


def test_a_list_that_is_too_short_is_shown_whole():
    with pytest.raises(
        ConfigError, match=r"model.years needs 2 values; fix: write\n\n\[model\]\nyears = \[2010, 2020\]"
    ):
        read_config(GOOD | {"model": {"years": [2010]}})


def test_an_empty_data_folder_counts_as_unset(monkeypatch):
    monkeypatch.setenv("FLOWMODEL_DATA", "")
    assert located(Path("/x"), "${FLOWMODEL_DATA}/a.csv") == CHECKOUT / "data" / "a.csv"
    monkeypatch.setenv("FLOWMODEL_DATA", "/data")
    assert located(Path("/x"), "${FLOWMODEL_DATA}/a.csv") == Path("/data/a.csv")
