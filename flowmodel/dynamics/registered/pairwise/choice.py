"""Destination choice pair by pair, for terms of utility that do not factor into zones.

U_oj = ln K_oj + ln v_j + ρ ln C_oj + ς ln(1 + S_oj / h_o): distance and borders, the pull of the destination, the
competing destinations, and the people of o who live there. Matrices have the dtype of the pairs, vectors float64.
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from flowmodel.dynamics.registered import rates
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.gravity import pair
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.distance import REFERENCE_KM
from flowmodel.parameters.registered import Group

Matrix = Float[Array, "zone zone"]

_NOBODY = 8
"""Fewer people around a destination than so many rounding errors of all, without those of the origin, count as none."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Choice:
    """The share of a home pool that leaves in a year, and shares of destinations, zero where nothing is in reach."""

    leaving: Float[Array, " zone"]
    shares: Matrix


def product(left: Float[Array, "row inner"], right: Float[Array, "inner column"]) -> Float[Array, "row column"]:
    """The matrix product in full precision on every device."""
    return jnp.matmul(left, right, precision="highest")


def log_kernel(group: Group, pairs: Pairs) -> Matrix:
    """The log of K_oj over all pairs; finite on the diagonal, which no choice uses."""
    coefficient = pair.coefficients(group.choice).astype(pairs.log_distance.dtype)
    rule = partial(pair.log_strength, pairs.law, coefficient)
    tilt = pair.tilt(group.choice, pairs.place).astype(pairs.log_distance.dtype)
    symmetric: Array = pair.over_pairs(rule)(pairs.log_distance, pairs.place, pairs.place)
    return symmetric + tilt[None, :] - tilt[:, None]


def log_from_afar(group: Group, zones: RegisteredZones, pairs: Pairs) -> Matrix:
    """The term that a destination's utility has for people of other provinces only."""
    more = jnp.log(rates.more_from_afar(group, zones)).astype(pairs.log_distance.dtype)
    return jnp.where(same_province(pairs), 0, more[None, :])


def same_province(pairs: Pairs) -> Bool[Array, "zone zone"]:
    """Which pairs are of one province."""
    province = pairs.place.province
    return province[:, None] == province[None, :]


def log_competing(people: Float[Array, " zone"], pairs: Pairs) -> Matrix:
    """The log of C_oj = Σ_k n_k / (d_kj + d0) over k other than o and j, persons per km; 0 if nobody lives there.

    Args:
        people: residents of the first census, persons.
        pairs: of zones.
    """
    dtype = pairs.log_distance.dtype
    per_km = jnp.where(apart(pairs), jnp.exp(-pairs.log_distance) / REFERENCE_KM, jnp.zeros((), dtype))
    narrow = people.astype(dtype)
    around = product(narrow[None, :], per_km)
    others = around - narrow[:, None] * per_km
    some = others > _NOBODY * float(np.finfo(dtype).eps) * around
    return jnp.where(some, jnp.log(jnp.where(some, others, 1)), 0)


def log_network(known: Matrix, registered: Float[Array, " zone"]) -> Matrix:
    """ln(1 + S_oj / h_o): 0 where nobody is registered.

    Args:
        known: people of o who live in j, persons, all groups together.
        registered: people registered in o, wherever they live, persons.
    """
    anybody = jnp.where(registered > 0, registered, 1.0).astype(known.dtype)
    return jnp.log1p(jnp.where((registered > 0)[:, None], known / anybody[:, None], 0))


def apart(pairs: Pairs) -> Bool[Array, "zone zone"]:
    """Which pairs are of two zones."""
    index = pairs.place.index
    return index[:, None] != index[None, :]


def choose(
    index: int,
    group: Group,
    zones: RegisteredZones,
    pairs: Pairs,
    nests: Float[Array, "zone prefecture"] | None,
    lasting: Matrix,
    people: Float[Array, " zone"],
    offset_km: float,
) -> Choice:
    """The departures of a group from home in a year, and their destinations.

    Args:
        index: number of the group.
        group: its parameters.
        zones: covariates.
        pairs: of zones.
        nests: which zone belongs to which prefecture, 1 or 0; None without nests.
        lasting: U_oj without the pull of the destination.
        people: residents at the opening of the year, persons.
        offset_km: the internal distance d0.
    """
    pull = rates.pull(group, zones, people)
    drawn = pull * rates.open_to_others(group, zones)
    log_drawn = jnp.log(jnp.where(drawn > 0, drawn, 1.0)).astype(lasting.dtype)
    possible = apart(pairs) & (drawn > 0)[None, :]
    divided, reach = _divided(lasting + log_drawn[None, :], possible, nests, group.nest)
    leaving = rates.leaving_rate(group, zones, zones.leaving[index], pull, reach, offset_km, pairs.law)
    return Choice(leaving, divided)


def _divided(
    utility: Matrix,
    possible: Bool[Array, "zone zone"],
    nests: Float[Array, "zone prefecture"] | None,
    dissimilarity: Float[Array, ""],
) -> tuple[Matrix, Float[Array, " zone"]]:
    """Shares of destinations, and what is in reach: Σ_j exp U_oj, or Σ_P (Σ_{j in P} exp(U_oj / τ))^τ with nests.

    Exponents are relative to the largest of a row; a share that underflows is zero.
    """
    top = jnp.max(jnp.where(possible, utility, -jnp.inf), axis=1)
    top = jax.lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0))
    below = jnp.where(possible, utility - top[:, None], 0)
    if nests is None:
        odds = jnp.where(possible, jnp.exp(below), 0)
        total = jnp.sum(odds, axis=1, dtype=float)
        shares = odds * _inverse(total).astype(odds.dtype)[:, None]
    else:
        tau = dissimilarity.astype(utility.dtype)
        odds = jnp.where(possible, jnp.exp(below / tau), 0)
        inside, total = _nested(product(odds, nests), tau)
        shares = odds * product(inside, nests.T)
    return shares, total * jnp.exp(top.astype(total.dtype))


def _nested(
    inclusive: Float[Array, "zone prefecture"], tau: Float[Array, ""]
) -> tuple[Float[Array, "zone prefecture"], Float[Array, " zone"]]:
    """I^(τ − 1) / Σ_P I^τ of every nest, which turns its odds into shares, and that sum; 0 for an empty nest."""
    some = inclusive > 0
    sums = jnp.where(some, inclusive, 1)
    total = jnp.sum(jnp.where(some, sums**tau, 0), axis=1, dtype=float)
    weight = jnp.where(some, sums ** (tau - 1), 0) * _inverse(total).astype(inclusive.dtype)[:, None]
    return weight, total


def _inverse(total: Float[Array, " zone"]) -> Float[Array, " zone"]:
    return jnp.where(total > 0, 1 / jnp.where(total > 0, total, 1.0), 0.0)
