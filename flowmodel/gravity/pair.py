"""The rules of one pair of zones: what the logarithm of its strength is made of, and the borders between its zones.

ln S_oj = Σ_k c_k φ_k(o, j), the same in both directions. What depends on the direction is a factor of zones (`tilt`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from flowmodel.gravity import barriers
from flowmodel.parameters.registry import Parameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Place:
    """Where a zone lies, as far as borders go; a scalar each, or an array over zones."""

    index: Int[Array, "*zone"]
    province: Int[Array, "*zone"]
    prefecture: Int[Array, "*zone"]
    east: Bool[Array, "*zone"]


COEFFICIENTS = ("distance", "other_province", "same_prefecture", "divide")


def coefficients(parameters: Parameters) -> Float[Array, " coefficient"]:
    """C in ln S_oj = Σ_k c_k φ_k(o, j), in the order of `COEFFICIENTS`."""
    p = parameters
    height = barriers.divide_height(p.divide_east_west, p.divide_west_east)
    return jnp.stack([-p.distance, -p.other_province, p.same_prefecture, -height])


def pair_terms(log_distance: Float[Array, ""], origin: Place, destination: Place) -> tuple[Float[Array, ""], ...]:
    """φ_k(o, j) of ONE pair, in the order of `COEFFICIENTS`."""
    return log_distance, *(border.astype(log_distance.dtype) for border in _borders(origin, destination))


def flow_terms(
    flow: Float[Array, ""], log_distance: Float[Array, ""], origin: Place, destination: Place
) -> tuple[Float[Array, ""], ...]:
    """A flow times φ_k(o, j) of its pair, in the order of `COEFFICIENTS`."""
    return flow * log_distance, *(jnp.where(border, flow, 0) for border in _borders(origin, destination))


def _borders(origin: Place, destination: Place) -> tuple[Bool[Array, ""], ...]:
    return (
        barriers.other_province(origin.province, destination.province),
        barriers.same_prefecture(origin.prefecture, destination.prefecture),
        barriers.across_divide(origin.east, destination.east),
    )


def log_strength(
    coefficient: Float[Array, " coefficient"], log_distance: Float[Array, ""], origin: Place, destination: Place
) -> Float[Array, ""]:
    """The logarithm of S_oj, for ONE pair of two zones."""
    of_distance, *of_borders = coefficient
    # A choice and not a product: where no pair crosses a border nothing is left of it in the program.
    added = [jnp.where(border, c, 0) for c, border in zip(of_borders, _borders(origin, destination), strict=True)]
    return sum(added, of_distance * log_distance)


def pair_strength(
    coefficient: Float[Array, " coefficient"], log_distance: Float[Array, ""], origin: Place, destination: Place
) -> Float[Array, ""]:
    """S_oj of ONE pair; zero for a zone with itself."""
    strength = jnp.exp(log_strength(coefficient, log_distance, origin, destination))
    return jnp.where(origin.index != destination.index, strength, jnp.zeros_like(log_distance))


def over_pairs(rule: Callable[[Array, Place, Place], Any]) -> Callable[[Array, Place, Place], Any]:
    """A rule for one pair, f(log_distance, origin, destination), mapped over [origins, destinations]."""
    return jax.vmap(jax.vmap(rule, (0, None, 0)), (0, 0, None))


def tilt(parameters: Parameters, place: Place) -> Float[Array, " zone"]:
    """The log factor of a zone as destination, and minus that as origin: the divide's direction."""
    return barriers.divide_tilt(parameters.divide_east_west, parameters.divide_west_east, place.east)
