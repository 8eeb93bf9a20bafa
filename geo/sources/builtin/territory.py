"""Schematic territories of the provinces: a power diagram whose weights give every province its share of the land."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.coordinates import crs

from .outline import HAINAN, ISLAND_PROVINCE, MAINLAND, PROVINCE_SEEDS, LonLat
from .provinces import PROVINCES

_GRID_KM = 20.0
# Softness of the borders in km2 while the weights are fitted: from very soft (fast, coarse) to nearly sharp.
_SOFTNESS_KM2 = np.geomspace(60_000.0, 3_000.0, 90)


@dataclass(frozen=True)
class Territories:
    """Division of the outline among the provinces; x and y in km, China Albers.

    Attributes:
        mainland: Polygon of the mainland.
        island: Polygon of the island province.
        seeds_km: Seeds of all mainland provinces, shape (S, 2).
        seed_province: Row of `PROVINCES` of each seed, shape (S,).
        weights_km2: Additive weight of each province, shape (P,).
        island_row: Row of `PROVINCES` that has the island.
    """

    mainland: shapely.Polygon
    island: shapely.Polygon
    seeds_km: NDArray[np.float64]
    seed_province: NDArray[np.intp]
    weights_km2: NDArray[np.float64]
    island_row: int

    def part(self, province: int) -> shapely.Polygon:
        """Give the part of the outline (mainland or island) that a province lies on."""
        return self.island if province == self.island_row else self.mainland

    def owner(self, points_km: NDArray[np.float64]) -> NDArray[np.intp]:
        """Find the province of points (N, 2) by the least squared distance to a seed less the province's weight.

        Returns:
            Rows of `PROVINCES`, shape (N,).
        """
        weights = self.weights_km2[self.seed_province]
        province = self.seed_province[least_power(self.seeds_km, weights, points_km)]
        province[shapely.contains_xy(self.island, points_km)] = self.island_row
        return np.asarray(province)


def to_km(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project longitude and latitude (degrees, shape (N, 2)) to China Albers in km, shape (N, 2)."""
    points = crs.project(np.asarray(shapely.points(lonlat)), crs.WGS84, crs.china_albers())
    return np.asarray(shapely.get_coordinates(points)) / 1000.0


def capitals_km() -> NDArray[np.float64]:
    """Give the capitals in the order of `PROVINCES`, China Albers in km, shape (P, 2)."""
    return to_km(np.array([(p.capital_lon, p.capital_lat) for p in PROVINCES]))


def divide_land() -> Territories:
    """Fit the weights of the power diagram to the published land areas.

    A power diagram with given cell areas solves a semi-discrete transport problem (Aurenhammer, Hoffmann and Aronov
    1998, Algorithmica 20); the weights are found by Sinkhorn's iteration on a regular grid, its softness lowered step
    by step. Areas are scaled to the land inside the outline.
    """
    mainland, island = (_polygon(ring) for ring in (MAINLAND, HAINAN))
    seeds_km, seed_province = _seeds()
    island_row = [p.code for p in PROVINCES].index(ISLAND_PROVINCE)
    costs = _costs(even_grid(mainland, _GRID_KM), seeds_km, seed_province)
    weights = _fit_weights(costs, land_shares(island_row), island_row)
    return Territories(mainland, island, seeds_km, seed_province, weights, island_row)


def least_power(
    seats: NDArray[np.float64], weights: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Find the seat (shape (N, 2)) with the least distance^2 - weight for each point (M, 2); rows, shape (M,).

    It is the nearest seat in three dimensions when each seat is put at the depth sqrt(max weight - weight).
    """
    tree = cKDTree(np.column_stack((seats, np.sqrt(weights.max() - weights))))
    return np.asarray(tree.query(np.column_stack((points, np.zeros(len(points)))))[1])


def land_shares(island_row: int) -> NDArray[np.float64]:
    """Give the share of each province in the land of the mainland, 0 for the island, shape (P,)."""
    land = np.array([p.land_area_km2 for p in PROVINCES])
    land[island_row] = 0.0
    return np.asarray(land / land.sum())


def even_grid(area: shapely.Polygon, spacing_km: float) -> NDArray[np.float64]:
    """Give the points of a square grid that lie inside an area, km, shape (N, 2)."""
    west, south, east, north = area.bounds
    x, y = np.meshgrid(np.arange(west, east, spacing_km), np.arange(south, north, spacing_km))
    points = np.column_stack((x.ravel(), y.ravel()))
    return points[shapely.contains_xy(area, points)]


def _fit_weights(costs: NDArray[np.float64], shares: NDArray[np.float64], island_row: int) -> NDArray[np.float64]:
    weights = np.zeros_like(shares)
    weights[island_row] = -np.inf
    mainland = np.arange(len(shares)) != island_row
    for softness in _SOFTNESS_KM2:
        score = (weights - costs) / softness
        membership = np.exp(score - score.max(axis=1, keepdims=True))
        membership /= membership.sum(axis=1, keepdims=True)
        reached = membership.mean(axis=0)
        weights[mainland] += softness * np.log(shares[mainland] / reached[mainland])
    return weights


def _costs(
    points_km: NDArray[np.float64], seeds_km: NDArray[np.float64], seed_province: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Give squared distances in km2 from points (N, 2) to the nearest seed of each province, shape (N, P)."""
    x, y = points_km.T
    costs = np.full((len(points_km), len(PROVINCES)), np.inf)
    for seed, province in zip(seeds_km, seed_province, strict=True):
        np.minimum(costs[:, province], (x - seed[0]) ** 2 + (y - seed[1]) ** 2, out=costs[:, province])
    return costs


def _seeds() -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    rows = [
        (row, *seed)
        for row, province in enumerate(PROVINCES)
        if province.code != ISLAND_PROVINCE
        for seed in ((province.capital_lon, province.capital_lat), *PROVINCE_SEEDS.get(province.code, ()))
    ]
    table = np.array(rows)
    return to_km(table[:, 1:]), table[:, 0].astype(np.intp)


def _polygon(ring: tuple[LonLat, ...]) -> shapely.Polygon:
    return shapely.Polygon(to_km(np.array(ring)))
