"""Many years of the registered stock on the factored path; a gradient costs a few times as much as the years."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.country import Country, Decade, sides
from flowmodel.dynamics.registered.factored import cohorts as away
from flowmodel.dynamics.registered.factored.year import GroupMovements, GroupState, Setting, YearTaps, group_year
from flowmodel.gravity import ipf, pair
from flowmodel.gravity.adjoint import through_strengths
from flowmodel.gravity.bands import Banded, Bands, no_band_factors
from flowmodel.gravity.operator import no_factors, tapped
from flowmodel.parameters.registered import Group, RegisteredParameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GroupTaps:
    """The taps of one group: of its initial stock, of every year's products, and of the table of provinces if asked."""

    initial: Bands
    years: YearTaps
    provinces: Bands | None


def decade(parameters: RegisteredParameters, country: Country, *, provinces: bool = False) -> Decade:
    """The end of the years; differentiable in the parameters."""
    groups = parameters.groups

    def run(strengths: tuple[Banded, ...], taps: tuple[GroupTaps, ...], rest: Any) -> Decade:
        groups, country = rest
        settings = _settings(groups, country, strengths)
        starts = [initial(i, country, settings[i], taps[i]) for i in range(len(groups))]
        table = _between_provinces(starts, settings, taps, country) if provinces else None
        ends, _ = _years(groups, country, settings, tuple(starts), tuple(tap.years for tap in taps))
        return Decade(**_seen(ends), provinces=table)

    taps = tuple(_taps(country, provinces=provinces) for _ in groups)
    which = tuple(0 if country.shared else i for i in range(len(groups)))
    through = through_strengths(run, which)
    end: Decade = through(jnp.stack(kernels(groups, country)), country.pairs, taps, (groups, country))
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
    strengths = tuple(country.pairs.strength(one) for one in kernels(groups, country))
    settings = _settings(groups, country, strengths)
    starts = tuple(initial(i, country, settings[i], None) for i in range(len(groups)))
    _, (states, movements) = _years(groups, country, settings, starts, None)
    return starts, states, movements


def kernels(groups: tuple[Group, ...], country: Country) -> list[Float[Array, " coefficient"]]:
    """The coefficients of the S of every group, or of the one S that all groups share."""
    return [pair.coefficients(group.choice) for group in (groups[:1] if country.shared else groups)]


def _settings(groups: tuple[Group, ...], country: Country, strengths: tuple[Banded, ...]) -> list[Setting]:
    place = country.pairs.place
    return [
        Setting(
            strength=strengths[0 if country.shared else i],
            tilt=pair.tilt(group.choice, place),
            offset_km=country.offset_km,
            law=country.pairs.law,
            returning=country.stock.returning,
            conversion=country.stock.conversion,
        )
        for i, group in enumerate(groups)
    ]


def initial(index: int, country: Country, setting: Setting, taps: GroupTaps | None) -> GroupState:
    """A group at the first census: its margins, and a stock of pairs with these margins."""
    zones = country.zones
    tap = no_band_factors(zones.home.shape[1], country.pairs.dtype, 2) if taps is None else taps.initial
    potentials = ipf.fit(setting.strength, sides(zones, index), tap)
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
    """Moves the people who learn from every home pool to that of the next group."""
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
    province, count = country.pairs.place.province, country.provinces
    belongs = (province[:, None] == jnp.arange(count, dtype=province.dtype)[None, :]).astype(float)
    total = jnp.zeros((count, count))
    for start, setting, tap in zip(starts, settings, taps, strict=True):
        assert tap.provinces is not None
        reached = tapped(setting.strength.far, start.cohorts.far[:, :1] * belongs, tap.provinces.far)
        total += jnp.matmul(belongs.T, start.cohorts.left[:, :1] * reached, precision="highest")
    return total


def _taps(country: Country, *, provinces: bool) -> GroupTaps:
    zones, dtype, years = country.zones.home.shape[1], country.pairs.dtype, country.years
    ranks = away.columns(country.stock.returning, years)
    yearly = YearTaps(*(no_band_factors(zones, dtype, years, rank) for rank in ranks))
    # No near pair lies between two provinces: the near tap of that table has no factors.
    table = Bands(no_factors(zones, dtype, 0), no_factors(zones, dtype, country.provinces)) if provinces else None
    return GroupTaps(no_band_factors(zones, dtype, 2), yearly, table)
