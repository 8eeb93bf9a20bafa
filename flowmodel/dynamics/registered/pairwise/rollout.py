"""Many years of the registered stock with every pair of it, by plain differentiation: see `dense_year`.

Each year is computed again on the way back, so that a gradient keeps one stock a year and not a year's matrices.
"""

from __future__ import annotations

import dataclasses
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.dynamics.registered.factored.rollout import Country, Decade, sides
from flowmodel.dynamics.registered.pairwise import choice
from flowmodel.dynamics.registered.pairwise.choice import Matrix
from flowmodel.dynamics.registered.pairwise.entries import Record, record
from flowmodel.dynamics.registered.pairwise.year import (
    GroupStock,
    Moves,
    Surroundings,
    arriving,
    leaving,
    network,
    year,
)
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import pair
from flowmodel.gravity.band_adjoint import GroupTaps, through_bands
from flowmodel.gravity.bands import BandedPairs, Bands, no_factors
from flowmodel.gravity.dense import Pairs, strength
from flowmodel.gravity.ipf import Sides, balance
from flowmodel.parameters.registered import Group, RegisteredParameters

Stocks = tuple[GroupStock, ...]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class View:
    """The stock by zones, persons: who lives there by band, and who is registered there and lives in another zone."""

    home: Float[Array, "*year group zone"]
    within: Float[Array, "*year group zone"]
    near: Float[Array, "*year group zone"]
    far: Float[Array, "*year group zone"]
    out: Float[Array, "*year group zone"]

    @property
    def residents(self) -> Float[Array, "*year group zone"]:
        """Who lives there."""
        return self.home + self.within + self.near + self.far

    @property
    def registered(self) -> Float[Array, "*year group zone"]:
        """Who is registered there and lives in a zone."""
        return self.home + self.within + self.out


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PairwiseHistory:
    """The start, the close and the entries of every year, and people away by pair at the start and the end, persons."""

    start: View
    states: View
    records: Record
    away_start: Float[Array, "group zone zone"]
    away: Float[Array, "group zone zone"]


def decade(parameters: RegisteredParameters, country: Country, *, provinces: bool = False) -> Decade:
    """The end of the years; differentiable in the parameters."""
    starts = _starts(parameters.groups, country)
    around = _surroundings(parameters.groups, country, starts)

    def step(stocks: Stocks, calendar: Calendar) -> tuple[Stocks, None]:
        return year(parameters.groups, around, stocks, calendar)[0], None

    # A scan's body is compiled by itself: nothing in it could be merged with its second computation.
    ends, _ = jax.lax.scan(jax.checkpoint(step, prevent_cse=False), starts, country.calendar)
    end = _view(ends, country.banded.pairs)
    table = _between_provinces(starts, country.banded) if provinces else None
    return Decade(end.residents, end.within, end.near, end.far, table)


@runtime.program
def history(parameters: RegisteredParameters, country: Country) -> PairwiseHistory:
    """Every year's stock by zones, and what changed it."""
    groups, pairs = parameters.groups, country.banded.pairs
    starts = _starts(groups, country)
    around = _surroundings(groups, country, starts)

    def step(stocks: Stocks, calendar: Calendar) -> tuple[Stocks, tuple[View, Record]]:
        after, settled, moves = year(groups, around, stocks, calendar)
        return after, (_view(after, pairs), record(groups, around, stocks, settled, moves, calendar))

    ends, (states, records) = jax.lax.scan(step, starts, country.calendar)
    start, end = (jnp.stack([stock.away for stock in stocks]) for stocks in (starts, ends))
    return PairwiseHistory(_view(starts, pairs), states, records, start, end)


@runtime.program
def moves(parameters: RegisteredParameters, country: Country, at: Array) -> Float[Array, "zone zone"]:
    """Moves of all groups from zone to zone in the year numbered `at` from zero, persons [origin, destination]."""
    groups = parameters.groups
    starts = _starts(groups, country)
    around = _surroundings(groups, country, starts)

    def step(number: Array, stocks: Stocks) -> Stocks:
        now = jax.tree.map(lambda path: path[number], country.calendar)
        return year(groups, around, stocks, now)[0]

    stocks = jax.lax.fori_loop(0, at, step, starts)
    now = jax.tree.map(lambda path: path[at], country.calendar)
    return reduce(jnp.add, [_between_zones(moved) for moved in year(groups, around, stocks, now)[2]])


