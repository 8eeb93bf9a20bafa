"""A run with registration at given values, in float64 on the path that is set up: accounts, and flows of one year."""

import dataclasses
from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from flowmodel.dynamics.registered import children
from flowmodel.dynamics.registered.accounts import Places, RegisteredAccounts, check, places
from flowmodel.dynamics.registered.census.families import Families
from flowmodel.dynamics.registered.children import Away
from flowmodel.dynamics.registered.country import Country
from flowmodel.dynamics.registered.factored import accounts as factored_accounts
from flowmodel.dynamics.registered.factored import pair_reconstruction
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import accounts as pairwise_accounts
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.gravity.operator import Strength
from flowmodel.parameters.registered import RegisteredParameters


def run(model: RegisteredSetup, parameters: RegisteredParameters) -> RegisteredAccounts:
    """Runs the years in float64 and closes the accounts.

    Raises:
        NumericError: people are lost (`dynamics.registered.accounts.check`).
    """
    country = model.country.in_dtype(jnp.float64)
    where = places(model.table)
    closed, away = (_pairwise if model.plan.path == "pairwise" else _factored)(parameters, country, where)
    check(closed, model.table.codes, model.groups.names, model.years[0])
    return closed if model.families is None else with_children(closed, away, model.families, where, parameters)


def _pairwise(
    parameters: RegisteredParameters, country: Country, where: Places
) -> tuple[RegisteredAccounts, Iterable[Away]]:
    history = pairwise.history(parameters, country)
    everybody = slice(0, len(where.province))
    away = [
        Away(group, when, everybody, np.asarray(people, float))
        for when, stock in ((children.START, history.away_start), (children.END, history.away))
        for group, people in enumerate(stock)
    ]
    return pairwise_accounts.accounts(history, np.asarray(country.zones.elsewhere), where), away


def _factored(
    parameters: RegisteredParameters, country: Country, where: Places
) -> tuple[RegisteredAccounts, Iterable[Away]]:
    of_groups = strengths(parameters, country)
    starts, states, movements = factored.history(parameters, country)
    elsewhere = np.asarray(country.zones.elsewhere)
    closed = factored_accounts.accounts(starts, states, movements, of_groups, elsewhere, where)
    return closed, pair_reconstruction.ends(starts, movements, of_groups, where.province)


def strengths(parameters: RegisteredParameters, country: Country) -> list[Strength]:
    """S of every group over all pairs of zones; groups that share one S have the same object."""
    whole = country.pairs.whole
    found = [whole.strength(one) for one in factored.kernels(parameters.groups, country)]
    return found * len(parameters.groups) if country.shared else found


def with_children(
    closed: RegisteredAccounts,
    away: Iterable[Away],
    of_census: Families,
    where: Places,
    parameters: RegisteredParameters,
) -> RegisteredAccounts:
    """`closed` with the account of children, from all people `away` at the start and the end."""
    found = children.account(
        away,
        np.stack([closed.within_start, closed.within[-1]]),
        np.stack([closed.opening[0], closed.closing[-1]]),
        children.ageing(of_census, closed.closing[-1].sum(axis=0), closed.births.sum(axis=1)),
        of_census,
        where.province,
        where.city,
        children.comoving(of_census, {name: float(value) for name, value in parameters.observed.items()}),
    )
    return dataclasses.replace(closed, children=found)


def flows(setup: RegisteredSetup, parameters: RegisteredParameters, year: int) -> Float[np.ndarray, "zone zone"]:
    """Moves in the year that ends with `year`, persons, float64 [origin, destination].

    People who leave their zone of registration, who return to it, and who move onward. Rows sum to the outflow of that
    year's accounts over all groups, columns to the inflow.
    """
    country = setup.country.in_dtype(jnp.float64)
    at = year - setup.years[0] - 1
    if setup.plan.path == "pairwise":
        return np.asarray(pairwise.moves(parameters, country, jnp.asarray(at)))
    starts, _, movements = factored.history(parameters, country)
    province = places(setup.table).province
    total = np.zeros((len(province), len(province)))
    for start, moved, strength in zip(starts, movements, strengths(parameters, country), strict=True):
        for block in pair_reconstruction.blocks(start, moved, strength, province):
            if block.year == at:
                total[block.rows] += block.left
                total[:, block.rows] += block.returned.T
    return total
