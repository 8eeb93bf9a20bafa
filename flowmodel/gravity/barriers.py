"""Borders between a pair of zones: another province, the same prefecture, the divide; and the divide's direction.

Every rule is for ONE pair and symmetric in it. The direction in which the divide is crossed enters by a factor of the
zones, see `divide_tilt`. A further barrier is an entry of `BARRIERS`, and its parameter one of the catalogue's.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Values = Mapping[str, Float[Array, ""]]
"""Values of the parameters of barriers, by name."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Place:
    """Index, province, prefecture and side of the divide of a zone; a scalar each, or an array over zones."""

    index: Int[Array, "*zone"]
    province: Int[Array, "*zone"]
    prefecture: Int[Array, "*zone"]
    east: Bool[Array, "*zone"]


class Barrier(NamedTuple):
    """A barrier between the two zones of a pair.

    Attributes:
        between: whether it applies, from the places of origin and destination.
        coefficient: its term in ln S where it applies, in units of utility.
    """

    between: Callable[[Place, Place], Bool[Array, ""]]
    coefficient: Callable[[Values], Float[Array, ""]]


def other_province(origin: Place, destination: Place) -> Bool[Array, ""]:
    """Whether the pair lies in two provinces."""
    return origin.province != destination.province


def same_prefecture(origin: Place, destination: Place) -> Bool[Array, ""]:
    """Whether the pair lies in one prefecture."""
    return origin.prefecture == destination.prefecture


def across_divide(origin: Place, destination: Place) -> Bool[Array, ""]:
    """Whether the pair lies on two sides of the divide."""
    return origin.east != destination.east


def divide_height(values: Values) -> Float[Array, ""]:
    """The barrier that both directions share: (η_EW + η_WE) / 2, in units of utility."""
    return (values["divide_east_west"] + values["divide_west_east"]) / 2


BARRIERS = {
    "other_province": Barrier(other_province, lambda values: -values["other_province"]),
    "same_prefecture": Barrier(same_prefecture, lambda values: values["same_prefecture"]),
    "divide": Barrier(across_divide, lambda values: -divide_height(values)),
}
"""Every barrier, in the order of the coefficients of a pair."""


def divide_tilt(values: Values, east: Bool[Array, " zone"]) -> Float[Array, " zone"]:
    """The divide's direction: a term of the log attraction of a destination, subtracted from the log factor of origins.

    −η_EW [o east, j west] − η_WE [o west, j east] = −(η_EW + η_WE)/2 [crossed] − (η_EW − η_WE)/2 (east_o − east_j):
    a directed barrier is an undirected one plus an attraction of one side. The matrix of pairs therefore stays
    symmetric, and data identify the two directions only if they separate a barrier from an attractive east.
    """
    return (values["divide_east_west"] - values["divide_west_east"]) / 2 * jnp.where(east, 1.0, 0.0)
