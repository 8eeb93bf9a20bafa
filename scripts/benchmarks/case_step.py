"""One production-constrained step, the same for every side of a comparison: NumPy alone, seeded.

With d the chord between two zones on the unit sphere and S_oj = d_oj^-exponent for o != j, S_oo = 0:

    reach = S @ mass,  push = leavers / reach,  inflow = mass * (S.T @ push)

so that everybody who leaves arrives: inflow and leavers have the same sum. Positions are given in float32; the
result of a side is compared with a loop in float64 over the same positions.
"""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Distance = Literal["chord", "arc"]

LON_DEG, LAT_DEG = (75.0, 134.0), (20.0, 52.0)  # the box that China lies in
TOWN_SPREAD_DEG = 0.6
ZONES_A_TOWN = 40
CELL_DEG = 0.05  # no two zones share one, and each lies in the middle half of its own: none nearer than 1.7 km
MEAN_LOG_MASS, LOG_MASS_SD = 12.5, 0.9  # a median of 270,000 persons, as of a county
LEAVING_SHARE = (0.005, 0.05)
EXPONENT = 1.3
TWIN_ROWS = 256


@dataclasses.dataclass(frozen=True)
class StepCase:
    """What a step is made of.

    Attributes:
        position: on the unit sphere [N, 3].
        mass: persons [N].
        leavers: persons leaving each zone [N].
        exponent: of the distance, positive.
    """

    position: Float32
    mass: Float32
    leavers: Float32
    exponent: float

    @property
    def degrees(self) -> tuple[Float64, Float64]:
        """Longitude and latitude [N] each."""
        x, y, z = self.position.T.astype(np.float64)
        return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


def step(zones: int = 2850, seed: int = 20260103) -> StepCase:
    """Zones in China's box: two thirds of them around towns, the rest anywhere, with log-normal masses."""
    draw = np.random.default_rng(seed)
    lon, lat = np.radians(_degrees(draw, zones)).T
    position = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    mass = np.exp(draw.normal(MEAN_LOG_MASS, LOG_MASS_SD, zones))
    leavers = mass * draw.uniform(*LEAVING_SHARE, zones)
    return StepCase(position.astype(np.float32), mass.astype(np.float32), leavers.astype(np.float32), EXPONENT)


def _degrees(draw: np.random.Generator, zones: int) -> Float64:
    """Longitude and latitude [N, 2], each zone in a cell of its own."""
    low, high = zip(LON_DEG, LAT_DEG, strict=True)
    towns = draw.uniform(low, high, (max(zones // ZONES_A_TOWN, 1), 2))
    drawn = 2 * zones  # more than needed: those in a taken cell are left out
    near = towns[draw.integers(0, len(towns), drawn)] + draw.normal(0, TOWN_SPREAD_DEG, (drawn, 2))
    place = np.where(draw.random((drawn, 1)) < 2 / 3, near, draw.uniform(low, high, (drawn, 2)))
    cell = np.floor(place / CELL_DEG)
    kept = np.sort(np.unique(cell, axis=0, return_index=True)[1])[:zones]
    return (cell[kept] + draw.uniform(0.25, 0.75, (len(kept), 2))) * CELL_DEG


def twin(case: StepCase, distance: Distance = "chord") -> Float64:
    """The inflow in float64 [N], by differences of positions; the arc is for a peer that knows no chord."""
    position, mass, inflow = (np.asarray(x, np.float64) for x in (case.position, case.mass, np.zeros(len(case.mass))))
    for first in range(0, len(mass), TWIN_ROWS):
        rows = slice(first, first + TWIN_ROWS)
        apart = np.sqrt(sum((position[rows, k, None] - position[:, k]) ** 2 for k in range(3)))
        apart[np.arange(len(apart)), np.arange(len(mass))[rows]] = np.inf
        if distance == "arc":
            apart = np.where(np.isinf(apart), np.inf, 2 * np.arcsin(np.minimum(apart / 2, 1)))
        pull = apart**-case.exponent
        inflow += (case.leavers[rows] / (pull @ mass)) @ pull
    return mass * inflow


def largest_difference(inflow: NDArray[np.floating], expected: Float64) -> float:
    """The largest relative difference over all zones."""
    return float(np.max(np.abs(np.asarray(inflow, np.float64) / expected - 1)))
