"""A run with registration at given values: the years in float64, by whichever path, and the accounts closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

from flowmodel.dynamics.registered import children
from flowmodel.dynamics.registered.census.families import Families
from flowmodel.dynamics.registered.children import Away
from flowmodel.dynamics.registered.factored import accounts as stock_accounts
from flowmodel.dynamics.registered.factored import pair_reconstruction
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.factored.accounts import Places, RegisteredAccounts
from flowmodel.dynamics.registered.factored.rollout import Country
from flowmodel.dynamics.registered.pairwise import accounts
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.gravity import pair
from flowmodel.gravity.dense import strength
from flowmodel.parameters.registered import RegisteredParameters
from flowmodel.zones.table import ZoneTable


def run(model: RegisteredSetup, parameters: RegisteredParameters) -> RegisteredAccounts:
    """Runs the years in float64 and closes the accounts.

    Raises:
        NumericError: somebody was lost (`dynamics.stock_accounts.check`).
    """
    exact = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf, model.country.banded
    )
    country = dataclasses.replace(model.country, banded=exact)
    where = places(model.table)
    closed, away = (_pairwise if model.plan.path == "pairwise" else _factored)(parameters, country, where)
    stock_accounts.check(closed, model.table.codes, model.groups.names, model.years[0])
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
    return accounts.accounts(history, np.asarray(country.zones.elsewhere), where), away


def _factored(
    parameters: RegisteredParameters, country: Country, where: Places
) -> tuple[RegisteredAccounts, Iterable[Away]]:
    of_groups = strengths(parameters, country)
    starts, states, movements = factored.history(parameters, country)
    elsewhere = np.asarray(country.zones.elsewhere)
    closed = stock_accounts.accounts(starts, states, movements, of_groups, elsewhere, where)
    return closed, pair_reconstruction.ends(starts, movements, of_groups, where.province)


def strengths(parameters: RegisteredParameters, country: Country) -> list[np.ndarray]:
    """S of every group on the host; groups that share one S have the same array."""
    groups = parameters.groups
    found = [
        np.asarray(strength(pair.coefficients(group.choice), country.banded.pairs))
        for group in (groups[:1] if country.shared else groups)
    ]
    return found * len(groups) if country.shared else found


def with_children(
    closed: RegisteredAccounts,
    away: Iterable[Away],
    of_census: Families,
    where: Places,
    parameters: RegisteredParameters,
) -> RegisteredAccounts:
    """`closed` with the account of children, from everybody `away` at the start and the end."""
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


def places(table: ZoneTable) -> Places:
    """Where the zones lie, on the host."""
    city = np.where(table.values("districts") > 0, table.indices("prefecture"), -1)
    return Places(table.indices("province"), table.values("east").astype(bool), city)