def _between_zones(moved: Moves) -> Matrix:
    """Leavers, people who return and people who move onward, of one group [origin, destination]."""
    found = moved.flow + moved.returns.T
    return found if moved.onward is None else found + jnp.sum(moved.onward, axis=0)[:, None] * moved.shares


def _surroundings(groups: tuple[Group, ...], country: Country, starts: Stocks) -> Surroundings:
    return Surroundings(
        zones=country.zones,
        pairs=country.banded.pairs,
        nests=country.banded.prefectures if country.stock.nest else None,
        lasting=_lasting(groups, country, starts),
        stock=country.stock,
        offset_km=country.offset_km,
    )


def _lasting(groups: tuple[Group, ...], country: Country, starts: Stocks) -> tuple[Matrix, ...]:
    """The part of every group's utility that the years do not change."""
    pairs, stock = country.banded.pairs, country.stock
    lasting = [choice.log_kernel(group, pairs) for group in groups]
    if stock.far_covariates:
        afar = [choice.log_from_afar(group, country.zones, pairs) for group in groups]
        lasting = [u + more for u, more in zip(lasting, afar, strict=True)]
    terms = []
    if stock.competing:
        people = jnp.sum(country.zones.residents, axis=0)
        terms.append((choice.log_competing(people, pairs), [group.competing for group in groups]))
    if stock.network == "frozen":
        terms.append((network(country.zones, starts), [group.network for group in groups]))
    for term, weights in terms:
        lasting = [u + weight.astype(u.dtype) * term for u, weight in zip(lasting, weights, strict=True)]
    return tuple(lasting)


def _starts(groups: tuple[Group, ...], country: Country) -> Stocks:
    """Every group at the first census: its margins, and the stock of pairs that has them."""
    zones, pairs = country.zones, country.banded.pairs
    kinds = jnp.stack([pair.coefficients(group.choice) for group in (groups[:1] if country.shared else groups)])
    which = tuple(0 if country.shared else i for i in range(len(groups)))
    strengths = [strength(kind, pairs) for kind in kinds]
    potentials = _potentials(kinds, country, which)
    return tuple(
        GroupStock(zones.home[i], zones.within[i], _table(strengths[which[i]], potentials[i], pairs))
        for i in range(len(groups))
    )


def _potentials(
    kinds: Float[Array, "kernel coefficient"], country: Country, which: tuple[int, ...]
) -> tuple[Sides, ...]:
    """The potentials of every group's table, differentiable in the coefficients of S by the rule of `balance`."""

    def run(strengths: tuple[Bands, ...], taps: tuple[GroupTaps, ...], rest: Any) -> tuple[Sides, ...]:
        zones, banded = rest
        return tuple(balance(strengths[k], sides(zones, i), banded, taps[i].initial) for i, k in enumerate(which))

    banded = country.banded
    zeros = no_factors(len(banded.slot), 2, banded.pairs.log_distance.dtype)
    taps = tuple(GroupTaps(zeros, None, None) for _ in which)
    found: tuple[Sides, ...] = through_bands(run, which)(kinds, banded, taps, (country.zones, banded))
    return found


def _table(strength: Matrix, potentials: Sides, pairs: Pairs) -> Matrix:
    """The initial stock x_o S_oj y_jb, persons."""
    x, near, far = (side.astype(strength.dtype) for side in (potentials.out, potentials.near, potentials.far))
    return x[:, None] * strength * jnp.where(choice.same_province(pairs), near[None, :], far[None, :])


def _view(stocks: Stocks, pairs: Pairs) -> View:
    near = choice.same_province(pairs)
    return View(
        home=jnp.stack([stock.home for stock in stocks]),
        within=jnp.stack([stock.within for stock in stocks]),
        near=jnp.stack([arriving(jnp.where(near, stock.away, 0)) for stock in stocks]),
        far=jnp.stack([arriving(jnp.where(near, 0, stock.away)) for stock in stocks]),
        out=jnp.stack([leaving(stock.away) for stock in stocks]),
    )


def _between_provinces(stocks: Stocks, banded: BandedPairs) -> Float[Array, "province province"]:
    """The stock from province to province, persons, summed over groups; zero within a province."""
    provinces = jnp.arange(banded.members.shape[0], dtype=banded.pairs.place.province.dtype)
    belongs = banded.pairs.place.province[:, None] == provinces[None, :]
    far = jnp.where(choice.same_province(banded.pairs), 0, reduce(jnp.add, [stock.away for stock in stocks]))
    by_destination = choice.product(far, belongs.astype(far.dtype)).astype(float)
    return choice.product(belongs.astype(float).T, by_destination)
