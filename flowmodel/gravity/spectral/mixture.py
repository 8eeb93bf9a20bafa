"""The rule of a pair as a sum of convolutions: S = D ∘ Σ_level m_level [in one unit] ∘ (A + B s_o s_j).

Prefectures lie inside provinces and counties inside prefectures, so that the terms of `pair.pair_terms`,
exp(−δ_p [other province] + δ_f [same prefecture]) without pairs of one county, are
e^−δp + (1 − e^−δp)[one province] + (e^δf − 1)[one prefecture] − e^δf [one county]. With s = ±1 the side of the divide,
e^−h for a pair on two sides and 1 for another pair are A + B s_o s_j, A = (1 + e^−h)/2 and B = (1 − e^−h)/2.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.errors import ConfigError
from flowmodel.gravity.barriers import BARRIERS

BANDS = ("same_prefecture", "same_province", "other_province")
"""Pairs by the smallest unit that holds both cells; `same_province` are those of two prefectures."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Mixture:
    """Weights of the convolutions.

    Attributes:
        levels: m of all pairs, then of the pairs within one unit of each level; a row for each of several sums.
        same: A, of the product of the weight itself.
        crossed: B, of the product of weights by signs of the sides.
    """

    levels: Float[Array, "sum level"]
    same: Float[Array, ""]
    crossed: Float[Array, ""]


def by_band(coefficient: Float[Array, " coefficient"], levels: tuple[str, ...]) -> Mixture:
    """S over the pairs of each of `BANDS`; a level of `layout.LEVELS` that is not among `levels` has no border."""
    other_province, same_prefecture, divide = _heights(coefficient)
    at = {level: index + 1 for index, level in enumerate(levels)}
    # Without a level all pairs are in one unit of the level above, but no pair shares a prefecture that is not given.
    province = at.get("province", 0)
    inner = at.get("prefecture")
    weights = jnp.zeros((len(BANDS), len(levels) + 1), coefficient.dtype)
    if "province" in at:
        weights = weights.at[2, 0].set(jnp.exp(other_province)).at[2, province].set(-jnp.exp(other_province))
    weights = weights.at[1, province].add(1.0)
    if inner is not None:
        weights = weights.at[1, inner].add(-1.0).at[0, inner].set(jnp.exp(same_prefecture))
    if "county" in at:
        # Inside a county the weight cancels that of its prefecture, or else of its province.
        row, factor = (1, 1.0) if inner is None else (0, jnp.exp(same_prefecture))
        weights = weights.at[row, at["county"]].add(-factor)
    kept = jnp.exp(divide)
    return Mixture(weights, (1 + kept) / 2, (1 - kept) / 2)


def all_pairs(coefficient: Float[Array, " coefficient"], levels: tuple[str, ...]) -> Mixture:
    """S over all pairs, as one sum."""
    mixture = by_band(coefficient, levels)
    return dataclasses.replace(mixture, levels=jnp.sum(mixture.levels, axis=0, keepdims=True))


def parted(coefficient: Float[Array, " coefficient"], levels: tuple[str, ...]) -> Mixture:
    """S over the pairs on two sides of the divide, as one sum."""
    kept = jnp.exp(_heights(coefficient)[2]) / 2
    return dataclasses.replace(all_pairs(coefficient, levels), same=kept, crossed=-kept)


def one_county(coefficient: Float[Array, " coefficient"], levels: tuple[str, ...]) -> Float[Array, "1 level"]:
    """Weights of S over the pairs inside one county, which the other mixtures exclude."""
    weights = jnp.zeros((1, len(levels) + 1), coefficient.dtype)
    same_prefecture = jnp.exp(_heights(coefficient)[1]) if "prefecture" in levels else 1.0
    return weights.at[0, 1 + levels.index("county")].set(same_prefecture)


def _heights(coefficient: Float[Array, " coefficient"]) -> Float[Array, "3"]:
    """The coefficients of the barriers, which come last.

    Raises:
        ConfigError: E-BARRIER-SPECTRAL, a barrier has no convolution.
    """
    unknown = set(BARRIERS) - {"other_province", "same_prefecture", "divide"}
    if unknown:
        what = f"cells of a grid have no convolution for the barrier {', '.join(sorted(unknown))}"
        raise ConfigError("E-BARRIER-SPECTRAL", what, "run counties with it, or write its mixture of convolutions")
    return coefficient[-3:]
