"""The change of support from counties to cells.

A county model gives a county's pull n_j^α exp(x_j·γ) and the share of its people who leave it for another county. For
the cells c of county j, with n_c people each:

- Cells share the pull of their county in proportion to people: w_c = n_j^α exp(x_j·γ) n_c / n_j. With the power of a
  cell's people instead, the pull would depend on the size of cells.
- A cell's people leave the county at the county's rate.
- Distance is that of the cells, with the same decay and the same internal distance d0; borders are those of the cells.
- Where a raster gives a covariate by cell, the value of the cell replaces that of its county, in standard deviations
  over counties: w_c gains exp((x_c − x_j)·γ), and the logit of the rate (y_c − y_j)·m.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from flowmodel.dynamics.residents.year import departure_rate
from flowmodel.dynamics.residents.zones import Zones
from flowmodel.gravity.pair import attraction
from flowmodel.parameters.registry import Parameters
from flowmodel.zones.cells import GridCells
from flowmodel.zones.table import ZoneTable

Field = Float[Array, "y x"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Support:
    """Counties, and the cells that lie in them.

    Attributes:
        zones: the counties.
        zone: row of each cell's county; the number of counties where a cell lies in no zone.
        pulled: (x_c − x_j)·γ of cells with covariates from a raster, else None.
        sent: (y_c − y_j)·m, likewise.
    """

    zones: Zones
    zone: Int[Array, "y x"]
    pulled: Field | None
    sent: Field | None

    @property
    def counties(self) -> int:
        """The number of counties."""
        return int(self.zones.population.shape[0])

    def by_county(self, values: Field) -> Float[Array, " county"]:
        """Sums over the cells of each county, float64."""
        sums: Array = jnp.zeros(self.counties + 1).at[self.zone].add(values.astype(float))[:-1]
        return sums

    def of_cell(self, values: Float[Array, " county"]) -> Field:
        """A county's value in each of its cells, zero in cells outside of all zones."""
        return jnp.append(values, jnp.zeros((), values.dtype))[self.zone]


def support(
    cells: GridCells,
    table: ZoneTable,
    zones: Zones,
    parameters: Parameters,
    covariates: tuple[tuple[str, ...], tuple[str, ...]],
) -> Support:
    """The cells of a grid under a county model."""
    counties = len(table.codes)
    differences = (
        _differences(cells, table, names, np.asarray(coefficients))
        for names, coefficients in zip(covariates, (parameters.attraction, parameters.departure), strict=True)
    )
    pulled, sent = (None if one is None else jnp.asarray(one) for one in differences)
    zone = np.where(cells.zone < 0, np.int32(counties), cells.zone)
    return Support(zones, jnp.asarray(zone), pulled, sent)


def pull(parameters: Parameters, support: Support, population: Field) -> Field:
    """w_c of every cell, but for a factor common to all; at most about one."""
    people = support.by_county(population)
    zones = support.zones
    of_county = attraction(people, parameters.mass, zones.attraction, parameters.attraction)
    per_person = jnp.where(people > 0, of_county / jnp.where(people > 0, people, 1.0), 0.0)
    drawn = population * support.of_cell(per_person)
    return drawn if support.pulled is None else drawn * jnp.exp(support.pulled.astype(float))


def leavers(parameters: Parameters, support: Support, population: Field) -> Field:
    """People of every cell who leave its county within a year, persons."""
    rate = departure_rate(parameters, support.zones)
    if support.sent is None:
        return population * support.of_cell(rate)
    logit = support.of_cell(jnp.log(rate) - jnp.log1p(-rate))
    return population * jax.nn.sigmoid(logit + support.sent.astype(float))


def _differences(
    cells: GridCells, table: ZoneTable, names: tuple[str, ...], coefficients: np.ndarray
) -> np.ndarray | None:
    """Σ_k (x_ck − x_jk) / sd_k · coefficient_k over covariates given by cell, float32 [y, x]; None without any."""
    total = None
    for name, coefficient in zip(names, coefficients, strict=True):
        if name in cells.covariates:
            of_county = table.covariate(name)
            apart = cells.covariates[name] - np.append(of_county, np.nan)[cells.zone]
            scaled = np.where(np.isfinite(apart), apart, 0.0) * (coefficient / of_county.std())
            total = scaled if total is None else total + scaled
    return None if total is None else total.astype(np.float32)
