"""What a run asks of maps: zones, grids and flow tables from files, rasters and a report from results.

The package `geo` implements this interface (`geo.Maps`). A machine without it can run everything that starts from a
ready `zones.nc` or from zones in memory.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from flowmodel.errors import ConfigError

Float64 = NDArray[np.float64]
Step = Callable[[str], None]
"""Takes the name of the step that begins."""


class Checked(Protocol):
    """Inputs that were read and checked."""

    @property
    def issues(self) -> Sequence[Any]:
        """Warnings, a dataclass each with the columns of issues.csv."""


class Built(Protocol):
    """Zones that were built: the content of `zones.nc`, and what is written beside it."""

    @property
    def dataset(self) -> xr.Dataset:
        """The content of `zones.nc`."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Tables by file name."""

    @property
    def issues(self) -> Sequence[Any]:
        """Warnings, a dataclass each with the columns of issues.csv."""

    def write_polygons(self, path: Path, dataset: xr.Dataset) -> None:
        """Writes the polygons of the zones with the numbers of `dataset` as a GeoPackage."""


class BuiltGrid(Protocol):
    """A grid that was written to `grid.nc`."""

    @property
    def config(self) -> Any:
        """The section `[grid]`, of which a run uses `run`, `within` and `pairs`."""

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year."""

    @property
    def rules(self) -> Sequence[str]:
        """A sentence for each declared rule that changed a number."""

    @property
    def issues(self) -> Sequence[Any]:
        """Warnings."""

    @property
    def distortion(self) -> pd.DataFrame:
        """How far distances in the plane are from those on the ground, by region and distance."""

    def summary(self) -> Sequence[str]:
        """Lines for a person: cells, people, distances in the plane."""

    def degrees(self) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes of the cells that are zones [cell]."""


class Lines(Protocol):
    """The lines of a file in which pairs of a flow table stand."""

    @property
    def file(self) -> str:
        """Name of the file."""

    def of(self, origin: int, destination: int) -> int | None:
        """The line of a pair by its indices; None where it is not listed."""


class FlowData(Protocol):
    """A flow table that was read; arrays are [origin, destination] unless stated otherwise."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Labels of the origins."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Labels of the destinations."""

    @property
    def flow(self) -> Float64:
        """People; 0 where a pair is not listed or not allowed."""

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Whether the table has the pair."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Whether the pair is fitted."""

    @property
    def distance_km(self) -> Float64 | None:
        """Distances; NaN where unknown, None where the configuration names none."""

    @property
    def gauge(self) -> Float64 | None:
        """The quantity that the threshold of a censored table limits; None unless censored."""

    @property
    def threshold(self) -> tuple[float, Literal["censored", "truncated"]] | None:
        """The least quantity of a listed pair, and the likelihood of a pair that is not listed."""

    @property
    def origin_columns(self) -> Mapping[str, Float64]:
        """Columns of origins by name [origin], or [origin, destination]."""

    @property
    def destination_columns(self) -> Mapping[str, Float64]:
        """Columns of destinations by name [destination], or [origin, destination]."""

    @property
    def pair_columns(self) -> Mapping[str, Float64]:
        """Columns of pairs by name."""

    @property
    def lines(self) -> Lines:
        """The lines of the listed pairs."""

    @property
    def issues(self) -> Sequence[Any]:
        """Warnings."""


class Blocks(Protocol):
    """Flows between groups of zones."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Labels of the groups."""

    @property
    def group(self) -> NDArray[np.int64]:
        """Index of each zone's group [zone]."""

    @property
    def flow(self) -> Float64:
        """People from group to group [group, group]."""


class Prior(Protocol):
    """A prior flow table and target totals of the same zones."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Labels of the zones."""

    @property
    def flow(self) -> Float64:
        """The prior [origin, destination]."""

    @property
    def totals(self) -> dict[str, Float64]:
        """Target totals by kind, "outflow", "inflow" or "net" [zone], NaN where not given."""

    @property
    def blocks(self) -> Blocks | None:
        """Target totals between groups of zones."""

    @property
    def issues(self) -> Sequence[Any]:
        """Warnings."""


class Maps(Protocol):
    """Reads map files and tables, and writes maps."""

    @property
    def errors(self) -> type[Exception]:
        """The error of inputs that are wrong, with `issues`."""

    def form(self, section: str, tables: Mapping[str, Any]) -> Any:
        """The pydantic model of a section: "zones", "flows", "balance" or "grid"."""

    def inputs(self, section: str, tables: Mapping[str, Any], base: Path) -> Sequence[Path]:
        """The files that a section names and a run must not overwrite, or whose hashes it keeps."""

    def zones(self, section: Mapping[str, Any], base: Path, seed: int) -> Built:
        """Builds zones from the section `[zones]`."""

    def grid(self, section: Mapping[str, Any], base: Path, file: Path, step: Step) -> BuiltGrid:
        """Writes the cells of the section `[grid]` to `file`."""

    def flows(
        self,
        tables: Mapping[str, Any],
        base: Path,
        origin: Sequence[str],
        destination: Sequence[str],
        pair: Sequence[str],
    ) -> FlowData:
        """Reads the flow table of `[flows]` and `[zones]` with columns of origins, destinations and pairs."""

    def prior(self, tables: Mapping[str, Any], base: Path) -> Prior:
        """Reads the prior of `[flows]` and the target totals of `[totals]`."""

    def export(self, run: Path, crs: str | None, cell_m: float | None, step: Step) -> Mapping[str, Sequence[Path]]:
        """Writes rasters and vectors of a finished run; the files by the folder of the run in which they lie."""

    def report(self, run: Path, page: Path) -> None:
        """Writes the report of a finished run."""


def needed(maps: Maps | None, what: str) -> Maps:
    """`maps`, which a run needs to read `what`.

    Raises:
        ConfigError: E-MAPS, the caller passed none.
    """
    if maps is None:
        raise ConfigError("E-MAPS", f"{what} is read by the package geo", "pass maps=geo.Maps(), or zones in memory")
    return maps
