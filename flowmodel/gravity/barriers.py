"""Borders between a pair of zones: another province, the same prefecture, the divide; and the divide's direction.

Every rule is for ONE pair and symmetric in it. The direction in which the divide is crossed enters by a factor of the
zones, see `divide_tilt`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def other_province(origin: Int[Array, ""], destination: Int[Array, ""]) -> Bool[Array, ""]:
    """Whether the pair lies in two provinces, from the provinces' indices."""
    return origin != destination


def same_prefecture(origin: Int[Array, ""], destination: Int[Array, ""]) -> Bool[Array, ""]:
    """Whether the pair lies in one prefecture, from the prefectures' indices."""
    return origin == destination


def across_divide(origin_east: Bool[Array, ""], destination_east: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether the pair lies on two sides of the divide."""
    return origin_east != destination_east


def divide_height(east_west: Float[Array, ""], west_east: Float[Array, ""]) -> Float[Array, ""]:
    """The barrier that both directions share: (η_EW + η_WE) / 2, in units of utility."""
    return (east_west + west_east) / 2


def divide_tilt(
    east_west: Float[Array, ""], west_east: Float[Array, ""], east: Bool[Array, " zone"]
) -> Float[Array, " zone"]:
    """The term that the divide's direction adds to the log pull of a destination and subtracts from that of an origin.

    −η_EW [o east, j west] − η_WE [o west, j east] = −(η_EW + η_WE)/2 [crossed] − (η_EW − η_WE)/2 (east_o − east_j):
    a directed barrier is an undirected one plus a pull of one side. The matrix of pairs therefore stays symmetric, and
    data identify the two directions only if they separate a barrier from an attractive east.
    """
    return (east_west - west_east) / 2 * jnp.where(east, 1.0, 0.0)
