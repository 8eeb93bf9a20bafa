"""The request of a run: a typed configuration, and where it came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from flowmodel import config as configuration
from flowmodel.config import BalanceRun, Evaluation, FlowsRun, GridRun, Section
from flowmodel.config import Config as ZonesRun

Typed = TypeVar("Typed", bound=Section, covariant=True)

FORMS: dict[str, type[Section]] = {
    "evaluate": Evaluation,
    "grid": GridRun,
    "totals": BalanceRun,
    "flows": FlowsRun,
}
"""The form of a configuration by the section that only this form has; `ZonesRun` is that of all others."""


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
) -> Request[Any]:
    """Reads a configuration from a TOML file, or takes its tables.

    Args:
        config: a file, or its tables as a dictionary, whose paths are then relative to the current folder.
        settings: overrides, "section.key=value" each, as `--set` gives them.
        device: "auto", "cpu", "gpu" or "tpu", instead of `[runtime] device`.
        form: the form that is expected; by default that of the sections present: a flow table (`[flows]`), target
            totals (`[totals]`), an evaluation (`[evaluate]`), cells of a raster (`[grid]`), else a run of zones.

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
    return Request(configuration.typed(expected, tables, source, base), tables, base, source)
