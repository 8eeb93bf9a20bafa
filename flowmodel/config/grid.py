"""The configuration of a grid run: `[run]`, `[grid]`, whose keys the maps' side reads, and `[runtime]`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .fields import Section
from .sections import Run, Runtime


class GridRuntime(Runtime):
    """`[runtime]` of a grid run, whose transforms are in float64 unless asked otherwise."""

    kernel: Literal["float32", "float64"] = Field(default="float64", description="precision of the transforms")


class GridRun(Section):
    """A whole configuration file of a grid run."""

    run: Run
    grid: dict[str, Any] = Field(description="the cells, see below")
    runtime: GridRuntime = GridRuntime()

    @property
    def kind(self) -> Literal["cells"]:
        """What is run: the cells of a raster."""
        return "cells"
