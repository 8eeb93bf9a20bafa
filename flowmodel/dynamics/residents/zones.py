"""Zones: the arrays of a run that do not change over the years.

Codes and names stay on the host (`zones.table.ZoneTable`); here a zone is a row of arrays.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel.zones.table import ZoneTable


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Zones:
    """Residents at the start (persons), vital rates (per year), standardised covariates; all float64."""

    population: Float[Array, " zone"]
    birth_rate: Float[Array, " zone"]
    death_rate: Float[Array, " zone"]
    attraction: Float[Array, "zone attraction"]
    departure: Float[Array, "zone departure"]


def zones(table: ZoneTable, year: int, attraction: tuple[str, ...], departure: tuple[str, ...]) -> Zones:
    """The zones of `table` with the residents of `year` and the covariates named.

    Raises:
        ZonesError: the table lacks the year or a covariate.
    """
    return Zones(
        population=jnp.asarray(table.population(year)),
        birth_rate=jnp.asarray(table.values("birth_rate")),
        death_rate=jnp.asarray(table.values("death_rate")),
        attraction=jnp.asarray(standardised(table, attraction)),
        departure=jnp.asarray(standardised(table, departure)),
    )


def standardised(table: ZoneTable, names: tuple[str, ...]) -> np.ndarray:
    """Covariates less their mean over zones, in units of their standard deviation, one column each."""
    columns = [table.covariate(name) for name in names]
    scaled = [(column - column.mean()) / column.std() for column in columns]
    return np.stack(scaled, axis=1) if scaled else np.zeros((len(table.codes), 0))
