"""A run of residents at given parameter values, in float64: the accounts, and the flow matrix of one year."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from flowmodel.dynamics.residents import accounts as accounting
from flowmodel.dynamics.residents import rollout
from flowmodel.dynamics.residents.accounts import Accounts
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.gravity import operator
from flowmodel.parameters.registry import Parameters

_ROWS = 256


def run(setup: Setup, parameters: Parameters) -> Accounts:
    """Runs the years in float64 and closes the accounts.

    Raises:
        NumericError: people are lost (`dynamics.residents.accounts.check`).
    """
    exact = setup.pairs.in_dtype(jnp.float64)
    states, moved = rollout.history(parameters, setup.zones, exact, setup.calendar)
    kernel = operator.build(parameters, exact)
    closed = accounting.accounts(
        np.asarray(setup.zones.population), np.asarray(states), moved, kernel, np.asarray(exact.place.east)
    )
    accounting.check(closed, setup.table.codes, setup.years[0])
    return closed


def flows(setup: Setup, parameters: Parameters, year: int) -> Float[np.ndarray, "zone zone"]:
    """F_oj = push_o K_oj pull_j of the year that ends with `year`, persons, float64 [origin, destination].

    Rows sum to the outflow of that year's accounts, columns to its inflow; the diagonal is zero.
    """
    exact = setup.pairs.in_dtype(jnp.float64)
    _, moved = rollout.history(parameters, setup.zones, exact, setup.calendar)
    kernel = operator.build(parameters, exact)
    at = year - setup.years[0] - 1
    push = np.asarray(moved.push[at] * kernel.origin)
    pull = np.asarray(moved.pull[at] * kernel.destination)
    strength = np.concatenate(list(kernel.strength.rows(_ROWS)))[: len(push)]
    return np.asarray(push[:, None] * strength * pull)
