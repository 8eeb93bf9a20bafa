"""A table of two bands with given margins: iterative proportional fitting, and its derivative by the implicit rule.

T_oj = x_o S_oj y_j,b with b the band of the pair, so that Σ_j T_oj = out_o, Σ_o near T_oj = near_j and Σ_o far T_oj =
far_j. The iteration is over-relaxed (`scaling`), which the slow exchange between provinces needs: a third of the
rounds. Its derivative solves one linear system, symmetric in log potentials, by
conjugate gradients.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float, Int

from flowmodel.gravity import scaling
from flowmodel.gravity.bands import BandedPairs, BandFactors, Bands, multiply
from flowmodel.gravity.operator import Factors
from flowmodel.gravity.scaling import Rules

_RELAXATION = 1.6
_NEAR_ENOUGH = 0.1
"""Log error of the margins below which rounds are over-relaxed: far from the solution that can diverge."""
_MOST_ROUNDS = 2000
_MOST_SOLVER_STEPS = 400


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sides:
    """The margins of a table, or its potentials x and y: by origin, and by destination in two bands."""

    out: Float[Array, " zone"]
    near: Float[Array, " zone"]
    far: Float[Array, " zone"]


def tolerance(dtype: Any) -> float:
    """The largest log error of a margin at which the fitting stops: what products in `dtype` can resolve."""
    return 1e-12 if dtype == jnp.float64 else 3e-6


@jax.custom_vjp
def balance(matrix: Bands, margins: Sides, banded: BandedPairs, tap: BandFactors) -> Sides:
    """Potentials of the table with the margins given; differentiable in S, through `tap`, and not in the margins.

    Args:
        matrix: S.
        margins: persons; sum(out) = sum(near) + sum(far), near ones in every province within the reach of its out.
        banded: the pairs.
        tap: factors of rank 2, for the cotangent of S.
    """
    return _potentials(matrix, margins, banded)[0]


def rounds(matrix: Bands, margins: Sides, banded: BandedPairs) -> tuple[Sides, Int[Array, ""], Float[Array, ""]]:
    """The potentials, the rounds they took, and the largest log error of a margin that is left."""
    return _fitted(matrix, margins, banded)


def _fitted(matrix: Bands, margins: Sides, banded: BandedPairs) -> tuple[Sides, Array, Array]:
    close, columns = tolerance(matrix.far.dtype), Bands(margins.near, margins.far)

    def over_columns(y: Bands) -> Array:
        return _reach(matrix, Sides(margins.out, y.near, y.far), banded)

    rules = Rules(
        power=lambda now: jnp.where(now.error > _NEAR_ENOUGH, 1.0, _RELAXATION).astype(now.power.dtype),
        raised=jnp.power,
        ratio=_ratio,
        error=_error,
        going=lambda now: (now.done < _MOST_ROUNDS) & (now.error > close),
    )
    begin = scaling.start(margins.out, columns, jnp.ones(()))
    end = scaling.fitted(begin, margins.out, columns, over_columns, lambda x: _reached(matrix, x, banded), rules)
    return Sides(end.rows, end.columns.near, end.columns.far), end.done, end.error


def _ratio(wanted: Array, found: Array) -> Array:
    return jnp.where(wanted > 0, wanted / jnp.where(wanted > 0, found, 1.0), 0.0)


def _error(ratio: Array, margin: Array) -> Array:
    return jnp.max(jnp.where(margin > 0, jnp.abs(jnp.log(jnp.where(margin > 0, ratio, 1.0))), 0.0))


def _reach(matrix: Bands, at: Sides, banded: BandedPairs) -> Array:
    """Σ_j S_oj y_j of every origin, over both bands."""
    product = multiply(matrix, Bands(at.near[:, None], at.far[:, None]), banded)
    return (product.near + product.far)[:, 0]


def _reached(matrix: Bands, x: Array, banded: BandedPairs) -> Bands:
    """Σ_o x_o S_oj of every destination, by band."""
    product = multiply(matrix, Bands(x[:, None], x[:, None]), banded)
    return Bands(product.near[:, 0], product.far[:, 0])


@jax.custom_jvp
def _potentials(matrix: Bands, margins: Sides, banded: BandedPairs) -> tuple[Sides]:
    return (_fitted(matrix, margins, banded)[0],)


@_potentials.defjvp
def _potentials_tangent(primals: Any, tangents: Any) -> tuple[tuple[Sides], tuple[Sides]]:
    """Forward mode, for second derivatives: what a change of S does to the margins, taken back by the potentials."""
    matrix, margins, banded = primals
    change = tangents[0]
    (at,) = _potentials(matrix, margins, banded)
    moved = _reached(change, at.out, banded)
    upset = Sides(-at.out * _reach(change, at, banded), -at.near * moved.near, -at.far * moved.far)
    logs = _solve(matrix, margins, banded, at, upset)
    return (at,), (Sides(at.out * logs.out, at.near * logs.near, at.far * logs.far),)


def _solve(matrix: Bands, margins: Sides, banded: BandedPairs, at: Sides, right: Sides) -> Sides:
    """Solves [[diag(out), T], [Tᵀ, diag(near, far)]] · logs = right, for the log potentials of origins first.

    Destinations are eliminated; what is left for the origins is positive but for one constant, which no table feels.
    """
    near, far = (jnp.where(m > 0, 1 / jnp.where(m > 0, m, 1.0), 0.0) for m in (margins.near, margins.far))

    def gathered(weights: Bands) -> Array:
        return at.out * _reach(matrix, Sides(at.out, at.near * weights.near, at.far * weights.far), banded)

    def spread(logs: Array) -> Bands:
        moved = _reached(matrix, at.out * logs, banded)
        return Bands(at.near * moved.near * near, at.far * moved.far * far)

    def schur(logs: Array) -> Array:
        # A constant added to all logs changes no table: the second term gives it an eigenvalue of one, not of zero.
        constant = margins.out * (jnp.sum(margins.out * logs) / jnp.sum(margins.out))
        return margins.out * logs - gathered(spread(logs)) + constant

    wanted = right.out - gathered(Bands(right.near * near, right.far * far))
    scale = jnp.where(margins.out > 0, 1 / jnp.sqrt(jnp.where(margins.out > 0, margins.out, 1.0)), 0.0)
    # Where a margin is zero its potential is, and stays, zero: those rows are left as the identity.
    idle = (margins.out <= 0).astype(scale.dtype)
    found, _ = cg(
        lambda v: scale * schur(scale * v) + idle * v,
        scale * wanted,
        tol=tolerance(matrix.far.dtype),
        maxiter=_MOST_SOLVER_STEPS,
    )
    out = scale * found
    back = spread(out)
    return Sides(out, right.near * near - back.near, right.far * far - back.far)


def _forward(matrix: Bands, margins: Sides, banded: BandedPairs, tap: BandFactors) -> tuple[Sides, Any]:
    (at,) = _potentials(matrix, margins, banded)
    return at, (matrix, margins, banded, at)


def _backward(residual: Any, cotangent: Sides) -> tuple[None, None, None, BandFactors]:
    """The cotangent of S, −x_o y_jb (λ_o + μ_jb), with (λ, μ) the solution for the potentials' cotangents."""
    matrix, margins, banded, at = residual
    wanted = Sides(cotangent.out * at.out, cotangent.near * at.near, cotangent.far * at.far)
    dual = _solve(matrix, margins, banded, at, wanted)
    dtype = matrix.far.dtype

    def factors(y: Array, mu: Array) -> Factors:
        left = jnp.stack([-at.out * dual.out, -at.out], axis=1)
        return Factors(left.astype(dtype), jnp.stack([y, y * mu], axis=1).astype(dtype))

    return None, None, None, BandFactors(factors(at.near, dual.near), factors(at.far, dual.far))


balance.defvjp(_forward, _backward)
