"""The object by which a run of flowmodel reads files and writes maps (`flowmodel.runs.maps.Maps`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.errors import DataError, error

if TYPE_CHECKING:
    from pydantic import BaseModel

    from geo.flows import FlowData, Prior
    from geo.grid.build import BuiltGrid
    from geo.sources.assemble import Build

Step = Callable[[str], None]


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

    def grid(self, section: Mapping[str, Any], base: Path, file: Path, step: Step) -> BuiltGrid:
        """Write the cells of a section `[grid]` to a file; raises as `zones`."""
        from geo.config import GridConfig
        from geo.grid import build

        built = build.write(GridConfig.read(section, base), file, step)
        built.distortion  # noqa: B018 - a plane that cannot be judged is an error of the inputs
        return built

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


def export(run: Path | str, *, crs: str | None = None, cell_m: float | None = None) -> list[Path]:
    """Write rasters and vectors of a finished run into its folder; of a grid run rasters alone.

    Args:
        run: The folder of a finished run.
        crs: china_albers, or the EPSG code of a projected system; china_albers if not given.
        cell_m: Side of a cell, metres; 1000 if not given. A grid run has cells of its own.

    Returns:
        The files.

    Raises:
        DataError: The folder holds no finished run, or the system or the cell does not serve.
    """
    written = Maps().export(Path(run), crs, cell_m, lambda step: None)
    return [path for paths in written.values() for path in paths]


def report(run: Path | str) -> Path:
    """Write `report.html` and the pictures in `figures/` of a fitted run into its folder.

    Returns:
        The page.

    Raises:
        DataError: A file of the run is missing or not as a fit writes it.
    """
    page = Path(run) / "report.html"
    Maps().report(Path(run), page)
    return page
