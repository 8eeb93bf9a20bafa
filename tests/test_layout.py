"""The house itself: where packages load from, how long files are, that the docs know every parameter."""

from pathlib import Path

import pytest
from checkout import ROOT

import flowmodel
import geo
from flowmodel.config import Model
from flowmodel.gravity.decay import LAWS
from flowmodel.parameters.catalogue import registry


def test_both_packages_load_from_this_checkout():
    assert Path(str(flowmodel.__file__)).parent.parent == ROOT
    assert Path(str(geo.__file__)).parent.parent == ROOT


def test_no_test_folder_shadows_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("folder", ["flowmodel", "geo", "scripts"])
def test_source_files_hold_one_idea(folder):
    long = {str(path): n for path in (ROOT / folder).rglob("*.py") if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def test_the_table_of_the_model_has_every_parameter():
    text = (ROOT / "docs" / "symbols.md").read_text()
    named = ("power", "exponential", "tanner", "lognormal")
    laws = {entry.name: entry for name in named for entry in LAWS[name].parameters}
    for entry in registry(Model(years=(2010, 2020)), {}, tuple(laws.values())).entries:
        (row,) = [line for line in text.splitlines() if f"| `{entry.name}` |" in line]
        cells = [cell.strip().replace("−", "-") for cell in row.split("|")]
        assert cells[3] == entry.unit
        bounds = f"{entry.lower:g} to {entry.upper:g}" if entry.fixed is None else f"fixed at {entry.fixed:g}"
        assert cells[4] == bounds


def test_locks_carry_hashes_and_no_host():
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
