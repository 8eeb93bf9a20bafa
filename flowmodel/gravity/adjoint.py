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

from flowmodel.gravity.kernel import Factors, Pairs, Taps, contract, strength

Run = Callable[[Float[Array, "zone zone"], Taps, Any], Any]
"""run(S, taps with a leading axis of years, other inputs) -> outputs."""


def through_strength(run: Run, years: int) -> Callable[[Float[Array, " coefficient"], Pairs, Any], Any]:
    """`run` as a function of the coefficients of S, differentiable in them and in its other inputs, not in the pairs.

    Args:
        run: uses S only through `Kernel.matvec` and `Kernel.rmatvec`, once each a year, with that year's taps.
        years: the number of years.

    Returns:
        f(coefficients, pairs, other inputs) -> outputs of `run`.
    """

    @jax.custom_vjp
    def through(coefficient: Array, pairs: Pairs, rest: Any) -> Any:
        return run(strength(coefficient, pairs), _zeros(pairs, years), rest)

    def forward(coefficient: Array, pairs: Pairs, rest: Any) -> Any:
        matrix = strength(coefficient, pairs)
        outputs, pullback = jax.vjp(lambda taps, rest: run(matrix, taps, rest), _zeros(pairs, years), rest)
        return outputs, (matrix, pairs, pullback)

    def backward(residual: Any, cotangent: Any) -> Any:
        matrix, pairs, pullback = residual
        taps, rest = pullback(cotangent)
        factors = Factors(
            jnp.concatenate([taps.matvec.left, taps.rmatvec.left]),
            jnp.concatenate([taps.matvec.right, taps.rmatvec.right]),
        )
        return contract(factors, matrix, pairs), None, rest

    through.defvjp(forward, backward)
    return through


def _zeros(pairs: Pairs, years: int) -> Taps:
    zeros = jnp.zeros((years, pairs.log_distance.shape[0]), pairs.log_distance.dtype)
    return Taps(Factors(zeros, zeros), Factors(zeros, zeros))
