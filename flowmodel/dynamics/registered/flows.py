"""The flow matrix of one year of a run with registration: moves of all groups and kinds from zone to zone."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from flowmodel.dynamics.registered.accounts import places
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.factored.pair_reconstruction import blocks
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.registered.run import strengths
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.parameters.registered import RegisteredParameters


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
        for block in blocks(start, moved, strength, province):
            if block.year == at:
                total[block.rows] += block.left
                total[:, block.rows] += block.returned.T
    return total
