"""S by bands, as a census counts migrants: pairs inside one province (near) and between two provinces (far).

Each band has the interface of `operator.Strength`; their sum is S.
"""

import dataclasses
from typing import Any

import jax
from jaxtyping import Array, Float

from flowmodel.gravity.barriers import Place
from flowmodel.gravity.decay import Law
from flowmodel.gravity.operator import AllPairs, Strength, no_factors, tapped


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Bands:
    """Columns or taps for the near pairs, and for the far pairs."""

    near: Any
    far: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Banded:
    """S in two parts, near and far; their sum is S over all pairs."""

    near: Strength
    far: Strength

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.far.dtype

    def multiply(self, columns: Bands, tap: Bands | None = None) -> Bands:
        """The near part times the near columns and the far part times the far columns; `tap` as of `tapped`."""
        if tap is None:
            return Bands(self.near.multiply(columns.near), self.far.multiply(columns.far))
        return Bands(tapped(self.near, columns.near, tap.near), tapped(self.far, columns.far, tap.far))

    def contract(self, factors: Bands) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_r left_ro right_rj) S_oj φ_k(o, j) for every pair term φ_k, over near and far pairs."""
        return self.far.contract(factors.far) + self.near.contract(factors.near)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BandedPairs:
    """The pairs of each band, independent of the parameters."""

    near: AllPairs
    far: AllPairs

    @property
    def whole(self) -> AllPairs:
        """All pairs, of both bands."""
        return self.far.of("all")

    @property
    def law(self) -> Law:
        """The decay law of S."""
        return self.far.law

    @property
    def place(self) -> Place:
        """Indices and borders of the zones [zone]."""
        return self.far.place

    @property
    def dtype(self) -> Any:
        """The precision of S."""
        return self.far.dtype

    def strength(self, coefficient: Float[Array, " coefficient"]) -> Banded:
        """S at these coefficients."""
        return Banded(self.near.strength(coefficient), self.far.strength(coefficient))

    def in_dtype(self, dtype: Any) -> "BandedPairs":
        """The same pairs with S in another precision."""
        return BandedPairs(self.near.in_dtype(dtype), self.far.in_dtype(dtype))


def banded(pairs: AllPairs) -> BandedPairs:
    """The pairs by bands, from the provinces of their places."""
    return BandedPairs(pairs.of("near"), pairs.of("far"))


def no_band_factors(zones: int, dtype: Any, *rank: int) -> Bands:
    """A tap of a product by bands: zeros whose cotangent will be factors [*rank, zone] of each band."""
    return Bands(no_factors(zones, dtype, *rank), no_factors(zones, dtype, *rank))
