"""Configuration: every mistake is named with its key, and the nearest right one."""

import copy
import re

import pytest
from checkout import DOCS

import geo
from flowmodel import config
from flowmodel.config import flows, law
from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.request import Request
from flowmodel.runs.zones import obtain
from geo import config as sources
from geo.config.harmonised import VitalRates
from geo.config.table import WrittenConfig
from geo.config.yearbook import YearbookConfig

WRITTEN = WrittenConfig.model_fields
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
    problems = str(refused.value).removeprefix("E-CONFIG-KEY x.toml: ").split("; ")
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


def _documented():
    """Key and default of every table of docs/configs.md, by the heading above it."""
    tables, heading = {}, ""
    for line in (DOCS / "configs.md").read_text(encoding="utf-8").splitlines():
        heading = line.lstrip("# ") if line.startswith("#") else heading
        if line.startswith("| `"):
            key, _, default, *_ = re.split(r" +\| +", line.strip("| "))
            tables.setdefault(heading, {})[key.strip("`")] = default
    return tables


def _default(field):
    if field.is_required():
        return "–"
    value = field.get_default(call_default_factory=True)
    if value is None or value == [] or value == {}:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ('`[zones]` with `source = "panel"`', sources.PanelConfig),
        ("`[zones.polygons]`", sources.PolygonsConfig),
        ("`[zones.table]`", sources.TableConfig),
        ("`[zones.table.area]`", sources.AreaConfig),
        ("`[zones.population.YEAR]`", sources.PopulationConfig),
        ("`[zones.population.YEAR.published]`", sources.PublishedConfig),
        ("`[zones.rates]`", sources.RatesConfig),
        ("`[zones.rates.birth]`, `[zones.rates.death]`", sources.RateConfig),
        ("`[zones.covariates.NAME]`", sources.CovariateConfig),
        ('`[zones]` with `source = "harmonised"`', sources.HarmonisedConfig),
        ("`[zones.polygons]` of a harmonised source", sources.MapConfig),
        ("`[zones.census.YEAR]`", YearbookConfig),
        ("`[zones.harmonise]`", sources.HarmoniseConfig),
        ("`[zones.rates]` of a harmonised source", VitalRates),
        (
            "`[zones.covariates.NAME]`, `[zones.rates.birth]` and `.death` of a harmonised source",
            sources.OfQuantity,
        ),
        ("`[zones.rasters.NAME]`", sources.RasterConfig),
        ("`[zones.position]`", sources.PositionConfig),
        ('`[zones]` with `source = "builtin"`', sources.BuiltinConfig),
        ("`[totals]`", sources.TotalsConfig),
        ("`[totals.block]`", sources.BlocksConfig),
        ("`[solve]`", config.Solve),
        ("`[grid]`", sources.GridConfig),
        ("`[grid.population]`", sources.GridPopulationConfig),
        ("`[grid.covariates.NAME]`", sources.GridCovariateConfig),
    ],
)
def test_the_document_has_every_key_of_the_sources(heading, model):
    fields = dict(model.model_fields)
    if model is sources.MapConfig:
        fields = {name: field for name, field in fields.items() if name not in sources.PolygonsConfig.model_fields}
    assert _documented()[heading] == {name: _default(field) for name, field in fields.items()}


def test_the_document_has_every_key_of_the_stock():
    said = {name: _default(field) for name, field in config.Stock.model_fields.items()} | {"strictness": None}
    told = _documented()["`[model.stock]`"]
    assert told | {"strictness": None} == {name: "none" if value == "()" else value for name, value in said.items()}


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("`[flows]`", sources.FlowsConfig),
        ("`[flows.distance]`", sources.DistanceMatrixConfig),
        ("`[flows.absent_pairs]`", sources.CensoredConfig),
        ("`[zones]` of a flow table", sources.FlowZonesConfig),
        ("`[model]` of a flow table", flows.FlowModel),
        ("`[model.law]`", law.OwnLaw),
        ("`[fit]` of a flow table", flows.FlowFit),
        ("`[compare]`", flows.Compare),
        ("`[draws]`", flows.Draws),
    ],
)
def test_the_document_has_every_key_of_flow_tables(heading, model):
    """Keys of how a table is written stand with the census table; that absent pairs must be said, a validator says."""
    said = {name: _default(field) for name, field in model.model_fields.items() if name not in WRITTEN}
    said = {name: "none" if value == "()" else value for name, value in said.items()}
    if "absent_pairs" in said:
        said["absent_pairs"] = "–"
    assert _documented()[heading] == said


def test_the_document_has_every_key_of_the_model():
    table = "\n".join(_documented()["Configuration"])
    for name, field in config.Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, config.Section):
            for key in field.annotation.model_fields:
                assert re.search(rf"\b{name}\.(\w+`, `\.)?{key}\b", table), f"{name}.{key}"
