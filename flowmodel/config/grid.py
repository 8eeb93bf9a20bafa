"""The configuration of a run of raster cells: `[run]`, `[grid]` (checked by the package `geo`) and `[runtime]`."""

from typing import Any, Literal

from pydantic import Field

from .sections import Configuration, Runtime


class GridRuntime(Runtime):
    """`[runtime]` of a run of cells, in which Fourier transforms are in float64 by default."""

    kernel: Literal["float32", "float64"] = Field(default="float64", description="precision of the transforms")


class GridRun(Configuration):
    """A whole configuration file."""

    grid: dict[str, Any] = Field(description="the cells, see below")
    runtime: GridRuntime = GridRuntime()

    @property
    def kind(self) -> Literal["cells"]:
        """The kind of units that are simulated: cells of a raster."""
        return "cells"
