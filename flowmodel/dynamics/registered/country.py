"""Everything that a run with registration needs besides parameters, and what a census could count at its end."""

import dataclasses
from typing import Self

import jax
import numpy as np
from jaxtyping import Array, Float

from flowmodel.config import Stock
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity.bands import BandedPairs, banded
from flowmodel.gravity.ipf import Sides
from flowmodel.gravity.operator import AllPairs

PAIR_TERMS = frozenset({"distance"})
"""Parameters of S that may differ between groups: with one of them, every group has an S of its own."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Decade:
    """What a census could count at the end, persons [group, zone]; and the initial stock between provinces.

    `near` and `far` are residents registered in another zone of the province and in another province; `provinces` is
    [origin, destination], zero on its diagonal, and None unless asked for.
    """

    residents: Float[Array, "group zone"]
    within: Float[Array, "group zone"]
    near: Float[Array, "group zone"]
    far: Float[Array, "group zone"]
    provinces: Float[Array, "province province"] | None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Country:
    """Zones, pairs of zones by bands, years, the processes in use, and whether all groups share one S.

    `provinces` and `prefectures` are how many there are.
    """

    zones: RegisteredZones
    pairs: BandedPairs
    calendar: Calendar
    stock: Stock = dataclasses.field(metadata={"static": True})
    offset_km: float = dataclasses.field(metadata={"static": True})
    shared: bool = dataclasses.field(metadata={"static": True})
    provinces: int = dataclasses.field(metadata={"static": True})
    prefectures: int = dataclasses.field(metadata={"static": True})

    @property
    def years(self) -> int:
        """Number of years."""
        return len(self.calendar.births)

    def in_dtype(self, dtype: np.dtype | type) -> Self:
        """The same country with the pairs in another precision."""
        return dataclasses.replace(self, pairs=self.pairs.in_dtype(dtype))


def country(zones: RegisteredZones, pairs: AllPairs, calendar: Calendar, stock: Stock, offset_km: float) -> Country:
    """The country of these zones and pairs; the provinces of the pairs must be values on the host."""
    counts = (int(np.max(np.asarray(index))) + 1 for index in (pairs.place.province, pairs.place.prefecture))
    shared = not PAIR_TERMS & set(stock.by_group)
    return Country(zones, banded(pairs), calendar, stock, offset_km, shared, *counts)


def sides(zones: RegisteredZones, index: int) -> Sides:
    """The margins of a group's initial stock."""
    return Sides(zones.out[index], zones.near[index], zones.far[index])
