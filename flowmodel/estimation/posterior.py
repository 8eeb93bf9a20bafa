"""Base class of objectives: negative log likelihoods of the targets, and negative log priors."""

import abc
from typing import Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.estimation.census import Census
from flowmodel.parameters.registry import Registry


class Posterior(abc.ABC):
    """Negative log posterior density as a function of the free parameters' natural values; subclasses add terms."""

    registry: Registry
    targets: tuple[str, ...]
    priors: bool
    weights: tuple[tuple[str, float], ...]

    @abc.abstractmethod
    def terms(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Negative log likelihood by target, without weights."""

    @property
    @abc.abstractmethod
    def census(self) -> Census:
        """The counts of residents, and which zones the fit may use."""

    @abc.abstractmethod
    def predicted(self, natural: Float[Array, " free"]) -> Float[Array, "output zone"]:
        """Residents at the end, and with registration the bands of a census, persons."""

    @abc.abstractmethod
    def held_out(self, held: np.ndarray, province: np.ndarray | None) -> Self:
        """The same objective without the outcomes of the zones `held` [zone].

        It omits growth, bands, skills, and the zones' part of national sums. With the index of every zone's `province`
        it also omits pairs of provinces in which all zones of a province are held out.
        """

    @abc.abstractmethod
    def with_growth(self, end: np.ndarray, from_zone: np.ndarray, natural: np.ndarray) -> Self:
        """The same objective where the census counts `end` residents and each zone has the growth of `from_zone`.

        The bands of a zone are those predicted at `natural`, times the ratio of counted to predicted bands in the zone
        whose growth it takes.
        """

    def likelihood(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log likelihood of all targets, each with its weight."""
        weights = dict(self.weights)
        return jnp.sum(jnp.stack([weights.get(name, 1.0) * value for name, value in self.terms(natural).items()]))

    def prior(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log prior density without its constant; zero if the configuration turns priors off."""
        return jnp.sum(self.registry.prior_scores(natural) ** 2) / 2 if self.priors else jnp.zeros(())

    def __call__(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log posterior density."""
        return self.likelihood(natural) + self.prior(natural)
