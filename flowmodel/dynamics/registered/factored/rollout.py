"""Many years of the registered stock on the factored path, differentiable at a few times their own cost."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.config import Stock
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.factored import cohorts as away
from flowmodel.dynamics.registered.factored.year import GroupMovements, GroupState, Setting, YearTaps, group_year
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import barriers, pair
from flowmodel.gravity.band_adjoint import GroupTaps, through_bands
from flowmodel.gravity.bands import BandedPairs, Bands, band_strength, multiply, no_factors
from flowmodel.gravity.ipf import Sides, balance
from flowmodel.parameters.registered import Group, RegisteredParameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Decade:
    """What a census could count at the end, persons [group, zone]; and the initial stock between provinces.

    `near` and `far` are residents registered in another zone of the province and in another province; `provinces` is
    [origin, destination], zero on its diagonal, and None where nobody asked.
    """

    residents: Float[Array, "group zone"]
    within: Float[Array, "group zone"]
    near: Float[Array, "group zone"]
    far: Float[Array, "group zone"]
    provinces: Float[Array, "province province"] | None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Country:
    """Everything but parameters: zones, pairs, years, the processes there are, and whether groups share one S."""

    zones: RegisteredZones
    banded: BandedPairs
    calendar: Calendar
    stock: Stock = dataclasses.field(metadata={"static": True})
    offset_km: float = dataclasses.field(metadata={"static": True})
    shared: bool = dataclasses.field(metadata={"static": True})

    @property
    def years(self) -> int:
        """Number of years."""
        return len(self.calendar.births)


def decade(parameters: RegisteredParameters, country: Country, *, provinces: bool = False) -> Decade:
    """The end of the years; differentiable in the parameters."""
    groups = parameters.groups
    matrices = [pair.coefficients(group.choice) for group in (groups[:1] if country.shared else groups)]

    def run(strengths: tuple[Bands, ...], taps: tuple[GroupTaps, ...], rest: Any) -> Decade:
        groups, country = rest
        settings = _settings(groups, country, strengths)
        starts = [initial(i, country, settings[i], taps[i]) for i in range(len(groups))]
        table = _between_provinces(starts, settings, taps, country) if provinces else None
        ends, _ = _years(groups, country, settings, tuple(starts), tuple(tap.years for tap in taps))
        return Decade(**_seen(ends), provinces=table)

    taps = tuple(_taps(country, provinces=provinces) for _ in groups)
    which = tuple(0 if country.shared else i for i in range(len(groups)))
    through = through_bands(run, which)
    end: Decade = through(jnp.stack(matrices), country.banded, taps, (groups, country))
    return end


def _seen(ends: tuple[GroupState, ...]) -> dict[str, Array]:
    fields = ("residents", "within", "near", "far")
    return {name: jnp.stack([getattr(end, name) for end in ends]) for name in fields}


@runtime.program
def history(
    parameters: RegisteredParameters, country: Country
) -> tuple[tuple[GroupState, ...], tuple[GroupState, ...], tuple[GroupMovements, ...]]:
    """The start, and the end and the movements of every year, of every group."""
    groups = parameters.groups
    strengths = tuple(strengths_of(groups, country))
    settings = _settings(groups, country, strengths)
    starts = tuple(initial(i, country, settings[i], None) for i in range(len(groups)))
    _, (states, movements) = _years(groups, country, settings, starts, None)
    return starts, states, movements


def strengths_of(groups: tuple[Group, ...], country: Country) -> list[Bands]:
    """S of every group, or the one that all share."""
    return [
        band_strength(pair.coefficients(group.choice), country.banded)
        for group in (groups[:1] if country.shared else groups)
    ]


def _settings(groups: tuple[Group, ...], country: Country, strengths: tuple[Bands, ...]) -> list[Setting]:
    east = country.banded.pairs.place.east
    return [
        Setting(
            matrix=strengths[0 if country.shared else i],
            tilt=barriers.divide_tilt(group.choice.divide_east_west, group.choice.divide_west_east, east),
            banded=country.banded,
            offset_km=country.offset_km,
            returning=country.stock.returning,
            conversion=country.stock.conversion,
        )
        for i, group in enumerate(groups)
    ]


def sides(zones: RegisteredZones, index: int) -> Sides:
    """The margins of a group's initial stock."""
    return Sides(zones.out[index], zones.near[index], zones.far[index])


