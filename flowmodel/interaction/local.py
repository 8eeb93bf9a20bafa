"""Local fits: one Poisson regression for every origin (or destination), which shows how coefficients vary in space.

Each has its own constant, as the origin-specific models of Fotheringham and O'Kelly (1989).
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Bool, Float

from flowmodel.interaction.separation.rows import separated_pairs

_MOST_STEPS = 60
_BATCH = 32
_CLOSE = 1e-9
_ENOUGH = 1e-6
"""Largest moment of the residuals, as a share of the flow, at which a search has converged."""
_FADING = 1e-6
"""Share of a zone's flow below which the mean of a pair without flow may tend to zero (separation)."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Local:
    """Fits of many zones: coefficients [zone, K + 1] with the constant first, their covariance, and `error`.

    `error` is the largest moment of the residuals and `least` the smallest mean of a pair without flow, as shares of
    the zone's flow.
    """

    coefficients: Float[Array, "*zone parameter"]
    covariance: Float[Array, "*zone parameter parameter"]
    error: Float[Array, "*zone"]
    least: Float[Array, "*zone"]


def fit(
    flow: Float[np.ndarray, "zone other"],
    allowed: Bool[np.ndarray, "zone other"],
    columns: dict[str, np.ndarray],
    labels: tuple[str, ...],
) -> pd.DataFrame:
    """A Poisson regression of every row of `flow`, persons, on a constant and the columns [other] or [zone, other].

    Tables are transposed for destination-specific fits. `labels` are those of the rows.

    Returns:
        Rows of zone, name, estimate, se, status: "fitted", or "not_identified" (without numbers) if covariates are
        collinear or the likelihood of the zone has no maximum.
    """
    wide = [np.broadcast_to(column, flow.shape) for column in columns.values()]
    table = jnp.asarray(np.stack([np.ones_like(flow), *wide], axis=2))
    arrays = (jnp.asarray(np.where(allowed, flow, 0.0)), jnp.asarray(allowed), table)
    found: Local = jax.jit(partial(jax.lax.map, _one, batch_size=_BATCH))(arrays)
    names = ("const", *columns)
    estimate = np.asarray(found.coefficients)
    error = np.sqrt(np.diagonal(np.asarray(found.covariance), axis1=1, axis2=2))
    known = (np.asarray(found.error) < _ENOUGH) & np.all(np.isfinite(error), axis=1)
    for zone in np.flatnonzero(known & (np.asarray(found.least) < _FADING)):
        row = slice(zone, zone + 1)
        own = [column[row] for column in wide]
        known[zone] = not separated_pairs(
            flow[row], allowed[row], own, origin_effects=False, destination_effects=False
        ).any()
    return pd.DataFrame(
        {
            "zone": np.repeat(labels, len(names)),
            "name": np.tile(names, len(labels)),
            "estimate": np.where(known[:, None], estimate, np.nan).ravel(),
            "se": np.where(known[:, None], error, np.nan).ravel(),
            "status": np.repeat(np.where(known, "fitted", "not_identified"), len(names)),
        }
    )


def poisson(columns: Float[np.ndarray, "row parameter"], counts: Float[np.ndarray, " row"]) -> np.ndarray:
    """Maximum likelihood estimates of one Poisson regression with the log link [parameter].

    The first of the `columns` must be ones. NaN if the search has not converged, such as for collinear columns.
    """
    found: Local = jax.jit(_one)((jnp.asarray(counts, float), jnp.ones(len(counts), bool), jnp.asarray(columns, float)))
    return np.where(float(found.error) < _ENOUGH, np.asarray(found.coefficients), np.nan)


def _one(zone: tuple[Array, Array, Array]) -> Local:
    """One zone's regression: flow [other], allowed [other], columns [other, K + 1]."""
    flow, allowed, columns = zone
    weight = allowed.astype(flow.dtype)
    mean = columns.T @ weight / jnp.maximum(jnp.sum(weight), 1)
    spread = jnp.sqrt(jnp.maximum((columns - mean[None, :]).T ** 2 @ weight / jnp.maximum(jnp.sum(weight), 1), 1e-300))
    spread = spread.at[0].set(1.0)
    scaled = ((columns - mean[None, :]) / spread[None, :]).at[:, 0].set(1.0) * weight[:, None]
    total = jnp.maximum(jnp.sum(flow), 1e-300)

    def moments(at: Array) -> tuple[Array, Array]:
        fitted = jnp.exp(jnp.minimum(scaled @ at, 700.0)) * weight
        return scaled.T @ (flow - fitted), (scaled * fitted[:, None]).T @ scaled

    def going(carry: tuple[Array, Array, Array]) -> Array:
        return (carry[2] < _MOST_STEPS) & (carry[1] > _CLOSE)

    def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        at, _, done = carry
        gradient, information = moments(at)
        move = jnp.linalg.solve(information, gradient)
        # Steps are limited to a change of two in ln μ, since longer ones can overflow.
        move = move * jnp.minimum(1.0, 2.0 / jnp.maximum(jnp.max(jnp.abs(scaled @ move)), 1e-300))
        after = at + move
        left, _ = moments(after)
        return after, jnp.max(jnp.abs(left)) / total, done + 1

    start = jnp.zeros(columns.shape[1], flow.dtype).at[0].set(jnp.log(total / jnp.maximum(jnp.sum(weight), 1)))
    at, error, _ = jax.lax.while_loop(going, step, (start, jnp.asarray(jnp.inf, flow.dtype), jnp.zeros((), int)))
    _, information = moments(at)
    none = allowed & (flow == 0)
    least = jnp.min(jnp.where(none, jnp.exp(jnp.minimum(scaled @ at, 700.0)), jnp.inf)) / total
    jacobian = jnp.diag(1 / spread).at[0, 1:].set(-(mean / spread)[1:])
    covariance = jacobian @ jnp.linalg.inv(information) @ jacobian.T
    return Local(jacobian @ at, covariance, jnp.where(jnp.isfinite(error), error, jnp.inf), least)
