"""How a derivative reaches the coefficients of the kernel.

Plain reverse mode through the years adds up an N × N cotangent of S at every product: 10 to 16 times the cost of the
years themselves. That cotangent is a sum of outer products, one a product. The rule here collects their factors
(`kernel.Taps`) and contracts them once with the pair terms: 2 to 3 times the cost of the years.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.gravity.operator import AllPairs, Factors, Strength, Taps

Run = Callable[[Strength, Taps, Any], Any]
"""run(S, taps with a leading axis of years, other inputs) -> outputs."""


def through_strength(run: Run, years: int) -> Callable[[Float[Array, " coefficient"], AllPairs, Any], Any]:
    """`run` as a function of the coefficients of S, differentiable in them and in its other inputs, not in the pairs.

    Args:
        run: uses S only through `Kernel.matvec` and `Kernel.rmatvec`, once each a year, with that year's taps.
        years: the number of years.

    Returns:
        f(coefficients, pairs, other inputs) -> outputs of `run`.
    """

    @jax.custom_vjp
    def through(coefficient: Array, pairs: AllPairs, rest: Any) -> Any:
        return run(pairs.strength(coefficient), _zeros(pairs, years), rest)

    def forward(coefficient: Array, pairs: AllPairs, rest: Any) -> Any:
        strength = pairs.strength(coefficient)
        outputs, pullback = jax.vjp(lambda taps, rest: run(strength, taps, rest), _zeros(pairs, years), rest)
        return outputs, (strength, pullback)

    def backward(residual: Any, cotangent: Any) -> Any:
        strength, pullback = residual
        taps, rest = pullback(cotangent)
        factors = Factors(
            jnp.concatenate([taps.matvec.left, taps.rmatvec.left]),
            jnp.concatenate([taps.matvec.right, taps.rmatvec.right]),
        )
        return strength.contract(factors), None, rest

    through.defvjp(forward, backward)
    return through


def _zeros(pairs: AllPairs, years: int) -> Taps:
    zeros = jnp.zeros((years, *pairs.place.index.shape), pairs.dtype)
    return Taps(Factors(zeros, zeros), Factors(zeros, zeros))
