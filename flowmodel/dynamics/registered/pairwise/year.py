"""One year of the registered stock with all pairs, N × N per group, for processes that do not factor into zones.

The order of a year is that of `factored.year`; then people learn, and then they age. The moves of a year are kept as
matrices, from which `entries` sums both sides of the accounts independently of the state.
"""

import dataclasses
from collections.abc import Sequence
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.config import Stock
from flowmodel.dynamics.registered import rates as choice
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.pairwise.choice import Choice, Matrix, choose, log_network, product
from flowmodel.dynamics.schedule import Calendar, shifted
from flowmodel.gravity.dense import Pairs
from flowmodel.parameters.registered import Group

Vector = Float[Array, " zone"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GroupStock:
    """Persons of one group: home pool, moved within the zone, and away by [registered, residence], zero at home."""

    home: Vector
    within: Vector
    away: Matrix

    @property
    def residents(self) -> Vector:
        """Residents."""
        return self.home + self.within + arriving(self.away)

    @property
    def registered(self) -> Vector:
        """Registered people who live in a zone."""
        return self.home + self.within + leaving(self.away)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Moves:
    """A year's moves of one group, persons.

    flow: from the home pool, by [zone left, zone reached]. Of the others rows are the zone of registration, columns
    the zone of residence: returns home, converted registration, onward moves by the zone left, and the same people
    (arrived) by the zone reached, where the diagonal is home. Those two are None where nobody moves onward; `shares`
    are those of the destinations.
    """

    flow: Matrix
    returns: Matrix
    converted: Matrix
    onward: Matrix | None
    arrived: Matrix | None
    shares: Matrix


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What all years share: zones, pairs, nests if there are any, and the part of every group's utility that lasts."""

    zones: RegisteredZones
    pairs: Pairs
    nests: Float[Array, "zone prefecture"] | None
    lasting: tuple[Matrix, ...]
    stock: Stock = dataclasses.field(metadata={"static": True})
    offset_km: float = dataclasses.field(metadata={"static": True})


def arriving(matrix: Matrix) -> Vector:
    """Sums over registered zones, or zones left, in float64: by zone of residence."""
    return jnp.sum(matrix, axis=0, dtype=float)


def leaving(matrix: Matrix) -> Vector:
    """Sums over residences, in float64: by zone of registration."""
    return jnp.sum(matrix, axis=1, dtype=float)


def network(zones: RegisteredZones, stocks: tuple[GroupStock, ...]) -> Matrix:
    """ln(1 + S_oj / h_o) of all groups together."""
    known = reduce(jnp.add, [stock.away for stock in stocks])
    registered = reduce(jnp.add, [stock.registered for stock in stocks]) + jnp.sum(zones.elsewhere, axis=0)
    return log_network(known, registered)


def year(
    groups: tuple[Group, ...], around: Surroundings, opening: tuple[GroupStock, ...], calendar: Calendar
) -> tuple[tuple[GroupStock, ...], tuple[GroupStock, ...], tuple[Moves, ...]]:
    """The stocks at the close, the stocks before learning and ageing, and the moves; choices depend on the opening."""
    groups = tuple(dataclasses.replace(group, choice=shifted(group.choice, calendar)) for group in groups)
    people = reduce(jnp.add, [stock.residents for stock in opening])
    known = network(around.zones, opening) if around.stock.network == "evolving" else None
    settled, moves = [], []
    for i, (group, stock) in enumerate(zip(groups, _grown(groups, around.zones, opening, calendar), strict=True)):
        lasting = around.lasting[i] if known is None else around.lasting[i] + _narrow(group.network, known) * known
        chosen = choose(i, group, around.zones, around.pairs, around.nests, lasting, people, around.offset_km)
        after, moved = _moved(group, around, stock, chosen)
        settled.append(after)
        moves.append(moved)
    return _regrouped(groups, around, settled), tuple(settled), tuple(moves)


def _narrow(values: Array, matrix: Matrix) -> Array:
    """The values in the precision of the matrix."""
    return values.astype(matrix.dtype)


def rates(groups: tuple[Group, ...], zones: RegisteredZones, calendar: Calendar) -> list[tuple[Vector, Vector]]:
    """Births and deaths per resident of every group in a year."""
    return [
        (
            zones.birth_rate[i] * calendar.births * group.choice.birth_adjustment,
            zones.death_rate[i] * calendar.deaths,
        )
        for i, group in enumerate(groups)
    ]


def _share(stock: GroupStock, rate: Vector) -> GroupStock:
    """A share of all people, by zone of residence."""
    return GroupStock(stock.home * rate, stock.within * rate, stock.away * _narrow(rate, stock.away)[None, :])


def _grown(
    groups: tuple[Group, ...], zones: RegisteredZones, opening: tuple[GroupStock, ...], calendar: Calendar
) -> list[GroupStock]:
    """After births and deaths where people live; a child is registered where its mother is."""
    vital = rates(groups, zones, calendar)
    born = [_share(stock, birth) for stock, (birth, _) in zip(opening, vital, strict=True)]
    left = [_share(stock, 1 - death) for stock, (_, death) in zip(opening, vital, strict=True)]
    return [
        reduce(_plus, [born[i] for i in range(len(groups)) if zones.birth_to[i] == to], left[to])
        for to in range(len(groups))
    ]


def _plus(one: GroupStock, other: GroupStock) -> GroupStock:
    total: GroupStock = jax.tree.map(jnp.add, one, other)
    return total


def _moved(group: Group, around: Surroundings, stock: GroupStock, chosen: Choice) -> tuple[GroupStock, Moves]:
    """One group after the moves of a year; `stock` is after births and deaths."""
    zones, away = around.zones, stock.away
    leavers = stock.home * chosen.leaving
    moved_within = (stock.home - leavers) * choice.within_rate(group, zones)
    back = stock.within * jax.nn.sigmoid(group.within_return)
    returns = away * _narrow(_return_rates(group, around), away)
    converted = (away - returns) * _narrow(_conversion_rates(group, around), away)[None, :]
    flow = _narrow(leavers, away)[:, None] * chosen.shares
    home = stock.home - leavers - moved_within + back + leaving(returns) + arriving(converted)
    stayed = away - returns - converted + flow
    onward, arrived = None, None
    if around.stock.onward:
        onward = (away - returns - converted) * _narrow(_onward_rates(group, chosen), away)[None, :]
        arrived = product(onward, chosen.shares)
        came_home = jnp.diagonal(arrived)
        home = home + came_home.astype(home.dtype)
        stayed = stayed - onward + arrived - jnp.diag(came_home)
    return GroupStock(home, stock.within - back + moved_within, stayed), Moves(
        flow, returns, converted, onward, arrived, chosen.shares
    )


def _return_rates(group: Group, around: Surroundings) -> Float[Array, "origin residence"]:
    """Share of people away who go home in a year; of length 1 along a dimension on which it does not depend."""
    residence = choice.return_rate_of_residence(group, around.zones)[None, :]
    origin = choice.return_rate_of_origin(group, around.zones)[:, None]
    match around.stock.returning:
        case "residence":
            return residence
        case "origin":
            return origin
        case "both":
            return 1 - (1 - origin) * (1 - residence)
        case "pair":
            return origin * residence
    return jnp.zeros((1, 1))


def _conversion_rates(group: Group, around: Surroundings) -> Vector:
    rates = choice.conversion_rate(group, around.zones)
    return rates if around.stock.conversion else jnp.zeros_like(rates)


def _onward_rates(group: Group, chosen: Choice) -> Vector:
    """Share of people away who move on in a year; zero where nothing is in reach."""
    return jnp.where(jnp.any(chosen.shares > 0, axis=1), jax.nn.sigmoid(group.onward_level), 0.0)


def exchanged(lost: list[Array], to: tuple[int, ...]) -> list[Array]:
    """The net gain of every group when the losses of each group go to the next group."""
    moving = [i for i in range(len(lost)) if to[i] != i]
    gains = [[lost[i] for i in moving if to[i] == group] for group in range(len(lost))]
    gains = [gain + [-lost[group]] * (group in moving) for group, gain in enumerate(gains)]
    return [reduce(jnp.add, gain, jnp.zeros_like(lost[group])) for group, gain in enumerate(gains)]


def learned(groups: tuple[Group, ...], zones: RegisteredZones, settled: Sequence[GroupStock]) -> list[Vector]:
    """Net gain of every home pool from those who learn."""
    share = [jax.nn.sigmoid(group.learning) if zones.learns[i] else 0.0 for i, group in enumerate(groups)]
    return exchanged([stock.home * up for stock, up in zip(settled, share, strict=True)], zones.next_group)


def _regrouped(groups: tuple[Group, ...], around: Surroundings, settled: list[GroupStock]) -> tuple[GroupStock, ...]:
    """The stocks after learning, which affects home pools, and ageing, which affects all who live in a zone."""
    zones = around.zones
    wiser = [
        dataclasses.replace(stock, home=stock.home + gain)
        for stock, gain in zip(settled, learned(groups, zones, settled), strict=True)
    ]
    if around.stock.groups != "skills_ages":
        return tuple(wiser)

    def aged(stocks: list[Array]) -> list[Array]:
        lost = [stock * _narrow(zones.ageing[i], stock) for i, stock in enumerate(stocks)]
        return [stock + gain for stock, gain in zip(stocks, exchanged(lost, zones.next_group), strict=True)]

    fields = (aged([getattr(stock, name) for stock in wiser]) for name in ("home", "within", "away"))
    return tuple(map(GroupStock, *fields))
