"""The patches of the architecture page apply to the source, and what they touch can still be imported."""

import shutil
import subprocess
import sys

import pytest
from checkout import ROOT
from pages import patches


@pytest.fixture
def copy(tmp_path):
    """The source in a folder of its own."""
    for package in ("flowmodel", "geo", "configs", "scripts"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("patch", patches.patches(), ids=lambda patch: patch.name)
def test_a_patch_applies_and_its_modules_load(patch, copy):
    subprocess.run(["git", "apply", "-"], input=patch.text, text=True, cwd=copy, check=True)
    modules = [name.removesuffix(".py").replace("/", ".") for name in patch.files if name.endswith(".py")]
    assert modules
    code = f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=copy, check=True)
