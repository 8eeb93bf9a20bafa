"""The request of a run: a typed configuration, and where it came from."""

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from flowmodel import config as configuration
from flowmodel.config import BalanceRun, Configuration, Evaluation, FlowsRun, GridRun, Problem
from flowmodel.config import Config as ZonesRun
from flowmodel.runs.maps import Maps

Typed = TypeVar("Typed", bound=Configuration, covariant=True)

FORMS: dict[str, type[Configuration]] = {
    "evaluate": Evaluation,
    "grid": GridRun,
    "totals": BalanceRun,
    "flows": FlowsRun,
}
"""The form of a configuration by the section that only this form has; `ZonesRun` is that of all others."""

_TOGETHER = {"balance": ("totals", "flows"), "flows": ("flows", "zones")}
"""Sections that are read together, by their name for maps; the first of them determines the form."""


@dataclasses.dataclass(frozen=True)
class Request(Generic[Typed]):
    """A configuration with where it came from: its paths are relative to `base`, messages name `source`."""

    config: Typed
    tables: Mapping[str, Any]
    base: Path
    source: str

    def folder(self, out: Path | str | None) -> Path:
        """The run folder: `out`, or runs/NAME by `[run] name`."""
        return Path(out) if out is not None else Path("runs") / self.config.run.name

    def inputs(self, maps: Maps, kind: str, tables: Mapping[str, Any]) -> Sequence[Path]:
        """The files that the sections `tables` name, which maps read as `kind`.

        Raises:
            ConfigError: E-CONFIG-KEY, a key of them is wrong.
        """
        files, found = _inputs(maps, kind, tables, self.base)
        if found:
            raise configuration.config_error(self.source, found)
        return files

    def resolved(self) -> dict[str, Any]:
        """The configuration with every default written out, as TOML can hold it."""
        return configuration.as_toml(self.config)


def read_config(
    config: Path | str | Mapping[str, Any],
    settings: Iterable[str] = (),
    *,
    device: str | None = None,
    form: type[Configuration] | None = None,
    maps: Maps | None = None,
) -> Request[Any]:
    """Reads a configuration from a TOML file, or takes its tables.

    Args:
        config: a file, or its tables as a dictionary, whose paths are then relative to the current folder.
        settings: overrides, "section.key=value" each, as `--set` gives them.
        device: "auto", "cpu", "gpu" or "tpu", instead of `[runtime] device`.
        form: the form that is expected; by default that of the sections present: a flow table (`[flows]`), target
            totals (`[totals]`), an evaluation (`[evaluate]`), cells of a raster (`[grid]`), else a run of zones.
        maps: checks the sections that name files too, such as `geo.Maps()`; a run checks them in any case.

    Raises:
        ConfigError: E-CONFIG-FILE, E-CONFIG-TOML, E-CONFIG-SET or E-CONFIG-KEY; the message names file and key.
    """
    if isinstance(config, Path | str):
        source, base, tables = str(config), Path(config).resolve().parent, configuration.read_toml(Path(config))
    else:
        source, base, tables = "the configuration", Path.cwd(), copy.deepcopy(dict(config))
    more = () if device is None else (f"runtime.device={device}",)
    for assignment in (*settings, *more):
        configuration.override(tables, assignment)
    expected = form or next((FORMS[name] for name in FORMS if name in tables), ZonesRun)
    found = [] if maps is None else _of_maps(maps, tables, base)
    return Request(configuration.typed(expected, tables, source, base, found), tables, base, source)


def _of_maps(maps: Maps, tables: Mapping[str, Any], base: Path) -> list[Problem]:
    """What is wrong in the sections that name files."""
    present: dict[str, Any] = {name: part for name, part in tables.items() if isinstance(part, dict)}
    for kind, names in _TOGETHER.items():
        if names[0] in present:
            return _inputs(maps, kind, {name: present[name] for name in names if name in present}, base)[1]
    if "grid" in present:
        return _inputs(maps, "grid", present["grid"], base)[1]
    if "zones" in present and "file" not in present["zones"]:
        return _inputs(maps, "zones", present["zones"], base)[1]
    return []


def _inputs(maps: Maps, kind: str, tables: Mapping[str, Any], base: Path) -> tuple[Sequence[Path], list[Problem]]:
    """The files that sections name, and what is wrong with their keys."""
    try:
        return maps.inputs(kind, tables, base), []
    except ValidationError as error:
        section = None if kind in _TOGETHER else kind
        return [], configuration.problems(error, maps.form(kind, tables), section)
