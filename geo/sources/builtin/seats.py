"""Seats of the invented counties: how many for each province, where they lie, and which share a prefecture."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .provinces import PROVINCES
from .settlement import Settlement, draw_settlement
from .territory import Territories, capitals_km, even_grid

MIN_COUNTIES = 8
_POPULATION_WEIGHT = 0.8
_COUNTIES_PER_PREFECTURE = 10
_SAMPLES_PER_COUNTY = 50
_STEPS = 6
# Exponent of the density of people in the density of seats: a county in a crowded place holds more people.
_CROWDING = 0.5
_MARGIN_KM = 40.0


@dataclass(frozen=True)
class Seats:
    """Seats of all counties, in the order of their codes.

    Attributes:
        codes: Six digits: province, prefecture, county; shape (N,). County 01 of prefecture 01 holds the capital.
        province: Row of `PROVINCES`, shape (N,).
        points_km: Position, China Albers in km, shape (N, 2).
        radius_km: Radius of a circle with the land nearer to this seat than to others of its province, shape (N,).
        density: Relative density of people at the seat, comparable inside a province only, shape (N,).
    """

    codes: NDArray[np.str_]
    province: NDArray[np.intp]
    points_km: NDArray[np.float64]
    radius_km: NDArray[np.float64]
    density: NDArray[np.float64]


def place_seats(territories: Territories, counties: int, rng: np.random.Generator) -> Seats:
    """Place all counties: one at each capital, the others closer together where more people live.

    Raises:
        ValueError: for fewer counties than `MIN_COUNTIES` for each province, or more than codes of two digits allow.
    """
    codes, points, radius, density = [], [], [], []
    numbers, capitals = counties_of_provinces(counties), capitals_km()
    for row, (province, number) in enumerate(zip(PROVINCES, numbers, strict=True)):
        land = _sample_land(territories, row, _SAMPLES_PER_COUNTY * number, rng)
        surface = draw_settlement(row, capitals[row], land, number, rng)
        placed = _place_in_province(land, surface, capitals[row], number, rng)
        local = surface.density(placed)
        codes += [province.code + suffix for suffix in _suffixes(placed, local)]
        points.append(placed)
        radius.append(_radius(placed, land, province.land_area_km2))
        density.append(local)
    order = np.argsort(codes)
    return Seats(
        codes=np.array(codes)[order],
        province=np.repeat(np.arange(len(PROVINCES)), numbers)[order],
        points_km=np.concatenate(points)[order],
        radius_km=np.concatenate(radius)[order],
        density=np.concatenate(density)[order],
    )


def counties_of_provinces(counties: int) -> NDArray[np.int_]:
    """Share out counties by a mix of residents (80 %) and land (20 %), at least `MIN_COUNTIES` for each province.

    Returns:
        Counties of each province in the order of `PROVINCES`, with the sum `counties`, shape (P,).

    Raises:
        ValueError: where a province would have too few counties or more than two-digit codes can tell apart.
    """
    people = np.array([p.residents_2010 for p in PROVINCES], dtype=float)
    land = np.array([p.land_area_km2 for p in PROVINCES])
    share = _POPULATION_WEIGHT * people / people.sum() + (1.0 - _POPULATION_WEIGHT) * land / land.sum()
    least = MIN_COUNTIES * len(PROVINCES)
    if counties < least:
        raise ValueError(f"counties must be at least {least} ({MIN_COUNTIES} for each province), got {counties}")
    numbers = MIN_COUNTIES + apportion(counties - least, share)
    if numbers.max() > 99 * _COUNTIES_PER_PREFECTURE:
        raise ValueError(f"{counties} counties give a province {numbers.max()}, its codes have room for 990")
    return numbers


def apportion(total: int, weights: NDArray[np.float64]) -> NDArray[np.int_]:
    """Split a whole number in proportion to positive weights, shape (N,), by the largest remainder (Hare quota)."""
    quota = total * weights / weights.sum()
    whole = np.floor(quota).astype(np.int_)
    largest = np.argsort(whole - quota, kind="stable")[: total - whole.sum()]
    whole[largest] += 1
    return np.asarray(whole)


def _sample_land(territories: Territories, province: int, number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw points evenly over the territory of a province, shape (number, 2)."""
    part = territories.part(province)
    west, south, east, north = _bounding_box(territories, province, part)
    found: list[NDArray[np.float64]] = []
    while sum(map(len, found)) < number:
        points = rng.uniform((west, south), (east, north), size=(2 * number, 2))
        points = points[shapely.contains_xy(part, points)]
        found.append(points[territories.owner(points) == province])
    return np.concatenate(found)[:number]


def _bounding_box(territories: Territories, province: int, part: shapely.Polygon) -> tuple[float, float, float, float]:
    """Give a box around the territory of a province, with a margin for what a coarse grid misses."""
    grid = np.vstack((even_grid(part, _MARGIN_KM), capitals_km()[province]))
    own = grid[territories.owner(grid) == province]
    return (*(own.min(axis=0) - _MARGIN_KM), *(own.max(axis=0) + _MARGIN_KM))


def _place_in_province(
    land: NDArray[np.float64],
    surface: Settlement,
    capital: NDArray[np.float64],
    number: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Place `number` seats by Lloyd's iteration weighted with the density of people; the first stays at the capital."""
    weight = surface.density(land) ** _CROWDING
    start = rng.choice(len(land), size=number - 1, replace=False, p=weight / weight.sum())
    seats = np.vstack((capital, land[start]))
    for _ in range(_STEPS):
        nearest = cKDTree(seats).query(land)[1]
        mass = np.bincount(nearest, weight, number)
        moved = mass > 0
        moved[0] = False
        for axis in (0, 1):
            seats[moved, axis] = np.bincount(nearest, weight * land[:, axis], number)[moved] / mass[moved]
    # A mean may fall into a bay or a neighbouring province; the nearest sample is on the province's own land.
    seats[1:] = land[cKDTree(land).query(seats[1:])[1]]
    return seats


def _radius(seats: NDArray[np.float64], land: NDArray[np.float64], land_area_km2: float) -> NDArray[np.float64]:
    """Give the radius in km of a circle as large as the land around each seat, shape (N,)."""
    share = np.bincount(cKDTree(seats).query(land)[1], minlength=len(seats)) / len(land)
    return np.asarray(np.sqrt(share * land_area_km2 / np.pi))


def _suffixes(points: NDArray[np.float64], density: NDArray[np.float64]) -> list[str]:
    """Number the counties of one province (the first holds the capital): two digits prefecture, two digits county."""
    groups = _halve(np.arange(len(points)), points, max(1, round(len(points) / _COUNTIES_PER_PREFECTURE)))
    rank = density.copy()
    rank[0] = np.inf
    groups.sort(key=lambda group: (0 not in group, float(np.hypot(*(points[group].mean(axis=0) - points[0])))))
    suffixes = [""] * len(points)
    for prefecture, group in enumerate(groups, start=1):
        for county, member in enumerate(group[np.argsort(-rank[group], kind="stable")], start=1):
            suffixes[member] = f"{prefecture:02d}{county:02d}"
    return suffixes


def _halve(members: NDArray[np.intp], points: NDArray[np.float64], parts: int) -> list[NDArray[np.intp]]:
    """Cut points into `parts` groups of nearly equal number, each time across their longer axis."""
    if parts == 1:
        return [members]
    centred = points[members] - points[members].mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    along = members[np.argsort(centred @ axis, kind="stable")]
    first = parts // 2
    cut = round(len(along) * first / parts)
    return _halve(along[:cut], points, first) + _halve(along[cut:], points, parts - first)