def initial(index: int, country: Country, setting: Setting, taps: GroupTaps | None) -> GroupState:
    """A group at the first census: its margins, and the stock of pairs that has them."""
    zones = country.zones
    zeros = no_factors(zones.home.shape[1], 2, setting.matrix.far.dtype)
    potentials = balance(setting.matrix, sides(zones, index), country.banded, zeros if taps is None else taps.initial)
    start = away.first(potentials, country.years)
    return GroupState(zones.home[index], zones.within[index], zones.near[index], zones.far[index], start)


def _years(
    groups: tuple[Group, ...],
    country: Country,
    settings: list[Setting],
    starts: tuple[GroupState, ...],
    taps: tuple[YearTaps, ...] | None,
) -> Any:
    def step(states: tuple[GroupState, ...], this: Any) -> Any:
        year, calendar, tapped = this
        people = jnp.sum(jnp.stack([state.residents for state in states]), axis=0)
        done = [
            group_year(i, group, country.zones, settings[i], states[i], people, year, calendar, tapped and tapped[i])
            for i, group in enumerate(groups)
        ]
        after, moved = _learned(groups, country.zones, [d[0] for d in done], [d[1] for d in done])
        return after, (after if taps is None else None, moved if taps is None else None)

    inputs = (jnp.arange(country.years), country.calendar, taps)
    return jax.lax.scan(step, starts, inputs)


def _learned(
    groups: tuple[Group, ...], zones: RegisteredZones, states: list[GroupState], moved: list[GroupMovements]
) -> tuple[tuple[GroupState, ...], tuple[GroupMovements, ...]]:
    """A share of every home pool that learns becomes part of the next group's."""
    gained = [jnp.zeros_like(states[0].home) for _ in groups]
    for i, group in enumerate(groups):
        if zones.learns[i]:
            up = states[i].home * jax.nn.sigmoid(group.learning)
            gained[i] -= up
            gained[zones.next_group[i]] += up
    return (
        tuple(dataclasses.replace(s, home=s.home + g) for s, g in zip(states, gained, strict=True)),
        tuple(dataclasses.replace(m, learned=g) for m, g in zip(moved, gained, strict=True)),
    )


def _between_provinces(
    starts: list[GroupState], settings: list[Setting], taps: tuple[GroupTaps, ...], country: Country
) -> Float[Array, "province province"]:
    """The initial stock from province to province, persons, summed over groups; zero within a province."""
    province = country.banded.pairs.place.province
    count = country.banded.members.shape[0]
    belongs = (province[:, None] == jnp.arange(count, dtype=province.dtype)[None, :]).astype(float)
    total = jnp.zeros((count, count))
    for start, setting, tap in zip(starts, settings, taps, strict=True):
        columns = start.cohorts.far[:, :1] * belongs
        product = multiply(setting.matrix, Bands(jnp.zeros_like(columns), columns), country.banded, tap.provinces)
        total += jnp.matmul(belongs.T, start.cohorts.left[:, :1] * product.far, precision="highest")
    return total


def _taps(country: Country, *, provinces: bool) -> GroupTaps:
    zones, dtype = country.zones.home.shape[1], country.banded.pairs.log_distance.dtype
    outward, inward = away.columns(country.stock.returning, country.years)

    def yearly(rank: int) -> Any:
        return jax.tree.map(lambda zero: jnp.tile(zero, (country.years, 1, 1)), no_factors(zones, rank, dtype))

    table = no_factors(zones, country.banded.members.shape[0], dtype) if provinces else None
    return GroupTaps(no_factors(zones, 2, dtype), YearTaps(yearly(outward), yearly(inward)), table)
