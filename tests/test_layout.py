"""The house itself: where packages load from, how long files are, that the docs know every parameter."""

from pathlib import Path

import pytest
from checkout import ROOT

import flowmodel
import geo


def test_both_packages_load_from_this_checkout():
    assert Path(str(flowmodel.__file__)).parent.parent == ROOT
    assert Path(str(geo.__file__)).parent.parent == ROOT


def test_no_test_folder_shadows_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("folder", ["flowmodel", "geo", "scripts"])
def test_source_files_hold_one_idea(folder):
    long = {str(path): n for path in (ROOT / folder).rglob("*.py") if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def test_locks_carry_hashes_and_no_host():
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
