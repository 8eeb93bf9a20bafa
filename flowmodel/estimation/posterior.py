"""What every objective is: targets with a likelihood each, and priors; all are negative log densities."""

from __future__ import annotations

import abc

import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.parameters.registry import Registry


class Posterior(abc.ABC):
    """A function of the free parameters' natural values; leaves say what its terms are."""

    registry: Registry
    targets: tuple[str, ...]
    priors: bool
    weights: tuple[tuple[str, float], ...]

    @abc.abstractmethod
    def terms(self, natural: Float[Array, " free"]) -> dict[str, Float[Array, ""]]:
        """Negative log likelihood by target, without weights."""

    def likelihood(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log likelihood of all targets, each with its weight."""
        weights = dict(self.weights)
        return jnp.sum(jnp.stack([weights.get(name, 1.0) * value for name, value in self.terms(natural).items()]))

    def prior(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log prior density, less its constant; zero where the configuration turns priors off."""
        return jnp.sum(self.registry.prior_scores(natural) ** 2) / 2 if self.priors else jnp.zeros(())

    def __call__(self, natural: Float[Array, " free"]) -> Float[Array, ""]:
        """Negative log posterior density."""
        return self.likelihood(natural) + self.prior(natural)
