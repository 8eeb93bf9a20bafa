"""The dual of fitting a table to totals: a convex function of one potential a total, its gradient and its Hessian.

y_od = m_od exp(u_o + v_d + b_g(o)h(d) + n_o − n_d). With A the sums that are given and t the totals, F = Σ y − λ·t; its
gradient is A y − t and its Hessian A diag(y) Aᵀ, which two products with the table apply to a vector.
"""

from __future__ import annotations

import dataclasses
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PerTotal:
    """One number for each total; a kind of total that is not given has no elements."""

    outflow: Float[Array, " origin"]
    inflow: Float[Array, " destination"]
    block: Float[Array, "group group"]
    net: Float[Array, " zone"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """A prior and the totals wanted.

    Attributes:
        prior: m, nothing where a total of zero allows nothing.
        wanted: totals, zero where not given; `net` is outflow less inflow here, as the multipliers have it.
        given: one where a total is given and positive (or is a net one), zero elsewhere.
        origin_member: one where the origin is in the group.
        destination_member: the same of destinations.
    """

    prior: Float[Array, "origin destination"]
    wanted: PerTotal
    given: PerTotal
    origin_member: Float[Array, "origin group"]
    destination_member: Float[Array, "destination group"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Table:
    """y = row × weights × column, with its sums; y itself is never stored."""

    weights: Float[Array, "origin destination"]
    row: Float[Array, " origin"]
    column: Float[Array, " destination"]
    outflow: Float[Array, " origin"]
    inflow: Float[Array, " destination"]
    to_group: Float[Array, "origin group"]
    from_group: Float[Array, "group destination"]


def table(problem: Problem, at: PerTotal) -> Table:
    """The table of the potentials `at`."""
    left, right = _along(problem, at)
    row, column = jnp.exp(left), jnp.exp(right)
    weights, into, out_of = problem.prior, problem.origin_member, problem.destination_member
    if at.block.size == 0:
        none = jnp.zeros((0, 0))
        return Table(weights, row, column, row * (weights @ column), column * (row @ weights), none, none)
    weights = weights * (into @ jnp.exp(at.block) @ out_of.T)
    to_group = row[:, None] * (weights @ (column[:, None] * out_of))
    from_group = ((into * row[:, None]).T @ weights) * column[None, :]
    return Table(weights, row, column, to_group.sum(1), from_group.sum(0), to_group, from_group)


def _along(problem: Problem, at: PerTotal) -> tuple[Array, Array]:
    """What the multipliers add to the logarithm of every row and of every column, blocks apart."""
    origins, destinations = problem.prior.shape
    left = at.outflow if at.outflow.size else jnp.zeros(origins)
    right = at.inflow if at.inflow.size else jnp.zeros(destinations)
    return (left + at.net, right - at.net) if at.net.size else (left, right)


def _gathered(problem: Problem, outflow: Array, inflow: Array, block: Array) -> PerTotal:
    """Sums as totals: those that are given, zero elsewhere."""
    kinds = problem.given
    none = jnp.zeros(0)
    return PerTotal(
        kinds.outflow * outflow if kinds.outflow.size else none,
        kinds.inflow * inflow if kinds.inflow.size else none,
        kinds.block * block if kinds.block.size else kinds.block,
        kinds.net * (outflow - inflow) if kinds.net.size else none,
    )


def gradient(problem: Problem, y: Table) -> PerTotal:
    """What the sums of the table have too much."""
    found = _gathered(problem, y.outflow, y.inflow, block_sums(problem, y))
    lacking: PerTotal = jax.tree.map(jnp.subtract, found, problem.wanted)
    return lacking


def block_sums(problem: Problem, y: Table) -> Array:
    """Sums of the blocks; no elements where no block is given."""
    sums: Array = problem.origin_member.T @ y.to_group if y.to_group.size else y.to_group
    return sums


def curved(problem: Problem, y: Table, along: PerTotal) -> PerTotal:
    """The Hessian times `along`: the sums of y × (what `along` adds to the logarithm of each pair)."""
    left, right = _along(problem, along)
    outflow = y.outflow * left + y.row * (y.weights @ (y.column * right))
    inflow = y.inflow * right + y.column * ((y.row * left) @ y.weights)
    block = along.block
    if block.size:
        into, out_of = problem.origin_member, problem.destination_member
        outflow += jnp.sum(y.to_group * (into @ along.block), axis=1)
        inflow += jnp.sum(y.from_group * (along.block @ out_of.T), axis=0)
        block = block * block_sums(problem, y)
        block += into.T @ (left[:, None] * y.to_group) + (y.from_group * right[None, :]) @ out_of
    return _gathered(problem, outflow, inflow, block)


def value(problem: Problem, y: Table, at: PerTotal) -> Array:
    """F."""
    pulls = jax.tree.leaves(jax.tree.map(lambda a, b: jnp.sum(a * b), at, problem.wanted))
    total: Array = jnp.sum(y.outflow) - reduce(jnp.add, pulls)
    return total


def diagonal(problem: Problem, y: Table) -> PerTotal:
    """The Hessian's diagonal."""
    plain = _gathered(problem, y.outflow, y.inflow, block_sums(problem, y))
    if not plain.net.size:
        return plain
    inside = y.row * jnp.diagonal(y.weights) * y.column
    return dataclasses.replace(plain, net=problem.given.net * (y.outflow + y.inflow - 2 * inside))


def worst(problem: Problem, y: Table) -> Array:
    """The largest error of a total, relative to it; a net one's to the zone's flow, or the mean zone's if that is more.

    With net totals alone the mean zone's flow is not less than in the prior: all flows may have to vanish.
    """
    size = jax.tree.map(lambda wanted, given: jnp.where(given > 0, wanted, 1.0), problem.wanted, problem.given)
    if size.net.size:
        others = jax.tree.leaves(jax.tree.map(jnp.sum, dataclasses.replace(problem.given, net=jnp.zeros(1))))
        alone = reduce(jnp.add, others) == 0
        mean = jnp.maximum(jnp.mean(y.outflow), jnp.where(alone, jnp.sum(problem.prior) / y.outflow.size, 0.0))
        size = dataclasses.replace(size, net=jnp.maximum(jnp.maximum(y.outflow, y.inflow), mean))
    size = jax.tree.map(lambda s: jnp.where(s > 0, s, 1.0), size)
    errors = jax.tree.map(lambda g, s: jnp.max(jnp.abs(g) / s, initial=0.0), gradient(problem, y), size)
    largest: Array = reduce(jnp.maximum, jax.tree.leaves(errors))
    return largest
