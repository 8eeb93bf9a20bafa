"""Flows between counties from cells, compared with those of the county model."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel.dynamics.residents.setup import Setup
from flowmodel.dynamics.residents.year import Movements, year
from flowmodel.dynamics.schedule import Calendar
from flowmodel.gravity import operator as kernel
from flowmodel.gravity.distance import great_circles_km
from flowmodel.interaction.scoring.blocks import common_part
from flowmodel.parameters.registry import Parameters
from flowmodel.zones.table import ZoneTable

_BANDS_KM = (0, 50, 100, 200, 400, 800, 1600, np.inf)


@dataclasses.dataclass(frozen=True)
class CountyModel:
    """The first year of the county model, from the same people as the cells."""

    moved: Movements
    operator: kernel.Kernel

    def rows(self, origins: np.ndarray) -> np.ndarray:
        """Persons a year from some counties to every county [origin, county]."""
        push = np.asarray(self.moved.push * self.operator.origin)
        pull = np.asarray(self.moved.pull * self.operator.destination)
        found = [push[row] * strength * pull for row, strength in enumerate(_rows(self.operator)) if row in origins]
        order = np.argsort(np.argsort(origins))
        return np.stack(found)[order]


def county_model(model: Setup, parameters: Parameters, people: np.ndarray, first: Calendar) -> CountyModel:
    """The county model's first year.

    Args:
        model: the county model.
        parameters: its parameters.
        people: residents by county as the cells have them, persons [county].
        first: multipliers of the first year.
    """
    operator = kernel.build(parameters, model.pairs.in_dtype(jnp.float64))
    _, moved = year(parameters, model.zones, operator, jnp.asarray(people), first)
    return CountyModel(moved, operator)


def sample(people: np.ndarray, count: int) -> np.ndarray:
    """A sample of counties of all sizes: sorted by residents, at equal steps of the nation's people [origin]."""
    order = np.argsort(people, kind="stable")
    reached = np.cumsum(people[order])
    at = np.searchsorted(reached, (np.arange(count) + 0.5) / count * reached[-1])
    return np.unique(order[at])


def table(codes: np.ndarray, origins: np.ndarray, cells: np.ndarray, counties: np.ndarray) -> pd.DataFrame:
    """`county_flows.csv`: persons a year by origin and destination, of two counties, in the order of the counties.

    Args:
        codes: of all counties [county].
        origins: rows of the counties of origin [origin].
        cells: flows added up from cells [origin, county].
        counties: the county model's [origin, county].
    """
    other = np.arange(len(codes)) != origins[:, None]
    origin, destination = np.nonzero(other)
    return pd.DataFrame(
        {
            "origin": codes[origins[origin]],
            "destination": codes[destination],
            "by_cells": cells[other],
            "by_counties": counties[other],
        }
    )


def scores(flows: pd.DataFrame, distance_km: np.ndarray) -> dict[str, Any]:
    """Measures of agreement of the cells' flows with those of the county model.

    `common_part` is that of commuters, 1 where all pairs agree and 0 where no pair has flows in both; `ratio` is the
    ratio of totals, over all pairs and by distance.

    Args:
        flows: of `table`.
        distance_km: of its pairs [pair].
    """
    one, other = flows["by_cells"].to_numpy(), flows["by_counties"].to_numpy()
    band = np.digitize(distance_km, _BANDS_KM[1:-1])
    by_distance = {
        f"{_BANDS_KM[k]:g}-{_BANDS_KM[k + 1]:g} km": {
            "by_cells": float(one[band == k].sum()),
            "by_counties": float(other[band == k].sum()),
        }
        for k in range(len(_BANDS_KM) - 1)
    }
    return {
        "pairs": len(flows),
        "ratio": float(one.sum() / other.sum()),
        "common_part": common_part(one, other),
        "by_distance": by_distance,
    }


def distances(zones: ZoneTable, origins: np.ndarray) -> np.ndarray:
    """Great-circle distances of the pairs of `table`, km, in its order [pair]."""
    km = great_circles_km(zones.values("lon"), zones.values("lat"), origins)
    return np.asarray(km[np.arange(len(zones.codes)) != origins[:, None]])


def _rows(operator: kernel.Kernel) -> Any:
    for block in operator.strength.rows(256):
        yield from block
