"""Many years of the registered stock with all pairs, by plain differentiation (see `pairwise.year`).

The backward pass computes each year again, so that a gradient keeps one stock per year and not a year's matrices.
"""

import dataclasses
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.country import Country, Decade, sides
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
from flowmodel.gravity import ipf, pair
from flowmodel.gravity.adjoint import through_strengths
from flowmodel.gravity.bands import Banded, Bands, no_band_factors
from flowmodel.gravity.dense import Pairs
from flowmodel.gravity.ipf import Sides
from flowmodel.parameters.registered import Group, RegisteredParameters

Stocks = tuple[GroupStock, ...]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class View:
    """The stock by zones, persons: residents by band, and registered people who live in another zone."""

    home: Float[Array, "*year group zone"]
    within: Float[Array, "*year group zone"]
    near: Float[Array, "*year group zone"]
    far: Float[Array, "*year group zone"]
    out: Float[Array, "*year group zone"]

    @property
    def residents(self) -> Float[Array, "*year group zone"]:
        """Residents."""
        return self.home + self.within + self.near + self.far

    @property
    def registered(self) -> Float[Array, "*year group zone"]:
        """Registered people who live in a zone."""
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

    # The body of a scan is compiled separately, so that nothing in it can be merged with its second computation.
    ends, _ = jax.lax.scan(jax.checkpoint(step, prevent_cse=False), starts, country.calendar)
    end = _view(ends, pairs_of(country))
    table = _between_provinces(starts, country) if provinces else None
    return Decade(end.residents, end.within, end.near, end.far, table)


@runtime.program
def history(parameters: RegisteredParameters, country: Country) -> PairwiseHistory:
    """Every year's stock by zones, and what changed it."""
    groups, pairs = parameters.groups, pairs_of(country)
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


def pairs_of(country: Country) -> Pairs:
    """All pairs of zones as matrices; the setup of a pairwise run stores no others."""
    pairs = country.pairs.whole
    assert isinstance(pairs, Pairs)
    return pairs


def _nests(country: Country) -> Float[Array, "zone prefecture"]:
    """1 where a zone belongs to a prefecture, else 0."""
    pairs = pairs_of(country)
    prefecture = pairs.place.prefecture
    names = jnp.arange(country.prefectures, dtype=prefecture.dtype)
    return (prefecture[:, None] == names[None, :]).astype(pairs.dtype)


def _surroundings(groups: tuple[Group, ...], country: Country, starts: Stocks) -> Surroundings:
    return Surroundings(
        zones=country.zones,
        pairs=pairs_of(country),
        nests=_nests(country) if country.stock.nest else None,
        lasting=_lasting(groups, country, starts),
        stock=country.stock,
        offset_km=country.offset_km,
    )


def _lasting(groups: tuple[Group, ...], country: Country, starts: Stocks) -> tuple[Matrix, ...]:
    """The part of every group's utility that the years do not change."""
    pairs, stock = pairs_of(country), country.stock
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
    """Every group at the first census: its margins, and a stock of pairs with these margins."""
    zones, pairs = country.zones, pairs_of(country)
    kinds = jnp.stack([pair.coefficients(group.choice) for group in (groups[:1] if country.shared else groups)])
    which = tuple(0 if country.shared else i for i in range(len(groups)))
    strengths = [pairs.strength(kind).matrix for kind in kinds]
    potentials = _potentials(kinds, country, which)
    return tuple(
        GroupStock(zones.home[i], zones.within[i], _table(strengths[which[i]], potentials[i], pairs))
        for i in range(len(groups))
    )


def _potentials(
    kinds: Float[Array, "kernel coefficient"], country: Country, which: tuple[int, ...]
) -> tuple[Sides, ...]:
    """The potentials of every group's table, differentiable in the coefficients of S by the rule of `ipf.fit`."""

    def run(strengths: tuple[Banded, ...], taps: tuple[Bands, ...], zones: RegisteredZones) -> tuple[Sides, ...]:
        return tuple(ipf.fit(strengths[k], sides(zones, i), taps[i]) for i, k in enumerate(which))

    taps = tuple(no_band_factors(country.zones.home.shape[1], country.pairs.dtype, 2) for _ in which)
    found: tuple[Sides, ...] = through_strengths(run, which)(kinds, country.pairs, taps, country.zones)
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


def _between_provinces(stocks: Stocks, country: Country) -> Float[Array, "province province"]:
    """The stock from province to province, persons, summed over groups; zero within a province."""
    pairs = pairs_of(country)
    provinces = jnp.arange(country.provinces, dtype=pairs.place.province.dtype)
    belongs = pairs.place.province[:, None] == provinces[None, :]
    far = jnp.where(choice.same_province(pairs), 0, reduce(jnp.add, [stock.away for stock in stocks]))
    by_destination = choice.product(far, belongs.astype(far.dtype)).astype(float)
    return choice.product(belongs.astype(float).T, by_destination)
