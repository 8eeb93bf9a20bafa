"""One fit for both sides of a comparison: flowmodel and the NumPy model, at the same parameter values."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, Float

import geo
from benchmarks import peak_memory
from benchmarks.numpy_model import NumpyModel
from flowmodel import runtime
from flowmodel.dynamics.residents import setup
from flowmodel.estimation import objective as objectives
from flowmodel.estimation.objective import Objective
from flowmodel.parameters.registry import Registry
from flowmodel.runs.folder import RunFolder
from flowmodel.runs.request import read_config
from flowmodel.runs.zones import obtain

STEP = 1e-3


@dataclasses.dataclass(frozen=True)
class Case:
    """The objective of a configuration, the NumPy model on the same zones, and the parameters of both."""

    objective: Objective
    numpy: NumpyModel
    natural: Float[Array, " free"]
    named: dict[str, float]
    end: np.ndarray
    own_peak_gb: float

    @property
    def zones(self) -> int:
        """Number of zones."""
        return len(self.end)

    def _data(self) -> tuple[np.ndarray, float, float]:
        return self.end, self.objective.degrees_of_freedom, self.objective.national_sd

    def central_differences(self) -> np.ndarray:
        """The gradient by two evaluations of the NumPy model's loss for each parameter."""
        data = self._data()

        registry = self.objective.registry

        def slope(name: str) -> float:
            above, below = (self.named | {name: self.named[name] + side * STEP} for side in (1, -1))
            return (self.numpy.loss(above, *data) - self.numpy.loss(below, *data)) / (2 * STEP)

        return np.asarray([slope(_numbered(name, registry)) for name in _free(registry)])

    def batched_differences(self) -> np.ndarray:
        """The same, faster: parameters that do not change the pairs are columns of one product."""
        registry = self.objective.registry
        names = [_numbered(name, registry) for name in _free(registry)]
        data = self._data()
        return self.numpy.gradient(self.named, names, *data)


def load(config: Path, settings: Sequence[str] = ()) -> Case:
    """The case of a configuration and what is set over it, at the centres of its priors, on the device in use."""
    asked = read_config(config, settings, device=jax.default_backend())
    with tempfile.TemporaryDirectory() as folder:
        table = obtain(asked, RunFolder(Path(folder)), geo.Maps())
        own_peak_gb = peak_memory.alone("gradient", config, Path(folder) / "zones.nc", jax.default_backend())
    model = setup.build(table, asked.config, runtime.kernel_dtype(asked.config.runtime))
    z, place = model.zones, model.pairs.place
    model_in_numpy = NumpyModel(
        lon=table.values("lon"),
        lat=table.values("lat"),
        province=np.asarray(place.province),
        prefecture=np.asarray(place.prefecture),
        east=np.asarray(place.east),
        population=np.asarray(z.population),
        birth_rate=np.asarray(z.birth_rate),
        death_rate=np.asarray(z.death_rate),
        attraction=np.asarray(z.attraction),
        departure=np.asarray(z.departure),
        births_path=np.asarray(model.calendar.births),
        deaths_path=np.asarray(model.calendar.deaths),
        offset_km=float(model.registry["offset_km"].fixed or 0),
    )
    objective = objectives.objective(model, asked.config.fit.model_copy(update={"priors": False}))
    natural = model.registry.prior_centres()
    values = model.registry.values(np.asarray(natural))
    named = {_numbered(name, model.registry): value for name, value in values.items()}
    return Case(objective, model_in_numpy, natural, named, table.population(model.years[1]), own_peak_gb)


def largest_difference(ours: object, peer: object) -> float:
    """The largest difference of two vectors, relative to the second's largest value."""
    ours, peer = np.asarray(ours), np.asarray(peer)
    return float(np.max(np.abs(ours - peer)) / np.max(np.abs(peer)))


def _free(registry: Registry) -> list[str]:
    return [entry.name for entry in registry.free]


def _numbered(name: str, registry: Registry) -> str:
    """A covariate's name in the NumPy model, which numbers them."""
    kind, _, covariate = name.partition(":")
    same = [entry.name for entry in registry.entries if entry.name.startswith(f"{kind}:")]
    return f"{kind}:{same.index(name)}" if covariate else name
