"""Little grids, and the pair rule on them written out as a dense float64 matrix.

What belongs here: grids whose zones and units are awkward, and K over all their pairs from the equation alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARAMETERS = {
    "distance": 1.3,
    "other_province": 0.9,
    "same_prefecture": 0.7,
    "divide_east_west": 0.8,
    "divide_west_east": -0.2,
}
OFFSET_KM = 4.0


@dataclass(frozen=True)
class Grid:
    """Zones of a grid, the side of the divide, and units of some levels."""

    zone: NDArray[np.bool_]
    east: NDArray[np.bool_]
    units: dict[str, NDArray[np.int32]]
    cell_km: float = 3.0
    most_windows: int = 3


def nested(shape: tuple[int, int], zone: NDArray[np.bool_], levels: tuple[str, ...], most_windows: int = 3) -> Grid:
    """A grid with a slanted divide; stripes as provinces, blocks as prefectures, counties in pieces in each block."""
    y, x = np.indices(shape)
    province = x // 8
    prefecture = 2 * province + (y // 7 > 0)
    county = 4 * prefecture + (x + y) % 3
    found = {"province": province, "prefecture": prefecture, "county": county}
    units = {level: np.where(zone, found[level], -1).astype(np.int32) for level in levels}
    return Grid(zone, 2 * x + y > 1.1 * shape[1], units, most_windows=most_windows)


def grids() -> dict[str, Grid]:
    """The grids by name."""
    rng = np.random.default_rng(3)
    every = ("province", "prefecture", "county")
    islands = np.zeros((12, 19), bool)
    islands[2:5, 3:6] = islands[8:10, 14:17] = islands[6, 9] = True
    whole = np.ones((8, 10), bool)
    return {
        "odd": nested((15, 21), rng.random((15, 21)) < 0.8, every),
        "row": nested((1, 22), np.ones((1, 22), bool), every, most_windows=1),
        "column": nested((17, 1), np.ones((17, 1), bool), ("county",)),
        "islands": nested(islands.shape, islands, every, most_windows=2),
        "one_side": Grid(whole, ~whole, {"prefecture": np.indices((8, 10))[1].astype(np.int32) // 5}),
        "no_borders": nested((8, 11), rng.random((8, 11)) < 0.9, ()),
        "two_cells": nested((2, 5), np.array([[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], bool), ()),
    }


def terms(grid: Grid) -> dict[str, NDArray[np.float64]]:
    """The terms of every pair in the operator's order, [cell, cell] in the order of the raveled grid."""
    y, x = (axis.ravel() for axis in np.indices(grid.zone.shape))
    distance = grid.cell_km * np.sqrt((y[:, None] - y) ** 2 + (x[:, None] - x) ** 2)
    units = {level: labels.ravel() for level, labels in grid.units.items()}
    nobody = np.zeros(distance.shape, bool)
    one = {level: labels[:, None] == labels for level, labels in units.items()}
    east = grid.east.ravel()
    return {
        "log_distance": np.log((distance + OFFSET_KM) / 300),
        "other_province": ~one["province"] + 0.0 if "province" in one else nobody + 0.0,
        "same_prefecture": one.get("prefecture", nobody) + 0.0,
        "parted": (east[:, None] != east) + 0.0,
    }


def strength(grid: Grid, parameters: dict[str, float] = PARAMETERS) -> NDArray[np.float64]:
    """S over all pairs."""
    p, term = parameters, terms(grid)
    height = (p["divide_east_west"] + p["divide_west_east"]) / 2
    coefficients = (-p["distance"], -p["other_province"], p["same_prefecture"], -height)
    matrix = np.exp(sum(c * value for c, value in zip(coefficients, term.values(), strict=True)))
    zone = grid.zone.ravel()
    apart = ~np.eye(len(zone), dtype=bool)
    if "county" in grid.units:
        county = grid.units["county"].ravel()
        apart &= county[:, None] != county
    return np.where(apart & zone[:, None] & zone, matrix, 0.0)


def kernel(grid: Grid, parameters: dict[str, float] = PARAMETERS) -> NDArray[np.float64]:
    """K over all pairs: S, with the divide in the direction in which it is crossed."""
    matrix, east = strength(grid, parameters), grid.east.ravel()
    half = (parameters["divide_east_west"] - parameters["divide_west_east"]) / 2
    matrix = np.where(east[:, None] & ~east, matrix * np.exp(-half), matrix)
    return np.where(~east[:, None] & east, matrix * np.exp(half), matrix)


def uneven(grid: Grid, seed: int, columns: tuple[int, ...] = ()) -> NDArray[np.float64]:
    """Weights [*column, y, x] over five orders of magnitude, in cells that are no zones too."""
    return np.exp(np.random.default_rng(seed).normal(0, 2.5, (*columns, *grid.zone.shape)))


def flat(columns: ArrayLike) -> NDArray[np.float64]:
    """[*column, y, x] as [*column, cell]."""
    columns = np.asarray(columns)
    return columns.reshape(*columns.shape[:-2], -1)
