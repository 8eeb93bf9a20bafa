"""One year of all cells: births, deaths, departures, and the destinations of those who leave their county."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.dynamics import demography
from flowmodel.dynamics.cells.downscaling import Field, Support, leavers, pull
from flowmodel.dynamics.cells.operator import GridKernel
from flowmodel.dynamics.schedule import Calendar, shifted
from flowmodel.gravity.operator import shared
from flowmodel.parameters.registry import Parameters

County = Float[Array, " county"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CountyYear:
    """A year's accounts, persons, summed over the cells of each county in float64.

    `inflow` and `outflow` are moves from and to other counties; `inside` are moves between cells of the county.
    """

    opening: County
    births: County
    deaths: County
    inflow: County
    outflow: County
    inside: County
    closing: County


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GridYear:
    """Residents after a year and its moves, persons by cell (those inside a county among them), and the accounts."""

    residents: Field
    inflow: Field
    outflow: Field
    accounts: CountyYear


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pressure:
    """The factors of a year's flows push_o K_oj pull_j, and each origin's reach, beyond its county and inside it."""

    push: Field
    pull: Field
    reach: Field
    inside: Field | None


def pressure(parameters: Parameters, support: Support, operator: GridKernel, population: Field) -> Pressure:
    """Push and pull at the opening of a year; the push is zero where nothing is in reach.

    A county's departure rate counts moves to other counties. If moves inside counties are modelled as well
    (`GridKernel`), moves to other counties stay at that rate, and the kernel determines how many are added inside.
    """
    dtype = operator.dtype
    drawn = pull(parameters, support, population).astype(dtype)
    reach, inside = operator.reach(drawn)
    push = shared(leavers(parameters, support, population), reach.astype(float))
    return Pressure(push.astype(dtype), drawn, reach, inside)


@runtime.program
def year(
    parameters: Parameters, support: Support, operator: GridKernel, population: Field, calendar: Calendar
) -> GridYear:
    """A year of all cells, persons; births and deaths are at the county's rates, of the residents at its opening.

    Outflow is summed on the side of origins and inflow on that of destinations, by two products of the operator. Their
    agreement over the nation is a check: nothing is scaled to enforce it.
    """
    parameters = shifted(parameters, calendar)
    at = pressure(parameters, support, operator, population)
    push = at.push.astype(float)
    zones = support.zones
    birth = demography.births(
        jnp.ones(support.counties), zones.birth_rate, calendar.births, parameters.birth_adjustment
    )
    death = demography.deaths(jnp.ones(support.counties), zones.death_rate, calendar.deaths)
    inside = jnp.zeros_like(population) if at.inside is None else push * at.inside.astype(float)
    outflow = push * at.reach.astype(float) + inside
    inflow = at.pull.astype(float) * operator.arrivals(at.push).astype(float)
    residents = population * (1 + support.of_cell(birth - death)) + inflow - outflow
    opening, within = support.by_county(population), support.by_county(inside)
    accounts = CountyYear(
        opening=opening,
        births=opening * birth,
        deaths=opening * death,
        inflow=support.by_county(inflow) - within,
        outflow=support.by_county(outflow) - within,
        inside=within,
        closing=support.by_county(residents),
    )
    return GridYear(residents, inflow, outflow, accounts)


first_pressure = runtime.program(pressure)


@runtime.program
def flows_from(
    support: Support, operator: GridKernel, at: Pressure, counties: Float[Array, " origin"]
) -> Float[Array, "origin county"]:
    """Persons a year from each of some counties to every county, summed over the pairs of their cells."""

    def row(county: Array) -> Float[Array, " county"]:
        push = jnp.where(support.zone == county, at.push, 0)
        return support.by_county(at.pull.astype(float) * operator.arrivals(push).astype(float))

    rows: Array = jax.lax.map(row, counties)
    return rows
