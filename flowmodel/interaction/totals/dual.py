"""The dual problem of fitting a table to totals: a convex function of one potential per total, gradient and Hessian.

y_od = m_od exp(u_o + v_d + b_g(o)h(d) + n_o − n_d). With A the matrix of the given sums, t the totals and λ all
potentials, F = Σ y − λ·t. Its gradient is A y − t and its Hessian A diag(y) Aᵀ, applied by two products with the table.
"""

import dataclasses
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PerTotal:
    """One number for each total; kinds of totals that are not given are empty arrays."""

    outflow: Float[Array, " origin"]
    inflow: Float[Array, " destination"]
    block: Float[Array, "group group"]
    net: Float[Array, " zone"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """A prior and target totals.

    Attributes:
        prior: m, zero where a total of zero allows no flow.
        wanted: totals, zero where not given; `net` is outflow less inflow here, as for the potentials.
        given: one where a total is given and positive (or is a net total), zero elsewhere.
        origin_member: one where the origin belongs to the group.
        destination_member: one where the destination belongs to the group.
    """

    prior: Float[Array, "origin destination"]
    wanted: PerTotal
    given: PerTotal
    origin_member: Float[Array, "origin group"]
    destination_member: Float[Array, "destination group"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Table:
    """The table y = row × weights × column with its sums; y itself is not stored."""

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
    """Sums of potentials of every row and of every column, without those of blocks."""
    origins, destinations = problem.prior.shape
    left = at.outflow if at.outflow.size else jnp.zeros(origins)
    right = at.inflow if at.inflow.size else jnp.zeros(destinations)
    return (left + at.net, right - at.net) if at.net.size else (left, right)


def _gathered(problem: Problem, outflow: Array, inflow: Array, block: Array) -> PerTotal:
    """Sums of the table where a total is given, zero elsewhere."""
    kinds = problem.given
    none = jnp.zeros(0)
    return PerTotal(
        kinds.outflow * outflow if kinds.outflow.size else none,
        kinds.inflow * inflow if kinds.inflow.size else none,
        kinds.block * block if kinds.block.size else kinds.block,
        kinds.net * (outflow - inflow) if kinds.net.size else none,
    )


def gradient(problem: Problem, y: Table) -> PerTotal:
    """The gradient of F: sums of the table less totals."""
    found = _gathered(problem, y.outflow, y.inflow, block_sums(problem, y))
    lacking: PerTotal = jax.tree.map(jnp.subtract, found, problem.wanted)
    return lacking


def block_sums(problem: Problem, y: Table) -> Array:
    """Sums of the blocks; empty if no block is given."""
    sums: Array = problem.origin_member.T @ y.to_group if y.to_group.size else y.to_group
    return sums


def curved(problem: Problem, y: Table, along: PerTotal) -> PerTotal:
    """The Hessian times `along`: sums of y times the pair's sum of the potentials `along`."""
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
    """The dual function F."""
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
    """The largest relative error of a total; see `Adjusted.residual` for net totals."""
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
