"""The model of residents on the cells of a raster, with the parameters of a finished run of counties."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from flowmodel.dynamics.cells import against_counties, direct_sums, downscaling, operator, rollout, year
from flowmodel.dynamics.cells.operator import GridKernel
from flowmodel.dynamics.cells.year import CountyYear, GridYear, Pressure
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.dynamics.schedule import shifted
from flowmodel.errors import ConfigError
from flowmodel.interaction.scoring.blocks import common_part
from flowmodel.models.model import Writer, csv
from flowmodel.parameters.registry import Parameters, Registry
from flowmodel.results import cells as results
from flowmodel.zones.cells import GridCells
from flowmodel.zones.table import ZoneTable

SAMPLED = 8
"""Cells whose reach is summed directly, one second each on a grid of ten million cells."""

Progress = Callable[[str, int, int, float], None]


@dataclasses.dataclass(frozen=True)
class GridZones:
    """The zones of a grid run.

    Attributes:
        cells: the cells of `grid.nc`.
        county: the county run whose parameters the cells take, for the years of the grid run.
        within: what becomes of moves inside a county.
        pairs: counties of origin whose flows are summed from cells; all of them by "all".
        degrees: longitudes and latitudes of the cells that are zones [cell].
    """

    cells: GridCells
    county: Setup
    within: Literal["none", "kernel"]
    pairs: int | Literal["all"]
    degrees: tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass
class CellsRun:
    """A run of cells: its first year is prepared, and `accounts` holds each year once `written`."""

    kernel: GridKernel
    sentence: str
    checks: dict[str, Any]
    flows: pd.DataFrame | None
    years: Iterator[tuple[int, GridYear]]
    accounts: dict[int, CountyYear]


@dataclasses.dataclass(frozen=True)
class Cells:
    """Cells as zones, moved by a kernel that is a convolution (see `models.model.Model`)."""

    zones: GridZones
    dtype: str
    progress: Progress = lambda *_: None

    @property
    def table(self) -> ZoneTable:
        """The counties."""
        return self.zones.county.table

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year."""
        return self.zones.county.years

    @property
    def registry(self) -> Registry:
        """The parameters of the county run."""
        return self.zones.county.registry

    @property
    def tile(self) -> int:
        """The kernel is a convolution and has no tiles."""
        return 0

    @cached_property
    def _offset_km(self) -> float:
        return float(self.registry["offset_km"].fixed or 0)

    def announce(self) -> Iterator[str]:
        """The number of cells."""
        rows, columns = self.zones.cells.shape
        yield f"model: {rows:,} x {columns:,} cells, with the parameters of {len(self.table.codes):,} counties"

    def objective(self) -> NoReturn:
        """Cells are not fitted.

        Raises:
            ConfigError: E-GRID-FIT, always.
        """
        raise ConfigError("E-GRID-FIT", "[grid] takes the parameters of a finished run", "fit that run of counties")

    def run(self, natural: Float[Array, " free"]) -> CellsRun:
        """Prepares the kernel and the first year, compares them with direct sums and the county model.

        Raises:
            ResourceError: E-MEMORY, a year does not fit.
        """
        cells, county = self.zones.cells, self.zones.county
        parameters = self.registry.parameters(jnp.asarray(natural))
        ground = downscaling.support(cells, county.table, county.zones, parameters, county.covariates)
        kernel = operator.build(
            parameters,
            cells,
            county.table,
            self._offset_km,
            within=self.zones.within,
            dtype=self.dtype,
            law=county.pairs.law,
        )
        population = jnp.asarray(cells.population)
        sentence = operator.sentence(kernel, rollout.need(parameters, ground, kernel, population, county.calendar))
        first = jax.tree.map(lambda path: path[0], county.calendar)
        at = year.first_pressure(shifted(parameters, first), ground, kernel, population)
        flows, compared = self._against_counties(parameters, ground, kernel, at)
        checks = {"rows": self._against_direct_sums(parameters, at)} | compared
        years = rollout.years(parameters, ground, kernel, population, county.calendar, self.years[0])
        return CellsRun(kernel, sentence, checks, flows, years, {})

    def summary(self, closed: CellsRun) -> Iterator[str]:
        """How the kernel is stored, and how far transforms and the plane are from direct sums on the sphere."""
        yield closed.sentence
        rows = closed.checks["rows"]
        yield (
            f"reach of {rows['cells']} cells by direct sums: transforms differ by at most {rows['transforms']:.1e}, "
            f"distances in the plane change it by at most {rows['projection']:.2%}"
        )
        if closed.flows is not None:
            flows = closed.checks["flows"]
            yield (
                f"flows between counties, {self.years[0]}: {flows['common_part']:.1%} in common with the county model "
                f"({flows['origins']} counties of origin; county_flows.csv)"
            )

    def end(self, closed: CellsRun) -> np.ndarray:
        """Residents at the end, persons [county]; the years must have been written."""
        return np.asarray(closed.accounts[self.years[1]].closing)

    def files(self, closed: CellsRun) -> Iterator[tuple[str, Writer]]:
        """Flows between counties, the residents and moves of cells, and the accounts of counties.

        The writer of `results.nc` runs the years, so that one year of cells is in memory at a time.
        """
        if closed.flows is not None:
            yield "county_flows.csv", csv(closed.flows)
        yield "results.nc", lambda path: self._write(path, closed)
        yield "accounts.csv", csv(rollout.accounts_table(self.table.codes, closed.accounts))

    def report(self, closed: CellsRun) -> dict[str, Any]:
        """Cells and people, moves inside counties, and the comparisons with direct sums and with the county model."""
        first, cells = closed.accounts[self.years[0] + 1], self.zones.cells
        inside, outflow, inflow = (np.asarray(part, float) for part in (first.inside, first.outflow, first.inflow))
        report: dict[str, Any] = {
            "cells": int((cells.zone >= 0).sum()),
            "people": float(cells.population.sum()),
            "inside_share": float(inside.sum() / (inside.sum() + outflow.sum())),
            "rows": closed.checks["rows"],
        }
        if closed.flows is not None:
            by_counties = closed.checks["inflow"]
            report["flows"] = closed.checks["flows"]
            report["inflow"] = {
                "by_cells": float(inflow.sum()),
                "by_counties": float(by_counties.sum()),
                "common_part": common_part(inflow, by_counties),
            }
        return report

    def natural_end(self) -> NoReturn:
        """Cells are not scored against a census."""
        self.objective()

    def known(self) -> Mapping[str, np.ndarray]:
        """Cells have no baselines."""
        return {}

    def residents(self, natural: Float[Array, " free"]) -> NoReturn:
        """Residents of cells are computed year by year and have no derivative through all years."""
        raise ConfigError("E-GRID-DERIVATIVE", "a grid run has no derivative", "use the run of counties")

    def flows(self, natural: Float[Array, " free"], year: int) -> NoReturn:
        """Flows between all cells are not stored."""
        raise ConfigError("E-GRID-FLOWS", "flows between cells are not stored", "use county_flows.csv, [grid] pairs")

    def _write(self, path: Path, closed: CellsRun) -> None:
        """Runs the years; the first and the last are written by cell, all of them are kept by county."""
        first, last = self.years
        written = sorted({first + 1, last})
        with results.writing(path, self.zones.cells, [first, last], written) as file:
            file.put("residents", first, self.zones.cells.population)
            for when, done in closed.years:
                closed.accounts[when] = done.accounts
                self.progress("years", when - first, last - first, float(when))
                if when in written:
                    file.put("inflow", when, np.asarray(done.inflow))
                    file.put("outflow", when, np.asarray(done.outflow))
                if when == last:
                    file.put("residents", when, np.asarray(done.residents))

    def _against_counties(
        self, parameters: Parameters, ground: downscaling.Support, kernel: GridKernel, at: Pressure
    ) -> tuple[pd.DataFrame | None, dict[str, Any]]:
        """Flows of the first year between counties, by cells and by the county model, and their scores."""
        county, cells = self.zones.county, self.zones.cells
        people = cells.by_county(cells.population, len(county.table.codes))
        wanted = len(people) if self.zones.pairs == "all" else self.zones.pairs
        if not wanted:
            return None, {}
        origins = against_counties.sample(people, wanted) if wanted < len(people) else np.arange(len(people))
        by_cells = np.asarray(year.flows_from(ground, kernel, at, jnp.asarray(origins, jnp.int32)))
        first = jax.tree.map(lambda path: path[0], county.calendar)
        by_counties = against_counties.county_model(county, parameters, people, first)
        flows = against_counties.table(county.table.codes, origins, by_cells, by_counties.rows(origins))
        scores = against_counties.scores(flows, against_counties.distances(county.table, origins))
        return flows, {"flows": scores | {"origins": len(origins)}, "inflow": np.asarray(by_counties.moved.inflow)}

    def _against_direct_sums(self, parameters: Parameters, at: Pressure) -> dict[str, Any]:
        """The reach of a few cells by direct sums: the error of transforms, and of distances in the plane."""
        cells = self.zones.cells
        inside = cells.zone >= 0
        reach, pull = (np.asarray(field, float)[inside] for field in (at.reach, at.pull))
        sampled = against_counties.sample(cells.population[inside], SAMPLED)
        of = direct_sums.rows(parameters, cells, self.table, self._offset_km, self.zones.county.pairs.law)
        plane, sphere = direct_sums.in_the_plane(cells), direct_sums.on_the_sphere(*self.zones.degrees)
        direct = np.array([[of.reach(int(row), how, pull) for how in (plane, sphere)] for row in sampled])
        return {
            "cells": len(sampled),
            "transforms": float(np.abs(reach[sampled] / direct[:, 0] - 1).max()),
            "projection": float(np.abs(direct[:, 0] / direct[:, 1] - 1).max()),
        }
