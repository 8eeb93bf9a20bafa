"""The objective of the model without registration: negative log likelihoods of growth and the national total."""

import dataclasses
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Fit
from flowmodel.dynamics.residents import rollout
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.dynamics.residents.zones import Zones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.estimation import likelihoods
from flowmodel.estimation.census import Census, census
from flowmodel.estimation.posterior import Posterior
from flowmodel.gravity.operator import AllPairs
from flowmodel.parameters.registry import Parameters, Registry


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Objective(Posterior):
    """The objective of a fit, a function of the free parameters' natural values; a pytree, so JAX can compile it."""

    zones: Zones
    pairs: AllPairs
    years: Calendar
    observed: Census
    registry: Registry = dataclasses.field(metadata={"static": True})
    targets: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    weights: tuple[tuple[str, float], ...] = dataclasses.field(metadata={"static": True})
    priors: bool = dataclasses.field(metadata={"static": True})
    degrees_of_freedom: float = dataclasses.field(metadata={"static": True})
    national_sd: float = dataclasses.field(metadata={"static": True})

    def residents(self, parameters: Parameters) -> Float[Array, " zone"]:
        """Residents at the end of the interval, persons."""
        return rollout.residents(parameters, self.zones, self.pairs, self.years)

    @property
    def census(self) -> Census:
        """The counts of residents."""
        return self.observed

    def predicted(self, natural: Float[Array, " free"]) -> Float[Array, "output zone"]:
        """Residents at the end, persons."""
        return self.residents(self.registry.parameters(natural))[None]

    def held_out(self, held: np.ndarray, province: np.ndarray | None) -> Self:
        """The same objective without the outcomes of the zones `held`."""
        return dataclasses.replace(self, observed=census(self.census.start, self.census.end, jnp.asarray(~held)))

    def with_growth(self, end: np.ndarray, from_zone: np.ndarray, natural: np.ndarray) -> Self:
        """The same objective where the census counts `end` residents."""
        return dataclasses.replace(self, observed=census(self.census.start, jnp.asarray(end), self.census.seen))

    def terms(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Negative log likelihood by target."""
        parameters, seen = self.registry.parameters(natural), self.observed
        end, noise = self.residents(parameters), (parameters.noise, parameters.noise_size)
        terms = {
            "growth": lambda: likelihoods.growth(*noise, end, seen, self.degrees_of_freedom),
            "national_total": lambda: likelihoods.national_total(seen.total(end), seen.national, self.national_sd),
        }
        return {name: terms[name]() for name in self.targets}


def objective(model: Setup, fit: Fit, seen: Array | None = None) -> Objective:
    """The objective that compares `model` with the censuses of its first and last year, in all zones or the `seen`."""
    end = jnp.asarray(model.table.population(model.years[1]))
    return Objective(
        zones=model.zones,
        pairs=model.pairs,
        years=model.calendar,
        observed=census(model.zones.population, end, seen),
        registry=model.registry,
        targets=fit.targets,
        weights=tuple(fit.weights.items()),
        priors=fit.priors,
        degrees_of_freedom=fit.degrees_of_freedom,
        national_sd=fit.national_sd,
    )
