"""Direct sums over all cells for a few of them, in float64 NumPy: the reference for transforms and plane distances."""

import dataclasses
from collections.abc import Callable

import numpy as np

from flowmodel.gravity.decay import POWER, Law
from flowmodel.gravity.distance import REFERENCE_KM, great_circle_km
from flowmodel.parameters.registry import Parameters
from flowmodel.zones.cells import GridCells
from flowmodel.zones.table import ZoneTable

Distance = Callable[[int], np.ndarray]
"""Distances of one cell inside a zone from all such cells, km [cell]."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The inputs of a row of the pair kernel, for the cells inside zones.

    Attributes:
        parameters: of the county model.
        offset_km: the internal distance d0.
        county: row of each cell's county [cell].
        province: its province [cell].
        prefecture: its prefecture [cell].
        east: side of the divide [cell].
        law: of distance decay.
    """

    parameters: Parameters
    offset_km: float
    county: np.ndarray
    province: np.ndarray
    prefecture: np.ndarray
    east: np.ndarray
    law: Law

    def reach(self, row: int, distance: Distance, pull: np.ndarray) -> float:
        """Σ_j K_oj w_j over cells of other counties than that of cell `row`.

        Args:
            row: number of the cell among those inside zones.
            distance: of the cell from all cells.
            pull: w_j [cell].
        """
        p = self.parameters
        border = {name: float(value) for name, value in p.barriers.items()}
        ln_distance = np.log((distance(row) + self.offset_km) / REFERENCE_KM)
        utility = self.law.on_host(-np.asarray(p.decay, float), ln_distance)
        utility = utility - border["other_province"] * (self.province != self.province[row])
        utility += border["same_prefecture"] * (self.prefecture == self.prefecture[row])
        barrier = border["divide_east_west" if self.east[row] else "divide_west_east"]
        utility -= barrier * (self.east != self.east[row])
        return float(np.sum(np.where(self.county != self.county[row], np.exp(utility) * pull, 0.0)))


def rows(parameters: Parameters, cells: GridCells, table: ZoneTable, offset_km: float, law: Law = POWER) -> Rows:
    """The rows of a grid's kernel."""
    county = cells.zone[cells.zone >= 0]
    province, prefecture = (table.indices(level)[county] for level in ("province", "prefecture"))
    return Rows(parameters, offset_km, county, province, prefecture, cells.east[cells.zone >= 0], law)


def in_the_plane(cells: GridCells) -> Distance:
    """Distances of centres in the plane of the grid."""
    y, x = (index * cells.cell_km for index in np.nonzero(cells.zone >= 0))
    return lambda row: np.hypot(y - y[row], x - x[row])


def on_the_sphere(lon: np.ndarray, lat: np.ndarray) -> Distance:
    """Great-circle distances of positions in degrees [cell], by the haversine."""
    along, up = np.radians(lon), np.radians(lat)
    return lambda row: np.asarray(great_circle_km(up[row], up, along - along[row], np))
