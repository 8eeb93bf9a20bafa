"""Decay laws written out once more, in float64 and pair by pair, from their formulas alone.

What belongs here: ln f of every law by the parameters of the yearly model, and S over the pairs of a world in a loop.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import twin
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def stretched(distance_km: Any, scale: float = 200.0, power: float = 0.8) -> Any:
    """A user's law: a stretched exponential, linear in neither of its parameters."""
    return -((distance_km / scale) ** power)


LN: dict[str, Callable[[float, Vector], float]] = {
    "power": lambda km, p: -p[0] * math.log(km / 300),
    "exponential": lambda km, p: -p[0] * km / 300,
    "tanner": lambda km, p: -p[0] * math.log(km / 300) - p[1] * km / 300,
    "lognormal": lambda km, p: -p[0] * math.log(km / 300) - p[1] * math.log(km / 300) ** 2,
    "stretched": lambda km, p: -((km / p[0]) ** p[1]),
}
"""Ln f by the distance with its offset, km."""
VALUES = {
    "power": [1.3],
    "exponential": [0.6],
    "tanner": [0.7, 0.4],
    "lognormal": [1.1, 0.15],
    "stretched": [250.0, 0.7],
}


def strength(world: twin.World, law: str, decay: Vector, borders: tuple[float, float, float]) -> Vector:
    """S of every pair, zero on the diagonal; `borders` as they stand in the utility."""
    zones = len(world.population)
    matrix = np.zeros((zones, zones))
    for o in range(zones):
        for j in range(zones):
            if o != j:
                utility = LN[law](twin.distance_km(world, o, j) + world.offset_km, decay)
                utility += borders[0] * bool(world.province[o] != world.province[j])
                utility += borders[1] * bool(world.prefecture[o] == world.prefecture[j])
                utility += borders[2] * bool(world.east[o] != world.east[j])
                matrix[o, j] = math.exp(utility)
    return matrix
