"""The script that evaluates, as a person runs it: its files, its table, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import quick
import stock_tables
import tomli_w
from checkout import ROOT

from flowmodel.config import Evaluation, read_toml, typed
from flowmodel.errors import ConfigError
from flowmodel.zones import table as store

MODELS = {"flow model", "no_change", "natural_increase", "uniform_national", "ols", "ols_plain"}


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, str(ROOT / "scripts/evaluate.py"), *map(str, arguments)]
    return subprocess.run(
        line, cwd=folder, env=quick.ENVIRONMENT, capture_output=True, text=True, check=False, timeout=3600
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with zones, a configuration that fits them and one that evaluates it."""
    path = tmp_path_factory.mktemp("evaluation")
    store.write(stock_tables.table().data, path / "zones.nc")
    (path / "fit.toml").write_text(tomli_w.dumps(stock_tables.settings()))
    stocks = pd.DataFrame(stock_tables.between()).stack().rename("stock").rename_axis(["o", "d"]).reset_index()
    stocks.to_csv(path / "pairs.csv", index=False)
    of = {"file": "pairs.csv", "origin": "o", "destination": "d", "stock": "stock"}
    settings = {
        "fit": "fit.toml",
        "settings": ["fit.adam_steps=0"],
        "draws": 20,
        "temporal": {
            "since": 2000,
            "birth_rate": 0.012,
            "death_rate": 0.0065,
            "variants": {"geometry": {"attraction": ["log_potential"]}},
        },
        "spatial": {"provinces": False, "prefecture_blocks": 2, "check_starts": 1},
        "pairs": {"folds": 2, "interprovincial": of},
        "shuffles": [1],
        "divide": {"targets": ["growth", "national_total"], "rotations": [90.0]},
    }
    (path / "evaluate.toml").write_text(tomli_w.dumps({"run": {"name": "held_out"}, "evaluate": settings}))
    return path


def test_an_evaluation_leaves_one_table(folder):
    done = run("evaluate.toml", folder=folder)
    assert done.returncode == 0, done.stderr
    made = folder / "runs/held_out"
    files = {path.name for path in made.iterdir()}
    assert {"evaluation.csv", "evaluation.json", "evaluation.md", "config.toml", "evaluated.toml"} <= files
    table = pd.read_csv(made / "evaluation.csv")
    assert table.columns.tolist() == ["protocol", "stratum", "model", "metric", "value", "lower", "upper", "zones"]
    blocks = table[(table["protocol"] == "prefecture blocks") & (table["stratum"] == "all")]
    assert set(blocks["model"]) == MODELS | {"flow model minus ols", "flow model minus ols_plain"}
    assert set(blocks["metric"]) == {"r2", "rmse", "mape", "medape", "malpe", "sign"}
    assert (blocks["zones"] == 48).all()
    protocols = set(table["protocol"])
    assert {"temporal", "pairs of provinces", "divide turned by 90 degrees"} <= protocols
    divide = table[table["stratum"] == "90 % from the provinces"].set_index(["protocol", "metric"])
    all_targets, fewer, change = (
        divide.loc[protocol]
        for protocol in (
            "divide where it is",
            "divide, from growth and national_total alone",
            "divide, change by the other targets",
        )
    )
    assert (abs(all_targets["value"] - fewer["value"] - change["value"]) < 1e-9).all()
    assert (change["value"].abs() > 1e-6).all()
    assert (change["lower"] < change["value"]).all()
    assert {f"prefecture blocks, band {name}" for name in stock_tables.BANDS} <= protocols
    notes = json.loads((made / "evaluation.json").read_text())["parts"]
    assert max(notes["spatial"]["prefecture blocks"]["from_the_priors"].values()) < 0.01
    assert notes["temporal"]["counted"] == 48
    text = (made / "evaluation.md").read_text()
    assert "**prefecture blocks, all** (48)" in text


def test_a_wrong_key_is_named(folder):
    tables = read_toml(folder / "evaluate.toml")
    tables["evaluate"]["spatial"]["provincs"] = True
    with pytest.raises(ConfigError, match="evaluate.spatial.provincs: unknown key, perhaps provinces"):
        typed(Evaluation, tables, "evaluate.toml")


def test_the_configuration_of_china_is_one():
    asked = typed(Evaluation, read_toml(ROOT / "configs/evaluate_china.toml"), "evaluate_china.toml")
    assert (ROOT / "configs" / asked.evaluate.fit).is_file()
