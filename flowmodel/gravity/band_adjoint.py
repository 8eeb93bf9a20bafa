"""How a derivative reaches the coefficients of S through the stock: as factors, contracted once (see `adjoint`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.gravity.bands import BandedPairs, BandFactors, Bands, band_contract, band_strength
from flowmodel.gravity.operator import Factors


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GroupTaps:
    """The taps of one group: of its initial stock, of every year's products, and of the table of provinces if asked."""

    initial: BandFactors
    years: Any
    provinces: BandFactors | None


Run = Callable[[tuple[Bands, ...], tuple[GroupTaps, ...], Any], Any]
"""run(S of every kernel, taps of every group, other inputs) -> outputs."""


def through_bands(run: Run, which: tuple[int, ...]) -> Callable[..., Any]:
    """`run` as a function of the coefficients of S, differentiable in them and in its other inputs, not in the pairs.

    Args:
        run: uses S only through `bands.multiply` and `balance.balance`, each with a tap of its own.
        which: the kernel that each group's taps belong to.

    Returns:
        f(coefficients [kernel, coefficient], banded pairs, taps, other inputs) -> outputs of `run`.
    """

    def strengths(coefficients: Array, banded: BandedPairs) -> tuple[Bands, ...]:
        return tuple(band_strength(one, banded) for one in coefficients)

    @jax.custom_vjp
    def through(coefficients: Array, banded: BandedPairs, taps: tuple[GroupTaps, ...], rest: Any) -> Any:
        return run(strengths(coefficients, banded), taps, rest)

    def forward(coefficients: Array, banded: BandedPairs, taps: tuple[GroupTaps, ...], rest: Any) -> Any:
        matrices = strengths(coefficients, banded)
        outputs, pullback = jax.vjp(lambda taps, rest: run(matrices, taps, rest), taps, rest)
        return outputs, (coefficients, matrices, banded, pullback)

    def backward(residual: Any, cotangent: Any) -> Any:
        coefficients, matrices, banded, pullback = residual
        taps, rest = pullback(cotangent)
        slopes = [
            band_contract(_merged([tap for tap, k in zip(taps, which, strict=True) if k == index]), matrix, one, banded)
            for index, (one, matrix) in enumerate(zip(coefficients, matrices, strict=True))
        ]
        return jnp.stack(slopes), None, None, rest

    through.defvjp(forward, backward)
    return through


def _merged(taps: list[GroupTaps]) -> BandFactors:
    """All factors of the taps side by side [zone, rank]."""
    found = jax.tree.leaves(taps, is_leaf=lambda node: isinstance(node, BandFactors))

    def beside(band: str, side: str) -> Float[Array, "zone rank"]:
        return jnp.concatenate([_flat(getattr(getattr(factors, band), side)) for factors in found], axis=1)

    return BandFactors(*(Factors(beside(band, "left"), beside(band, "right")) for band in ("near", "far")))


def _flat(columns: Float[Array, "*year zone column"]) -> Float[Array, "zone rank"]:
    """Columns of every year side by side."""
    return columns if columns.ndim == 2 else jnp.moveaxis(columns, 0, 1).reshape(columns.shape[1], -1)
