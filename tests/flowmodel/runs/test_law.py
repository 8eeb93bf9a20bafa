"""`[model] law` on the way from a configuration to a run folder and back."""

import json

import decay_twin
import numpy as np
import pytest
import worlds

from flowmodel import load_run, read_config, simulate
from flowmodel.errors import ConfigError

OTHERS = {name: value for name, value in worlds.TRUTH.items() if name != "distance"}
LAW = "def decay(distance_km, scale=150.0):\n    return -((distance_km / scale) ** 0.5)\n"


def tables(law: object, **truth: float) -> dict[str, object]:
    return {
        "run": {"name": "law"},
        "zones": {"file": "zones.nc"},
        "model": {"years": [2010, 2012], "attraction": ["schooling"], "departure": ["schooling"], "law": law},
        "truth": OTHERS | truth,
        "parameters": {"noise": {"fixed": 0.1}, "noise_size": {"fixed": 20.0}},
    }


def test_a_function_in_memory_is_run_and_loaded_again(tmp_path):
    config = read_config(tables(decay_twin.stretched, **{"law:scale": 250.0, "law:power": 0.7}))
    run = simulate(config, zones=worlds.table(40), out=tmp_path / "run")
    assert set(run.parameters["name"]) >= {"law:scale", "law:power"}
    again = load_run(tmp_path / "run")
    assert again.request.config.model.law.file == decay_twin.__file__
    np.testing.assert_allclose(again.model.run(again.estimates).closing, run.model.run(run.estimates).closing)


def test_a_file_beside_the_configuration_is_an_input(tmp_path):
    import tomli_w

    (tmp_path / "law.py").write_text(LAW)
    law = {"file": "law.py", "function": "decay"}
    (tmp_path / "config.toml").write_text(tomli_w.dumps(tables(law, **{"law:scale": 300.0})))
    run = simulate(read_config(tmp_path / "config.toml"), zones=worlds.table(40), out=tmp_path / "run")
    assert run.parameters.set_index("name").loc["law:scale", "estimate"] == 300.0
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert [one["file"] for one in provenance["inputs"]] == ["law.py"]


@pytest.mark.parametrize("law", ["radiation", "exponentail"])
def test_another_law_is_refused_before_zones_are_read(law, tmp_path):
    with pytest.raises(ConfigError, match=f"E-LAW-NAME.*{law}.*exponential"):
        simulate(read_config(tables(law)), out=tmp_path / "run")
