"""Weighted sums over pairs of columns that broadcast to the table: by origin, by destination, and over all pairs.

Columns that are constant along an axis are multiplied after summation along it.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Table = Float[Array, "origin destination"]
Column = Float[Array, "*pair"]


def along(weights: Table, column: Column) -> Float[Array, " origin"]:
    """Σ_d w_od x_od of every origin."""
    if column.shape[1] == 1:
        return _rows(weights) * column[:, 0]
    if column.shape[0] == 1:
        return weights @ column[0]
    return _rows(weights * column)


def across(weights: Table, column: Column) -> Float[Array, " destination"]:
    """Σ_o w_od x_od of every destination."""
    if column.shape[0] == 1:
        return _columns(weights) * column[0]
    if column.shape[1] == 1:
        return column[:, 0] @ weights
    return _columns(weights * column)


def _rows(table: Table) -> Float[Array, " origin"]:
    return table @ jnp.ones(table.shape[1], table.dtype)


def _columns(table: Table) -> Float[Array, " destination"]:
    # The product of a vector and a matrix; XLA's CPU backend is four times slower at summation along columns.
    return jnp.ones(table.shape[0], table.dtype) @ table


def total(table: Table, column: Column) -> Float[Array, ""]:
    """Σ w_od x_od over all pairs."""
    if column.shape[0] == 1:
        return across(table, column).sum()
    return along(table, column).sum()


def cross(weights: Table, columns: tuple[Column, ...]) -> Float[Array, "column column"]:
    """Σ w_od x_od z_od for all pairs of columns x, z."""
    if not columns:
        return jnp.zeros((0, 0), weights.dtype)
    half = [[_pair(weights, one, other) for other in columns[: place + 1]] for place, one in enumerate(columns)]
    every = range(len(columns))
    return jnp.stack([jnp.stack([half[max(i, j)][min(i, j)] for j in every]) for i in every])


def _pair(weights: Table, one: Column, other: Column) -> Float[Array, ""]:
    """Σ w_od x_od z_od; a column that is constant along an axis is multiplied after summation."""
    if 1 in other.shape:
        one, other = other, one
    if one.shape[1] == 1:
        return jnp.sum(one[:, 0] * along(weights, other))
    if one.shape[0] == 1:
        return jnp.sum(across(weights, other) * one[0])
    return jnp.sum(weights * one * other)
