"""Inputs that maps read for a run: their problems go to issues.csv."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pandas as pd

from flowmodel.runs.folder import RunFolder
from flowmodel.runs.maps import Checked, Maps

_COLUMNS = ["code", "severity", "file", "line", "column", "value", "rule", "fix", "people"]

Read = TypeVar("Read", bound=Checked)


def read(folder: RunFolder, maps: Maps, reading: Callable[[], Read]) -> Read:
    """What `reading` gives; problems of the inputs go to issues.csv.

    An earlier run in the folder is removed once the inputs are read.

    Raises:
        DataError: the inputs are wrong; issues.csv lists every problem.
    """
    try:
        found = reading()
    except maps.errors as error:
        _write_issues(folder, error.issues)  # type: ignore[attr-defined]
        raise
    folder.clear()
    _write_issues(folder, found.issues)
    return found


def _write_issues(folder: RunFolder, issues: Sequence[Any]) -> None:
    """Writes `issues.csv`, one row for each problem."""
    frame = pd.DataFrame([dataclasses.asdict(issue) for issue in issues], columns=_COLUMNS)
    frame["line"] = frame["line"].astype("Int64")
    folder.write_csv("issues.csv", frame)
