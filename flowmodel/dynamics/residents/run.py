"""A run of residents at given parameter values: the years in float64, and the accounts."""

import jax.numpy as jnp
import numpy as np

from flowmodel.dynamics.residents import accounts as accounting
from flowmodel.dynamics.residents import rollout
from flowmodel.dynamics.residents.accounts import Accounts
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.gravity import operator
from flowmodel.parameters.registry import Parameters


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
