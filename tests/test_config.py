"""Configuration: every mistake is named with its key, and the nearest right one."""

import copy

import pytest

from flowmodel import config
from flowmodel.errors import ConfigError

GOOD = {"run": {"name": "x"}, "zones": {"file": "zones.nc"}, "model": {"years": [2010, 2020]}}


def changed(assignment: str) -> dict:
    tables = copy.deepcopy(GOOD)
    config.override(tables, assignment)
    return tables


def test_defaults_are_filled_and_values_typed():
    parsed = config.parse(changed("fit.adam_rate=1e-3"), "x.toml")
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
        ("model.attraction=['a', 'a']", "a name stands twice"),
        ("export.crs='x'", "export: unknown key"),
        ("parameters.mass.prior_sd=0", "parameters.mass.prior_sd"),
    ],
)
def test_wrong_values_are_named(assignment, said):
    with pytest.raises(ConfigError) as refused:
        config.parse(changed(assignment), "x.toml")
    assert said in str(refused.value)
    assert "x.toml" in str(refused.value)


def test_all_mistakes_are_reported_at_once():
    tables = changed("fit.adam_rate=2")
    config.override(tables, "run.seed=-1")
    with pytest.raises(ConfigError, match=r"run\.seed.*fit\.adam_rate|fit\.adam_rate.*run\.seed"):
        config.parse(tables, "x.toml")


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
