"""The stock of pairs in factored form: people away as cohorts by year of departure, each an outer product over S.

S_T(o, j) = S_oj Σ_s left_s(o) right_s(j): a year's leavers are push_o S_oj pull_j, and the share of them that a
year keeps factors into u(o) v(j). Near and far pairs have right factors of their own.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.config.stock import Returning
from flowmodel.gravity.bands import Bands
from flowmodel.gravity.ipf import Sides


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Cohorts:
    """Left factors, and right factors of near and of far pairs, [zone, cohort]; zero for years still to come."""

    left: Float[Array, "zone cohort"]
    near: Float[Array, "zone cohort"]
    far: Float[Array, "zone cohort"]

    @property
    def right(self) -> Bands:
        """The right factors as columns of a product."""
        return Bands(self.near, self.far)


def first(potentials: Sides, years: int) -> Cohorts:
    """The initial stock, with room for the cohorts of `years`."""

    def column(values: Array) -> Array:
        return jnp.pad(values[:, None], ((0, 0), (0, years)))

    return Cohorts(column(potentials.out), column(potentials.near), column(potentials.far))


def columns(returning: Returning, years: int) -> tuple[int, int]:
    """Columns of a year's product with S and with its transpose: one for the flow, the others for returns."""
    by_residence = 1 + (years + 1) * {"off": 0, "residence": 1, "origin": 1, "both": 2}[returning]
    by_origin = 1 + (years + 1) * (returning in ("origin", "both"))
    return by_residence, by_origin


def kept(cohorts: Cohorts, origin: Float[Array, " zone"], residence: Float[Array, " zone"]) -> Cohorts:
    """The cohorts after the shares `origin` (by registered zone) and `residence` (by zone of residence) stay."""
    return Cohorts(cohorts.left * origin[:, None], cohorts.near * residence[:, None], cohorts.far * residence[:, None])


def joined(cohorts: Cohorts, year: Int[Array, ""], push: Float[Array, " zone"], pull: Bands) -> Cohorts:
    """The cohorts with those who left in `year`, counted from zero; `pull` is over zones, of either band."""

    def put(columns: Array, values: Array) -> Array:
        placed: Array = jax.lax.dynamic_update_slice_in_dim(columns, values[:, None], year + 1, axis=1)
        return placed

    return Cohorts(put(cohorts.left, push), put(cohorts.near, pull.near), put(cohorts.far, pull.far))
