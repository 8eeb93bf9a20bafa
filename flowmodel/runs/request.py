"""The request of a run: a typed configuration, and where it came from."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from flowmodel import config as configuration
from flowmodel.config import BalanceRun, Evaluation, FlowsRun, GridRun, Problem, Section
from flowmodel.config import Config as ZonesRun
from flowmodel.runs.maps import Maps

Typed = TypeVar("Typed", bound=Section, covariant=True)

FORMS: dict[str, type[Section]] = {
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
        return Path(out) if out is not None else Path("runs") / self.config.run.name  # type: ignore[attr-defined]

    def resolved(self) -> dict[str, Any]:
        """The configuration with every default written out, as TOML can hold it."""
        return configuration.as_toml(self.config)


def read_config(
    config: Path | str | Mapping[str, Any],
    settings: Iterable[str] = (),
    *,
    device: str | None = None,
    form: type[Section] | None = None,
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
    named = isinstance(config, Path | str)
    source = str(config) if named else "the configuration"
    tables = configuration.read_toml(Path(config)) if named else dict(config)  # type: ignore[arg-type]
    base = Path(config).resolve().parent if named else Path.cwd()  # type: ignore[arg-type]
    more = () if device is None else (f"runtime.device={device}",)
    for assignment in (*settings, *more):
        configuration.override(tables, assignment)
    expected = form or next((FORMS[name] for name in FORMS if name in tables), ZonesRun)
    problems: list[Problem] = []
    typed = None
    try:
        typed = expected.model_validate(tables, context={"base": base})
    except ValidationError as error:
        problems += configuration.problems(error, expected)
    if maps is not None:
        problems += _of_maps(maps, tables, base)
    if typed is None or problems:
        raise configuration.config_error(source, problems)
    return Request(typed, tables, base, source)


def _of_maps(maps: Maps, tables: Mapping[str, Any], base: Path) -> list[Problem]:
    """What is wrong in the sections that name files."""
    present: dict[str, Any] = {name: part for name, part in tables.items() if isinstance(part, dict)}
    for kind, names in _TOGETHER.items():
        if names[0] in present:
            return _problems(maps, kind, {name: present[name] for name in names if name in present}, base)
    if "grid" in present:
        return _problems(maps, "grid", present["grid"], base, "grid")
    if "zones" in present and "file" not in present["zones"]:
        return _problems(maps, "zones", present["zones"], base, "zones")
    return []


def _problems(maps: Maps, kind: str, part: dict[str, Any], base: Path, prefix: str | None = None) -> list[Problem]:
    try:
        maps.inputs(kind, part, base)
    except ValidationError as error:
        return configuration.problems(error, maps.form(kind, part), prefix)
    return []
