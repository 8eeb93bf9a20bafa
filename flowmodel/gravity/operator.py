"""The gravity kernel K over all ordered pairs of zones, as a linear operator: `matvec` is K @ w, `rmatvec` K.T @ v.

K_oj = a_o S_oj b_j. S is symmetric with a zero diagonal and holds what a pair shares, distance and borders; the zones'
factors a and b hold what depends on the direction. How S is held is its own matter (`Strength`): as a matrix
(`stored`), as coordinates from which tiles are made when needed (`tiled`), or as a convolution on a grid (`spectral`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity.decay import Law
from flowmodel.gravity.pair import Place, coefficients, tilt
from flowmodel.parameters.registry import Parameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Factors:
    """A sum of outer products Σ_r left_r right_rᵀ over pairs, kept as its factors."""

    left: Float[Array, "*rank zone"]
    right: Float[Array, "*rank zone"]


Columns = Float[Array, "zone *column"]
"""One vector over zones, or several beside each other."""


class Exchange(NamedTuple):
    """The two products of a production-constrained step [zone].

    reach_o = Σ_j S_oj pull_j; push_o = leavers_o / reach_o, or nothing where nothing is in reach; arrivals_j =
    Σ_o push_o S_oj, of which pull_j times as many come.
    """

    reach: Float[Array, " zone"]
    push: Float[Array, " zone"]
    arrivals: Float[Array, " zone"]


class Strength(Protocol):
    """S over all pairs of zones, at one set of coefficients."""

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns, summed in the precision of S and handed back in the columns'."""

    def exchange(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """Those who leave each zone, shared out by S_oj pull_j."""

    def contract(self, factors: Factors) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every pair term φ_k."""

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself on the host, `step` rows at a time, float64 [row, zone]."""


class AllPairs(Protocol):
    """What is fixed about the pairs of zones."""

    @property
    def place(self) -> Place:
        """Where the zones lie, as far as borders go [zone]."""

    @property
    def dtype(self) -> Any:
        """The precision of S."""

    @property
    def law(self) -> Law:
        """The decay law of S."""

    def strength(self, coefficient: Float[Array, " coefficient"]) -> Strength:
        """S at these coefficients."""

    def in_dtype(self, dtype: Any) -> AllPairs:
        """The same pairs with S in another precision."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Taps:
    """Zeros beside the two products of a year; their cotangents are the factors of the cotangent of S."""

    matvec: Factors
    rmatvec: Factors


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Kernel:
    """The operator K = diag(origin) S diag(destination)."""

    strength: Strength
    origin: Float[Array, " zone"]
    destination: Float[Array, " zone"]
    taps: Taps | None = None

    def matvec(self, weight: Columns) -> Columns:
        """K @ weight: Σ_j K_oj w_j of every origin, for one vector or several."""
        return _scaled(self.origin, self.strength.multiply(_scaled(self.destination, weight)))

    def rmatvec(self, weight: Columns) -> Columns:
        """K.T @ weight: Σ_o v_o K_oj of every destination, for one vector or several."""
        return _scaled(self.destination, self.strength.multiply(_scaled(self.origin, weight)))

    def constrained(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """K's production-constrained step; those who have nothing in reach stay."""
        drawn = self.destination * pull
        if self.taps is None:
            found = self.strength.exchange(leavers, drawn)
        else:
            reach = _tapped(self.strength, drawn, self.taps.matvec)
            push = shared(leavers, reach)
            found = Exchange(reach, push, _tapped(self.strength, push, self.taps.rmatvec))
        # What an origin's factor adds to its reach it takes from its push.
        return Exchange(self.origin * found.reach, found.push / self.origin, self.destination * found.arrivals)


def shared(leavers: Float[Array, " zone"], reach: Float[Array, " zone"]) -> Float[Array, " zone"]:
    """Leavers over reach; zero where nothing is in reach."""
    reachable = reach > 0
    return jnp.where(reachable, leavers / jnp.where(reachable, reach, 1.0), 0.0)


def tilted(strength: Strength, tilt: Float[Array, " zone"]) -> Kernel:
    """The operator from its S and `tilt`."""
    return Kernel(strength, jnp.exp(-tilt), jnp.exp(tilt))


def build(parameters: Parameters, pairs: AllPairs) -> Kernel:
    """The operator of a parameter set."""
    return tilted(pairs.strength(coefficients(parameters)), tilt(parameters, pairs.place))


def _scaled(factor: Float[Array, " zone"], columns: Columns) -> Columns:
    return factor.reshape(-1, *(1,) * (columns.ndim - 1)) * columns


@jax.custom_vjp
def _tapped(strength: Strength, vector: Float[Array, " zone"], tap: Factors) -> Float[Array, " zone"]:
    """The product, with a rule that hands the cotangent of S over as factors in the place of the tap's."""
    return strength.multiply(vector)


def _tapped_forward(strength: Strength, vector: Array, tap: Factors) -> tuple[Array, tuple[Strength, Array, Factors]]:
    return strength.multiply(vector), (strength, vector, tap)


def _tapped_backward(residual: tuple[Strength, Array, Factors], cotangent: Array) -> tuple[None, Array, Factors]:
    # S is symmetric: what its transpose does to a vector it does itself.
    strength, vector, tap = residual
    factors = Factors(cotangent.astype(tap.left.dtype), vector.astype(tap.right.dtype))
    return None, strength.multiply(cotangent), factors


_tapped.defvjp(_tapped_forward, _tapped_backward)
