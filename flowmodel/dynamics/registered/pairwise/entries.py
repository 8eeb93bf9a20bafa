"""The accounts' entries of a year on the pairwise path: both sides of the moves, summed independently of the state."""

import dataclasses
from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from flowmodel.dynamics.registered.pairwise.choice import Matrix
from flowmodel.dynamics.registered.pairwise.year import (
    GroupStock,
    Moves,
    Surroundings,
    Vector,
    arriving,
    exchanged,
    learned,
    leaving,
    rates,
)
from flowmodel.dynamics.schedule import Calendar
from flowmodel.parameters.registered import Group


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Record:
    """What changed residents, and registered people, in a year, persons; births are of the group of the child.

    `cross_divide` is moves of all groups across the divide, east to west first.
    """

    births: Float[Array, "*year group zone"]
    deaths: Float[Array, "*year group zone"]
    inflow: Float[Array, "*year group zone"]
    outflow: Float[Array, "*year group zone"]
    regrouped: Float[Array, "*year group zone"]
    births_registered: Float[Array, "*year group zone"]
    deaths_registered: Float[Array, "*year group zone"]
    converted_in: Float[Array, "*year group zone"]
    converted_out: Float[Array, "*year group zone"]
    regrouped_registered: Float[Array, "*year group zone"]
    cross_divide: Float[Array, "*year direction"]


def record(
    groups: tuple[Group, ...],
    around: Surroundings,
    opening: tuple[GroupStock, ...],
    settled: tuple[GroupStock, ...],
    moves: tuple[Moves, ...],
    calendar: Calendar,
) -> Record:
    """The entries of one year."""
    birth, death = (jnp.stack(rate) for rate in zip(*rates(groups, around.zones, calendar), strict=True))
    residents = jnp.stack([stock.residents for stock in opening])
    to = around.zones.birth_to
    return Record(
        births=_sent(residents * birth, to),
        deaths=residents * death,
        inflow=jnp.stack([_inflow(moved) for moved in moves]),
        outflow=jnp.stack([_outflow(moved) for moved in moves]),
        regrouped=_net(groups, around, settled, [stock.residents for stock in settled]),
        births_registered=_sent(_by_registration(opening, birth), to),
        deaths_registered=_by_registration(opening, death),
        converted_in=jnp.stack([arriving(moved.converted) for moved in moves]),
        converted_out=jnp.stack([leaving(moved.converted) for moved in moves]),
        regrouped_registered=_net(groups, around, settled, [stock.registered for stock in settled]),
        cross_divide=reduce(jnp.add, [_crossings(moved, around.pairs.place.east) for moved in moves]),
    )


def _sent(counts: Float[Array, "group zone"], to: tuple[int, ...]) -> Float[Array, "group zone"]:
    """The counts of every group, summed by the group they go to."""
    return jnp.zeros_like(counts).at[jnp.asarray(to)].add(counts)


def _by_registration(stocks: tuple[GroupStock, ...], rate: Float[Array, "group zone"]) -> Float[Array, "group zone"]:
    """The events that occur at a rate of the zone of residence, counted by zone of registration."""
    return jnp.stack(
        [
            (stock.home + stock.within) * r + leaving(stock.away * r.astype(stock.away.dtype)[None, :])
            for stock, r in zip(stocks, rate, strict=True)
        ]
    )


def _inflow(moved: Moves) -> Vector:
    """People who come to a zone: leavers of other zones, people who return, and people who move onward to it."""
    inflow = arriving(moved.flow) + leaving(moved.returns)
    return inflow if moved.arrived is None else inflow + arriving(moved.arrived)


def _outflow(moved: Moves) -> Vector:
    """People who leave a zone: of its home pool, people who return from it, and people who move onward from it."""
    outflow = leaving(moved.flow) + arriving(moved.returns)
    return outflow if moved.onward is None else outflow + arriving(moved.onward)


def _crossings(moved: Moves, east: Bool[Array, " zone"]) -> Float[Array, " direction"]:
    """Moves of one group across the divide: of leavers, of those who return, of those who move onward."""
    crossed = _crossing(moved.flow, east) + _crossing(moved.returns, east)[::-1]
    if moved.onward is None:
        return crossed
    left = arriving(moved.onward).astype(moved.shares.dtype)
    return crossed + _crossing(left[:, None] * moved.shares, east)


def _crossing(moves: Matrix, east: Bool[Array, " zone"]) -> Float[Array, " direction"]:
    """From rows to columns across the divide: from east to west, from west to east."""
    away = jnp.where(east[:, None] & ~east[None, :], moves, 0)
    back = jnp.where(~east[:, None] & east[None, :], moves, 0)
    return jnp.stack([jnp.sum(arriving(away)), jnp.sum(arriving(back))])


def _net(
    groups: tuple[Group, ...], around: Surroundings, settled: tuple[GroupStock, ...], people: list[Vector]
) -> Float[Array, "group zone"]:
    """The net gain of every group from learning and then from ageing, of `people` in zones."""
    gained = learned(groups, around.zones, settled)
    if around.stock.groups != "skills_ages":
        return jnp.stack(gained)
    older = [(who + gain) * around.zones.ageing[i] for i, (who, gain) in enumerate(zip(people, gained, strict=True))]
    return jnp.stack(gained) + jnp.stack(exchanged(older, around.zones.next_group))
