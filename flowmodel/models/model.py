"""The interface that every model implements, and through which every run uses it."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Array, Float

from flowmodel.config import Config
from flowmodel.estimation.posterior import Posterior
from flowmodel.parameters.registry import Registry
from flowmodel.zones import table as labelled
from flowmodel.zones.table import ZoneTable

Writer = Callable[[Path], object]
"""Fills the file at a path."""


class Model(Protocol):
    """A model of a configuration on its zones, ready to run.

    A run at natural values of the free parameters gives its accounts (`closed` below), whose form is the model's own.
    """

    @property
    def table(self) -> ZoneTable:
        """The zones."""

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year."""

    @property
    def registry(self) -> Registry:
        """The parameters."""

    @property
    def tile(self) -> int:
        """Zones of a side of a tile of the kernel; 0 where the kernel is stored or is a convolution."""

    def announce(self) -> Iterable[str]:
        """Lines for a person before the run: how the kernel is stored, what it needs, what was assumed."""

    def objective(self) -> Posterior:
        """The function that a fit minimises.

        Raises:
            ConfigError: this model cannot be fitted.
        """

    def run(self, natural: Float[Array, " free"]) -> Any:
        """The closed accounts of a run at natural values of the free parameters.

        Raises:
            NumericError: people are lost, or a number is not finite.
        """

    def summary(self, closed: Any) -> Iterable[str]:
        """Lines for a person after the run."""

    def end(self, closed: Any) -> np.ndarray:
        """Residents at the end, persons [zone]."""

    def files(self, closed: Any) -> Iterator[tuple[str, Writer]]:
        """The files of a run folder that are the model's own: a name and a writer each."""

    def report(self, closed: Any) -> dict[str, Any]:
        """The model's own blocks of metrics.json."""

    def natural_end(self) -> np.ndarray:
        """Residents at the end if nobody moved, persons [zone]."""

    def known(self) -> Mapping[str, np.ndarray]:
        """Columns that a least-squares baseline may use, by the baseline's name [zone, column]."""

    def residents(self, natural: Float[Array, " free"]) -> Float[Array, " zone"]:
        """Residents at the end, persons; differentiable in the natural values."""

    def flows(self, natural: Float[Array, " free"], year: int) -> Float[np.ndarray, "zone zone"]:
        """Moves from origin to destination in the year that ends with `year`, persons, float64."""


@dataclasses.dataclass(frozen=True)
class OfCounties:
    """What the models of counties share, with and without registration."""

    setup: Any
    config: Config
    base: Path

    @property
    def table(self) -> ZoneTable:
        """The zones."""
        return cast(ZoneTable, self.setup.table)

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year."""
        first, last = self.setup.years
        return first, last

    @property
    def registry(self) -> Registry:
        """The parameters."""
        return cast(Registry, self.setup.registry)

    @property
    def tile(self) -> int:
        """Zones along a side of a tile of the kernel; 0 where it is dense."""
        return int(self.setup.storage.tile)

    def summary(self, closed: Any) -> tuple[str, ...]:
        """Nothing: the tables of a fit contain it."""
        return ()


def csv(table: pd.DataFrame) -> Writer:
    """A writer of `table` as CSV."""
    return partial(table.to_csv, index=False)


def netcdf(data: xr.Dataset) -> Writer:
    """A writer of `data` as a labelled file."""
    return partial(labelled.write, data)
