"""The configuration of a grid run: `[run]`, `[grid]`, whose keys the maps' side reads, and `[runtime]`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError

from flowmodel.errors import ConfigError

from .fields import Section
from .reading import validation_text
from .sections import Run, Runtime


class GridRuntime(Runtime):
    """`[runtime]` of a grid run, whose transforms are in float64 unless asked otherwise."""

    kernel: Literal["float32", "float64"] = "float64"


class GridRun(Section):
    """A whole configuration file of a grid run."""

    run: Run
    grid: dict[str, Any]
    runtime: GridRuntime = GridRuntime()


def parse_grid_run(tables: dict[str, Any], source: str) -> GridRun:
    """`tables` as a typed configuration; `source` names the file in messages.

    Raises:
        ConfigError: one message with every problem, but for those inside `[grid]`.
    """
    try:
        return GridRun.model_validate(tables)
    except ValidationError as error:
        text = validation_text(error, GridRun)
        raise ConfigError("E-CONFIG-KEY", f"{source}: {text}", "see docs/configs.md") from None
