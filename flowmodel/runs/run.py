"""A finished run, as Python reads it: tables, results, and the model at the estimates."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float

from flowmodel import models, runtime
from flowmodel.errors import ConfigError
from flowmodel.models.model import Model
from flowmodel.parameters import given
from flowmodel.runs.request import Request, read_config
from flowmodel.zones import table as labelled
from flowmodel.zones.table import ZoneTable

VERDICTS = {"converged": 0, "nonfinite": 4, "diverged": 5, "max_steps": 5, "not_identified": 5}
"""The exit status of a command by the verdict of a fit; errors carry their own (`flowmodel.errors`)."""
Outcome = str | Sequence[str] | Callable[[Float[Array, " zone"]], Float[Array, ""]]


@dataclasses.dataclass(frozen=True)
class Run:
    """The folder of a finished run.

    Attributes:
        path: the folder.
        status: the exit status of a command that has just written it: 0, or 5 where a fit has not converged.
    """

    path: Path
    status: int = 0

    @cached_property
    def request(self) -> Request[Any]:
        """The configuration with every default; its paths are those of the original file."""
        return read_config(self._file("config.toml"))

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Estimates, standard errors, intervals, units and sources, one row a parameter (parameters.csv)."""
        return pd.read_csv(self._file("parameters.csv"))

    @cached_property
    def results(self) -> xr.Dataset:
        """Residents and movements by zone and year, each with its unit (results.nc)."""
        with xr.open_dataset(self._file("results.nc"), engine="h5netcdf") as opened:
            return opened.load()

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Verdict, flags, scores beside baselines, and what the data identify (metrics.json)."""
        return dict(json.loads(self._file("metrics.json").read_text(encoding="utf-8")))

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """Opening, births, deaths, inflow, outflow, closing by zone, group and year, persons (accounts.csv)."""
        return pd.read_csv(self._file("accounts.csv"), dtype={"zone": str, "group": str})

    @cached_property
    def zones(self) -> ZoneTable:
        """The zones of the run."""
        return labelled.read_zones(self._file("zones.nc"))

    @cached_property
    def model(self) -> Model:
        """The model of the run, built again on its zones.

        Raises:
            ConfigError: E-RUN-MODEL, the run is of a flow table, of target totals or of cells.
        """
        config = self.request.config
        if getattr(config, "kind", None) != "zones":
            raise ConfigError("E-RUN-MODEL", f"{self.path} is no run of zones", "load a run of fit or simulate")
        runtime.configure(config.runtime)
        return models.of_counties(self.zones, config, self.path, runtime.kernel_dtype(config.runtime))

    @cached_property
    def estimates(self) -> Float[Array, " free"]:
        """Natural values of the free parameters, in the order of `model.registry.free`."""
        registry = self.model.registry
        return registry.vector(given.values(registry, {}, self._file("parameters.csv")))

    def flows(
        self,
        year: int,
        origins: str | Sequence[str] | None = None,
        destinations: str | Sequence[str] | None = None,
        *,
        top: int | None = 1000,
    ) -> pd.DataFrame:
        """Moves between zones in one year, the largest first.

        Args:
            year: the year in which the moves end, as in accounts.csv.
            origins: a zone code, a province code, or several; all zones if not given.
            destinations: likewise.
            top: pairs that are kept; all pairs with a flow by None.

        Returns:
            Columns origin, destination (zone codes), flow (persons in that year).

        Raises:
            ConfigError: E-RUN-YEAR or E-RUN-ZONE, the run has no such year or zone.
        """
        rows, columns = self._rows(origins), self._rows(destinations)
        block = self._matrix(year)[np.ix_(rows, columns)]
        order = np.argsort(-block, axis=None, kind="stable")[:top]
        origin, destination = np.unravel_index(order, block.shape)
        codes, flow = self.zones.codes, block.ravel()[order]
        table = {"origin": codes[rows[origin]], "destination": codes[columns[destination]], "flow": flow}
        frame: pd.DataFrame = pd.DataFrame(table).loc[flow > 0].reset_index(drop=True)
        return frame

    def flow_matrix(
        self,
        year: int,
        origins: str | Sequence[str] | None = None,
        destinations: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Moves between zones in one year as a matrix, persons; arguments and errors as of `flows`.

        Returns:
            One row for each origin and one column for each destination, labelled by zone code.
        """
        rows, columns = self._rows(origins), self._rows(destinations)
        codes = self.zones.codes
        block = self._matrix(year)[np.ix_(rows, columns)]
        return pd.DataFrame(block, index=codes[rows], columns=codes[columns])

    def gradient(self, outcome: Outcome, parameter: str) -> float:
        """How an outcome at the end of the run changes with a parameter, at the estimates.

        Args:
            outcome: residents of a zone or a province (its code), of several zones together (their codes), or a
                function of all residents [zone], written for jax.numpy.
            parameter: name of a free parameter.

        Returns:
            Change of the outcome for a change of one in the natural value of the parameter.

        Raises:
            ConfigError: E-RUN-PARAMETER or E-RUN-ZONE, the run has no such free parameter or zone.
        """
        names = [entry.name for entry in self.model.registry.free]
        if parameter not in names:
            raise ConfigError("E-RUN-PARAMETER", f"{parameter!r} is not a free parameter", f"choose among {names}")
        of = outcome if callable(outcome) else self._sum_over(outcome)
        slope = jax.grad(lambda natural: of(self.model.residents(natural)))(self.estimates)
        return float(slope[names.index(parameter)])

    def _sum_over(self, zones: str | Sequence[str]) -> Callable[[Array], Array]:
        rows = self._rows(zones)
        return lambda residents: jnp.sum(residents[rows])

    def _matrix(self, year: int) -> np.ndarray:
        first, last = self.model.years
        if not first < year <= last:
            raise ConfigError("E-RUN-YEAR", f"the run has no moves of {year}", f"choose from {first + 1} to {last}")
        return self.model.flows(self.estimates, year)

    def _rows(self, named: str | Sequence[str] | None) -> np.ndarray:
        """Rows of the zones that a code of a zone or a province, or several codes, name."""
        codes, province = self.zones.codes.astype(str), self.zones.values("province").astype(str)
        if named is None:
            return np.arange(len(codes))
        rows = []
        for code in [named] if isinstance(named, str) else named:
            found = np.flatnonzero((codes == code) | (province == code))
            if not len(found):
                raise ConfigError("E-RUN-ZONE", f"no zone or province {code!r}", "give a code of zones.csv")
            rows.append(found)
        return np.unique(np.concatenate(rows))

    def _file(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise ConfigError("E-RUN", f"{self.path} holds no {name}", "name the folder of a finished run")
        return file


def load_run(path: Path | str) -> Run:
    """The finished run in a folder; its files are read when they are asked for.

    Raises:
        ConfigError: E-RUN, the folder holds no config.toml.
    """
    run = Run(Path(path))
    run._file("config.toml")
    return run
