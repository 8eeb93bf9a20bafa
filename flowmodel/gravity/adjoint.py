"""Derivatives by the coefficients of S.

Plain reverse mode through the years adds an N × N cotangent of S at every product, which takes 10 to 16 times as long
as the years. That cotangent is a sum of outer products, one per product. The rule here collects their factors
(`operator.tapped`) and contracts them once with the pair terms, which takes 2 to 3 times as long as the years.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.gravity.bands import Bands
from flowmodel.gravity.operator import Factors

Run = Callable[[tuple[Any, ...], tuple[Any, ...], Any], Any]
"""run(S of every kernel, taps of every group, other inputs) -> outputs."""


def through_strengths(run: Run, which: tuple[int, ...]) -> Callable[..., Any]:
    """`run` as a function of the coefficients of S, differentiable in them and in its other inputs, not in the pairs.

    Args:
        run: uses S only in products that have a tap of their own: `operator.tapped`, `Banded.multiply`, `ipf.fit`.
        which: the kernel that each group's taps belong to.

    Returns:
        f(coefficients [kernel, coefficient], pairs, taps, other inputs) -> outputs of `run`. The pairs have a method
        `strength`; their S has a method `contract`, and its taps are trees of `Factors` or of `Bands` of them.
    """

    def strengths(coefficients: Float[Array, "kernel coefficient"], pairs: Any) -> tuple[Any, ...]:
        return tuple(pairs.strength(one) for one in coefficients)

    @jax.custom_vjp
    def through(coefficients: Array, pairs: Any, taps: tuple[Any, ...], rest: Any) -> Any:
        return run(strengths(coefficients, pairs), taps, rest)

    def forward(coefficients: Array, pairs: Any, taps: tuple[Any, ...], rest: Any) -> Any:
        made = strengths(coefficients, pairs)
        outputs, pullback = jax.vjp(lambda taps, rest: run(made, taps, rest), taps, rest)
        return outputs, (made, pullback)

    def backward(residual: Any, cotangent: Any) -> Any:
        made, pullback = residual
        taps, rest = pullback(cotangent)
        slopes = [
            strength.contract(_merged([tap for tap, kernel in zip(taps, which, strict=True) if kernel == index]))
            for index, strength in enumerate(made)
        ]
        return jnp.stack(slopes), None, None, rest

    through.defvjp(forward, backward)
    return through


def _merged(taps: list[Any]) -> Any:
    """All factors of the taps side by side, [rank, zone] each."""

    def beside(*sides: Float[Array, "*rank zone"]) -> Float[Array, "rank zone"]:
        return jnp.concatenate([side.reshape(-1, side.shape[-1]) for side in sides])

    one_each = jax.tree.leaves(taps, is_leaf=lambda node: isinstance(node, Bands | Factors))
    return jax.tree.map(beside, *one_each)
