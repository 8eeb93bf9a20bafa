"""The object by which a run of flowmodel reads files and writes maps (`flowmodel.runs.maps.Maps`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import DataError, Issue, error

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from geo.config import GridConfig
    from geo.flows import FlowData, Prior
    from geo.grid.build import Built
    from geo.sources.assemble import Build

Step = Callable[[str], None]


@dataclass(frozen=True)
class GridOfRun:
    """A grid that was written, with what the run needs of its section."""

    config: GridConfig
    built: Built

    @property
    def run(self) -> Path:
        """Folder of the county run."""
        return self.config.run

    @property
    def within(self) -> Literal["none", "kernel"]:
        """What becomes of moves inside a county."""
        return self.config.within

    @property
    def pairs(self) -> int | Literal["all"]:
        """Counties of origin whose flows are summed from cells."""
        return self.config.pairs

    @property
    def years(self) -> tuple[int, int]:
        """First and last year."""
        return self.built.years

    @property
    def rules(self) -> tuple[str, ...]:
        """A sentence for each declared rule that changed a number."""
        return self.built.rules

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Warnings."""
        return self.built.issues

    @cached_property
    def distortion(self) -> pd.DataFrame:
        """How far distances in the plane are from those on the ground, by region and distance."""
        from geo.grid.distortion import distortion

        return distortion(self.built.places)

    def summary(self) -> list[str]:
        """Lines for a person: cells, people, distances in the plane."""
        worst = self.distortion.iloc[int(self.distortion["largest"].abs().argmax())]
        rows, columns = self.built.places.grid.shape_yx
        return [
            f"grid: {rows:,} x {columns:,} cells, {self.built.zones:,} of them zones, {self.built.people:,.0f} people",
            f"distance in the plane: within {abs(worst['largest']):.1%} of the ground's "
            f"({worst['ground']}, {worst['from_km']:g}-{worst['to_km']:g} km; distortion.csv has all)",
        ]

    def degrees(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes of the cells that are zones."""
        from geo.raster.cells import to_degrees

        grid = self.built.places.grid
        owned = self.built.places.zone(slice(0, grid.shape_yx[0])) >= 0
        return to_degrees(grid.crs, *grid.centres(*np.nonzero(owned)))


class Maps:
    """Reads zones, grids and flow tables for runs, and writes their maps and report."""

    errors: type[Exception] = DataError

    def form(self, section: str, tables: Mapping[str, Any]) -> type[BaseModel]:
        """Give the pydantic model of a section: "zones", "flows", "balance" or "grid"."""
        from geo import config

        zones: dict[str, type[BaseModel]] = {"harmonised": config.HarmonisedConfig, "builtin": config.BuiltinConfig}
        forms: dict[str, type[BaseModel]] = {
            "zones": zones.get(str(tables.get("source")), config.PanelConfig),
            "flows": config.FlowTables,
            "balance": config.BalanceTables,
            "grid": config.GridConfig,
        }
        return forms[section]

    def inputs(self, section: str, tables: Mapping[str, Any], base: Path) -> list[Path]:
        """Give the files whose hashes a flow run keeps, or that a run of zones or a grid must not overwrite."""
        from geo import config

        if section == "grid":
            return [config.GridConfig.read(tables, base).run]
        if section == "flows":
            return config.FlowTables.read(tables, base).files
        if section == "balance":
            return config.BalanceTables.read(tables, base).files
        return config.parse(dict(tables), base).edited

    def zones(self, section: Mapping[str, Any], base: Path, seed: int) -> Build:
        """Build the zones of a section `[zones]`.

        Raises:
            pydantic.ValidationError: With every problem of the section.
            DataError: With every error of the inputs.
        """
        from geo import config
        from geo.sources import assemble

        return assemble.build(config.parse(dict(section), base), seed)

    def grid(self, section: Mapping[str, Any], base: Path, file: Path, step: Step) -> GridOfRun:
        """Write the cells of a section `[grid]` to a file; raises as `zones`."""
        from geo.config import GridConfig
        from geo.grid import build

        config = GridConfig.read(section, base)
        found = GridOfRun(config, build.write(config, file, step))
        found.distortion  # noqa: B018 - a plane that cannot be judged is an error of the inputs
        return found

    def flows(
        self,
        tables: Mapping[str, Any],
        base: Path,
        origin: Sequence[str],
        destination: Sequence[str],
        pair: Sequence[str],
    ) -> FlowData:
        """Read the flow table of `[flows]` and `[zones]`; raises as `zones`."""
        from geo import flows
        from geo.config import FlowTables

        of = FlowTables.read(tables, base)
        return flows.read(of.flows, of.zones, origin, destination, pair)

    def prior(self, tables: Mapping[str, Any], base: Path) -> Prior:
        """Read the prior of `[flows]` and the target totals of `[totals]`; raises as `zones`."""
        from geo import flows
        from geo.config import BalanceTables

        return flows.read_prior(BalanceTables.read(tables, base))

    def export(self, run: Path, crs: str | None, cell_m: float | None, step: Step) -> dict[str, list[Path]]:
        """Write rasters and vectors of a finished run into its folders `rasters` and `vectors`.

        Raises:
            DataError: E-EXPORT for a grid run with another system or cell; else as `maps.rasters.write`.
        """
        from geo.maps import grid_rasters, grid_run, rasters, vectors

        if grid_run.is_grid(run):
            if crs is not None or cell_m is not None:
                rule = "a grid run is exported on its own cells"
                raise DataError([error("E-EXPORT", run.name, rule=rule, fix="leave out --crs and --cell-m")])
            return {"rasters": grid_rasters.write(run, run / "rasters", step)}
        system, side = crs or "china_albers", 1000.0 if cell_m is None else cell_m
        written = rasters.write(run, run / "rasters", system, side, step)
        layers = run / "vectors" / "results.gpkg"
        vectors.write(run, layers)
        return {"rasters": written, "vectors": [layers]}

    def report(self, run: Path, page: Path) -> None:
        """Write the report of a finished run."""
        from geo.maps import report

        report.write(run, page)
