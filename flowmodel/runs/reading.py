"""Inputs that maps read for a run: what is wrong in a section becomes a coded error, problems go to issues.csv."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pandas as pd
from pydantic import ValidationError

from flowmodel import config as configuration
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.maps import Maps
from flowmodel.runs.request import Request

_COLUMNS = ["code", "severity", "file", "line", "column", "value", "rule", "fix", "people"]

Read = TypeVar("Read")


@contextmanager
def section(
    request: Request[Any], maps: Maps, name: str, tables: Mapping[str, Any], prefix: str = ""
) -> Iterator[None]:
    """Turns what is wrong with the keys of a section into one coded error.

    Raises:
        ConfigError: E-CONFIG-KEY.
    """
    try:
        yield
    except ValidationError as error:
        found = configuration.problems(error, maps.form(name, tables), prefix or None)
        raise configuration.config_error(request.source, found) from None


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
    _write_issues(folder, found.issues)  # type: ignore[attr-defined]
    return found


def _write_issues(folder: RunFolder, issues: Sequence[Any]) -> None:
    """Writes `issues.csv`, one row for each problem."""
    frame = pd.DataFrame([dataclasses.asdict(issue) for issue in issues], columns=_COLUMNS)
    frame["line"] = frame["line"].astype("Int64")
    folder.write_csv("issues.csv", frame)
