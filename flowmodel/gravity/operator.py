"""The gravity kernel K over all ordered pairs of zones, as a linear operator: `matvec` is K @ w, `rmatvec` K.T @ v.

K_oj = a_o S_oj b_j. S is symmetric with a zero diagonal and depends on distance and borders of a pair; the factors a
and b of zones depend on the direction. S is stored as a matrix (`dense`) or as coordinates from which tiles are
computed when a product needs them (`tiled`), both with the interface `Strength`; on a grid it is a convolution
(`spectral`). `bands` splits S into the pairs inside a province and the pairs between provinces.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.gravity.barriers import Place
from flowmodel.gravity.decay import Law
from flowmodel.gravity.pair import coefficients, tilt
from flowmodel.parameters.registry import Parameters

Band = Literal["all", "near", "far"]
"""Which pairs S covers: all, those inside one province (near), or those between two provinces (far)."""

Columns = Float[Array, "zone *column"]
"""One vector over zones, or several side by side."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Factors:
    """A sum of outer products Σ_r left_r right_rᵀ over pairs, kept as its factors."""

    left: Float[Array, "*rank zone"]
    right: Float[Array, "*rank zone"]


class Exchange(NamedTuple):
    """The two products of a production-constrained step [zone].

    reach_o = Σ_j S_oj pull_j; push_o = leavers_o / reach_o, or zero if the reach is zero; arrivals_j = Σ_o push_o S_oj.
    The number of people who arrive at j is pull_j · arrivals_j.
    """

    reach: Float[Array, " zone"]
    push: Float[Array, " zone"]
    arrivals: Float[Array, " zone"]


class Strength(Protocol):
    """S at one set of coefficients, over all pairs of zones or over one band of them; zero for all other pairs."""

    @property
    def dtype(self) -> Any:
        """The precision of S."""

    def multiply(self, columns: Columns) -> Columns:
        """S @ columns, summed in the precision of S and returned in the precision of the columns."""

    def exchange(self, leavers: Float[Array, " zone"], pull: Float[Array, " zone"]) -> Exchange:
        """Distributes the leavers of each zone in proportion to S_oj pull_j, by two separate products."""
        reach = self.multiply(pull)
        push = shared(leavers, reach)
        return Exchange(reach, push, self.multiply(push))

    def contract(self, factors: Factors) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every pair term φ_k."""

    def rows(self, step: int) -> Iterator[np.ndarray]:
        """S itself on the host, `step` rows at a time, float64 [row, zone]."""


class AllPairs(Protocol):
    """The pairs of zones, independent of the parameters."""

    @property
    def place(self) -> Place:
        """Indices and borders of the zones [zone]."""

    @property
    def dtype(self) -> Any:
        """The precision of S."""

    @property
    def law(self) -> Law:
        """The decay law of S."""

    def strength(self, coefficient: Float[Array, " coefficient"]) -> Strength:
        """S at these coefficients."""

    def in_dtype(self, dtype: Any) -> "AllPairs":
        """The same pairs with S in another precision."""

    def of(self, band: Band) -> "AllPairs":
        """The pairs of one band. The provinces must be values on the host, not traced ones."""


Taps = tuple[Factors, Factors]
"""Zeros that accompany the two products of a year; their cotangents are factors of the cotangent of S."""


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
        """K's production-constrained step; people without any destination in reach stay."""
        drawn = self.destination * pull
        if self.taps is None:
            found = self.strength.exchange(leavers, drawn)
        else:
            reach = tapped(self.strength, drawn, self.taps[0])
            push = shared(leavers, reach)
            found = Exchange(reach, push, tapped(self.strength, push, self.taps[1]))
        # An origin's factor multiplies its reach and divides its push.
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


def no_factors(zones: int, dtype: Any, *rank: int) -> Factors:
    """A tap: zeros [*rank, zone], whose cotangent will be the factors of a cotangent of S."""
    zeros = jnp.zeros((*rank, zones), dtype)
    return Factors(zeros, zeros)


@jax.custom_vjp
def tapped(strength: Strength, columns: Columns, tap: Factors) -> Columns:
    """S @ columns with a derivative that returns the cotangent of S as factors, in the place of the tap's cotangent."""
    return strength.multiply(columns)


def _tapped_forward(strength: Strength, columns: Columns, tap: Factors) -> tuple[Columns, Any]:
    return strength.multiply(columns), (strength, columns, tap)


def _tapped_backward(residual: tuple[Strength, Columns, Factors], cotangent: Columns) -> tuple[None, Columns, Factors]:
    # S is symmetric: the product with its transpose is the product with S itself.
    strength, columns, tap = residual
    factors = Factors(cotangent.T.astype(tap.left.dtype), columns.T.astype(tap.right.dtype))
    return None, strength.multiply(cotangent), factors


tapped.defvjp(_tapped_forward, _tapped_backward)
