"""Folders of runs: whole files or none, and nothing of the user's is overwritten."""

import json

import pandas as pd
import pytest

from flowmodel.errors import ConfigError
from flowmodel.runs.folder import RunFolder


def test_files_are_written_beside_and_renamed(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_text("kept.txt", "old")
    with pytest.raises(ZeroDivisionError):
        folder.write("kept.txt", lambda path: (path.write_text("half"), 1 / 0))
    assert (tmp_path / "kept.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".files", "kept.txt"]
    folder.write_json("number.json", {"value": [float("nan"), 1.0]})
    assert json.loads((tmp_path / "number.json").read_text()) == {"value": [None, 1.0]}


def test_an_edited_crosswalk_is_never_overwritten(tmp_path):
    folder = RunFolder(tmp_path)
    folder.check_unedited()
    folder.write_csv("crosswalk.csv", pd.DataFrame({"from": ["a"], "to": ["b"]}))
    folder.check_unedited()
    folder.file("crosswalk.csv").write_text("from,to\na,c\n")
    with pytest.raises(ConfigError, match="E-OUT") as caught:
        folder.check_unedited()
    assert "crosswalk.csv" in str(caught.value)
    folder.clear()
    assert not list(tmp_path.iterdir())
    folder.file("crosswalk.csv").write_text("nobody knows who wrote this\n")
    with pytest.raises(ConfigError, match="E-OUT"):
        folder.check_unedited()


def test_an_input_in_the_folder_of_the_run_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    folder = RunFolder(tmp_path / "run")
    folder.check_outside(tmp_path / "crosswalk.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "run" / "crosswalk.csv")
    for inside in (tmp_path / "run" / "crosswalk.csv", tmp_path / "a" / ".." / "run" / "x.csv", tmp_path / "link.csv"):
        with pytest.raises(ConfigError, match="E-OUT"):
            folder.check_outside(inside)
