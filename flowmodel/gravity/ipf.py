"""Iterative proportional fitting of a table of two bands to given margins, and its derivative by the implicit rule.

T_oj = x_o S_oj y_j,b with b the band of the pair, so that Σ_j T_oj = out_o, Σ_o near T_oj = near_j and Σ_o far T_oj =
far_j. Over-relaxation (`scaling`) cuts the rounds to a third, because few people move between provinces. The derivative
solves one linear system, symmetric in log potentials, by conjugate gradients.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Float, Int

from flowmodel.gravity import scaling
from flowmodel.gravity.bands import Banded, Bands
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
    """The largest log error of a margin at which the fitting stops, which products in `dtype` can resolve."""
    return 1e-12 if dtype == jnp.float64 else 3e-6


@jax.custom_vjp
def fit(strength: Banded, margins: Sides, tap: Bands) -> Sides:
    """Potentials of the table with given margins; differentiable in S, through `tap`, but not in the margins.

    The margins are persons with sum(out) = sum(near) + sum(far), and in every province sum(near) <= sum(out). `tap`
    holds factors of rank 2 of each band, for the cotangent of S.
    """
    return _potentials(strength, margins)[0]


def rounds(strength: Banded, margins: Sides) -> tuple[Sides, Int[Array, ""], Float[Array, ""]]:
    """The potentials, the number of rounds, and the largest log error of a margin that is left."""
    close, columns = tolerance(strength.dtype), Bands(margins.near, margins.far)

    def over_columns(y: Bands) -> Array:
        return _reach(strength, Sides(margins.out, y.near, y.far))

    rules = Rules(
        power=lambda now: jnp.where(now.error > _NEAR_ENOUGH, 1.0, _RELAXATION).astype(now.power.dtype),
        raised=jnp.power,
        ratio=_ratio,
        error=_error,
        going=lambda now: (now.done < _MOST_ROUNDS) & (now.error > close),
    )
    begin = scaling.start(margins.out, columns, jnp.ones(()))
    end = scaling.fitted(begin, margins.out, columns, over_columns, lambda x: _reached(strength, x), rules)
    return Sides(end.rows, end.columns.near, end.columns.far), end.done, end.error


def _ratio(wanted: Array, found: Array) -> Array:
    return jnp.where(wanted > 0, wanted / jnp.where(wanted > 0, found, 1.0), 0.0)


def _error(ratio: Array, margin: Array) -> Array:
    return jnp.max(jnp.where(margin > 0, jnp.abs(jnp.log(jnp.where(margin > 0, ratio, 1.0))), 0.0))


def _reach(strength: Banded, at: Sides) -> Array:
    """Σ_j S_oj y_j of every origin, over both bands."""
    product = strength.multiply(Bands(at.near[:, None], at.far[:, None]))
    reach: Array = product.near + product.far
    return reach[:, 0]


def _reached(strength: Banded, x: Array) -> Bands:
    """Σ_o x_o S_oj of every destination, by band."""
    product = strength.multiply(Bands(x[:, None], x[:, None]))
    return Bands(product.near[:, 0], product.far[:, 0])


@jax.custom_jvp
def _potentials(strength: Banded, margins: Sides) -> tuple[Sides]:
    return (rounds(strength, margins)[0],)


@_potentials.defjvp
def _potentials_tangent(primals: Any, tangents: Any) -> tuple[tuple[Sides], tuple[Sides]]:
    """Forward mode, for second derivatives: the change of the margins with S, and the potentials that offset it."""
    strength, margins = primals
    (at,) = _potentials(strength, margins)

    def margins_of(strength: Banded) -> tuple[Array, Bands]:
        return _reach(strength, at), _reached(strength, at.out)

    reach, moved = jax.jvp(margins_of, (strength,), (tangents[0],))[1]
    upset = Sides(-at.out * reach, -at.near * moved.near, -at.far * moved.far)
    logs = _solve(strength, margins, at, upset)
    return (at,), (Sides(at.out * logs.out, at.near * logs.near, at.far * logs.far),)


def _solve(strength: Banded, margins: Sides, at: Sides, right: Sides) -> Sides:
    """Solves [[diag(out), T], [Tᵀ, diag(near, far)]] · logs = right, for the log potentials of origins first.

    Destinations are eliminated. The remaining matrix for the origins is positive definite except for a constant added
    to all, which does not change the table.
    """
    near, far = (jnp.where(m > 0, 1 / jnp.where(m > 0, m, 1.0), 0.0) for m in (margins.near, margins.far))

    def gathered(weights: Bands) -> Array:
        return at.out * _reach(strength, Sides(at.out, at.near * weights.near, at.far * weights.far))

    def spread(logs: Array) -> Bands:
        moved = _reached(strength, at.out * logs)
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
        tol=tolerance(strength.dtype),
        maxiter=_MOST_SOLVER_STEPS,
    )
    out = scale * found
    back = spread(out)
    return Sides(out, right.near * near - back.near, right.far * far - back.far)


def _forward(strength: Banded, margins: Sides, tap: Bands) -> tuple[Sides, Any]:
    (at,) = _potentials(strength, margins)
    return at, (strength, margins, at)


def _backward(residual: Any, cotangent: Sides) -> tuple[None, None, Bands]:
    """The cotangent of S, −x_o y_jb (λ_o + μ_jb), with (λ, μ) the solution for the potentials' cotangents."""
    strength, margins, at = residual
    wanted = Sides(cotangent.out * at.out, cotangent.near * at.near, cotangent.far * at.far)
    dual = _solve(strength, margins, at, wanted)
    dtype = strength.dtype

    def factors(y: Array, mu: Array) -> Factors:
        left = jnp.stack([-at.out * dual.out, -at.out])
        return Factors(left.astype(dtype), jnp.stack([y, y * mu]).astype(dtype))

    return None, None, Bands(factors(at.near, dual.near), factors(at.far, dual.far))


fit.defvjp(_forward, _backward)
