"""How badly parameters explain a census: one term a target, and the priors; all are negative log densities."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from flowmodel.dynamics import rollout
from flowmodel.dynamics.year import Calendar
from flowmodel.fit.observation import Census, log_growth
from flowmodel.gravity.kernel import Pairs
from flowmodel.parameters import Parameters, Registry
from flowmodel.zones import Zones


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["zones", "pairs", "years", "observed"],
    meta_fields=["registry", "targets", "priors", "degrees_of_freedom", "national_sd"],
)
@dataclasses.dataclass(frozen=True)
class Objective:
    """The objective of a fit, a function of the free parameters' natural values; an argument of what is jitted."""

    zones: Zones
    pairs: Pairs
    years: Calendar
    observed: Census
    registry: Registry
    targets: tuple[str, ...]
    priors: bool
    degrees_of_freedom: float
    national_sd: float

    def residents(self, parameters: Parameters) -> Float[Array, " zone"]:
        """Residents at the end of the interval, persons."""
        return rollout.residents(parameters, self.zones, self.pairs, self.years)

    def terms(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Negative log likelihood by target."""
        parameters = self.registry.parameters(natural)
        end = self.residents(parameters)
        terms = {
            "growth": lambda: growth(parameters, end, self.observed, self.degrees_of_freedom),
            "national_total": lambda: national_total(jnp.sum(end), self.observed.national, self.national_sd),
        }
        return {name: terms[name]() for name in self.targets}

    def likelihood(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log likelihood of all targets."""
        return jnp.sum(jnp.stack(list(self.terms(natural).values())))

    def prior(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log prior density, less its constant; zero where the configuration turns priors off."""
        return jnp.sum(self.registry.prior_scores(natural) ** 2) / 2 if self.priors else jnp.zeros(())

    def __call__(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log posterior density."""
        return self.likelihood(natural) + self.prior(natural)


def growth(parameters: Parameters, end: Float[Array, " zone"], observed: Census, degrees: float) -> Float[Array, ""]:
    """Student's t of log growth with scale √(σ_0² + σ_1²/n): boundary artefacts are far out, small zones noisy.

    Zones without residents at either date have no growth and take no part; they are in the national total.
    """
    people = jnp.where(observed.counted, observed.start, 1.0)
    scale = jnp.sqrt(parameters.noise**2 + parameters.noise_size**2 / people)
    standard = (log_growth(observed.end, observed) - log_growth(end, observed)) / scale
    constant = gammaln(degrees / 2) - gammaln((degrees + 1) / 2) + jnp.log(degrees * jnp.pi) / 2
    density = constant + jnp.log(scale) + (degrees + 1) / 2 * jnp.log1p(standard**2 / degrees)
    return jnp.sum(jnp.where(observed.counted, density, 0.0))


def national_total(end: Float[Array, ""], observed: Float[Array, ""], sd: float) -> Float[Array, ""]:
    """Normal of the log national total: what makes the births' adjustment close the nation."""
    return ((jnp.log(end) - jnp.log(observed)) / sd) ** 2 / 2
