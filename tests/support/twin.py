"""A second, slow and plain implementation of the model in float64 NumPy, written from the equations alone.

What belongs here: the equations once more, as loops over pairs, and worlds to try them on. Nothing here
imports the product; a difference between the two is a mistake in one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import asin, cos, exp, log, pi, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

EARTH_RADIUS_KM = 6371.0088
REFERENCE_KM = 300.0
SCALARS = (
    "mass",
    "distance",
    "other_province",
    "same_prefecture",
    "divide_east_west",
    "divide_west_east",
    "departure_level",
    "birth_adjustment",
)
VECTORS = ("attraction", "departure")

Vector = NDArray[np.float64]
Parameters = dict[str, float | Vector]


@dataclass(frozen=True)
class World:
    """Zones at the opening, the multipliers of every year, and what was counted at the end."""

    population: Vector
    lon: Vector
    lat: Vector
    province: NDArray[np.int64]
    prefecture: NDArray[np.int64]
    east: NDArray[np.bool_]
    birth_rate: Vector
    death_rate: Vector
    attraction: Vector
    departure: Vector
    births_path: Vector
    deaths_path: Vector
    offset_km: float
    observed_end: Vector


@dataclass(frozen=True)
class Decade:
    """Residents [T + 1, N] and what changed them in every year [T, N], in persons."""

    residents: Vector
    births: Vector
    deaths: Vector
    inflow: Vector
    outflow: Vector


@dataclass(frozen=True)
class Noise:
    """The error model of the objective: Student's t per zone, a Gaussian for the log of the total."""

    sigma_0: float = 0.05
    sigma_1: float = 10.0
    degrees: float = 4.0
    national_sd: float = 0.002


def distance_km(world: World, origin: int, destination: int) -> float:
    """Great-circle distance by the haversine formula."""
    lat_o, lat_j = radians(world.lat[origin]), radians(world.lat[destination])
    half_lat = (lat_j - lat_o) / 2
    half_lon = radians(world.lon[destination] - world.lon[origin]) / 2
    h = sin(half_lat) ** 2 + cos(lat_o) * cos(lat_j) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(h, 1.0)))


def kernel(world: World, parameters: Parameters) -> Vector:
    """The pull of every ordered pair, [origin, destination]."""
    zones = len(world.population)
    pull = np.zeros((zones, zones))
    for o in range(zones):
        for j in range(zones):
            if o == j:
                continue
            exponent = -parameters["distance"] * log((distance_km(world, o, j) + world.offset_km) / REFERENCE_KM)
            if world.province[o] != world.province[j]:
                exponent -= parameters["other_province"]
            if world.prefecture[o] == world.prefecture[j]:
                exponent += parameters["same_prefecture"]
            if world.east[o] and not world.east[j]:
                exponent -= parameters["divide_east_west"]
            if world.east[j] and not world.east[o]:
                exponent -= parameters["divide_west_east"]
            pull[o, j] = exp(exponent)
    return pull


def weights(world: World, parameters: Parameters, residents: Vector) -> Vector:
    """The pull of every destination by itself; nobody is drawn to an empty zone."""
    lived_in = residents > 0
    weight = np.zeros(len(residents))
    weight[lived_in] = residents[lived_in] ** parameters["mass"]
    return weight * np.exp(world.attraction @ parameters["attraction"])


def shares(pull: Vector, weight: Vector) -> Vector:
    """Where the leavers of every origin go, [origin, destination]; rows of zeros where nothing draws."""
    share = np.zeros_like(pull)
    for o in range(len(weight)):
        drawn = pull[o] * weight
        if drawn.sum() > 0:
            share[o] = drawn / drawn.sum()
    return share


def flows(world: World, parameters: Parameters, residents: Vector, pull: Vector | None = None) -> Vector:
    """Persons who move from origin to destination in one year, [origin, destination]."""
    pull = kernel(world, parameters) if pull is None else pull
    leavers = residents * expit(parameters["departure_level"] + world.departure @ parameters["departure"])
    return leavers[:, None] * shares(pull, weights(world, parameters, residents))


def decade(world: World, parameters: Parameters) -> Decade:
    """Residents at the end of every year and the births, deaths and moves of every year."""
    pull = kernel(world, parameters)
    residents = [world.population]
    years = []
    for births_factor, deaths_factor in zip(world.births_path, world.deaths_path, strict=True):
        opening = residents[-1]
        moved = flows(world, parameters, opening, pull)
        births = opening * world.birth_rate * births_factor * parameters["birth_adjustment"]
        deaths = opening * world.death_rate * deaths_factor
        inflow, outflow = moved.sum(axis=0), moved.sum(axis=1)
        residents.append(opening + births - deaths + inflow - outflow)
        years.append((births, deaths, inflow, outflow))
    births, deaths, inflow, outflow = (np.array(column) for column in zip(*years, strict=True))
    return Decade(np.array(residents), births, deaths, inflow, outflow)


def negative_log_likelihood(world: World, parameters: Parameters, noise: Noise) -> float:
    """Minus the log density of the observed growth of every zone and of the observed total."""
    end = decade(world, parameters).residents[-1]
    start, observed = world.population, world.observed_end
    nu = noise.degrees
    total = 0.0
    for i in range(len(start)):
        if start[i] == 0:
            continue
        scale = sqrt(noise.sigma_0**2 + noise.sigma_1**2 / start[i])
        z = (log(observed[i] / start[i]) - log(end[i] / start[i])) / scale
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * log(nu * pi) - log(scale)
        total -= constant - (nu + 1) / 2 * log(1 + z**2 / nu)
    return float(total + 0.5 * ((log(end.sum()) - log(observed.sum())) / noise.national_sd) ** 2)


def random_parameters(world: World, seed: int) -> Parameters:
    """Values near those of a fitted country, none of them zero."""
    rng = np.random.default_rng(seed)
    return {
        "mass": 0.9,
        "distance": 1.3,
        "other_province": 0.7,
        "same_prefecture": 0.4,
        "divide_east_west": 0.5,
        "divide_west_east": -0.2,
        "departure_level": -3.5,
        "birth_adjustment": 1.07,
        "attraction": rng.normal(0, 0.3, world.attraction.shape[1]),
        "departure": rng.normal(0, 0.2, world.departure.shape[1]),
    }


def random_world(
    seed: int,
    zones: int,
    *,
    years: int = 10,
    empty_zone: bool = False,
    near_pair: bool = False,
    lone_zone: bool = False,
) -> World:
    """A country of zones sorted by province and prefecture.

    Args:
        seed: of the random generator.
        zones: number of zones.
        years: number of years with multipliers.
        empty_zone: nobody lives in the middle zone.
        near_pair: the last two zones lie one metre apart and a thousand kilometres from all others.
        lone_zone: the first zone is a province, and so a prefecture, by itself.
    """
    rng = np.random.default_rng(seed)
    province = np.sort(rng.integers(0, max(zones // 10, 2), zones))
    if lone_zone:
        province = np.concatenate([[0], province[1:] + 1])
    prefecture = province * 3 + np.concatenate([np.sort(rng.integers(0, 3, c)) for c in np.bincount(province) if c])
    lon, lat = 105 + 8 * rng.random(zones), 28 + 6 * rng.random(zones)
    if near_pair:
        lon[-2:], lat[-2:] = 125.0, 44.0
        lat[-1] += np.degrees(0.001 / EARTH_RADIUS_KM)
    population = np.round(np.exp(rng.normal(12, 1, zones)))
    if empty_zone:
        population[zones // 2] = 0
    return World(
        population=population,
        lon=lon,
        lat=lat,
        province=province,
        prefecture=prefecture,
        east=lon + lat > 140,
        birth_rate=rng.uniform(0.006, 0.018, zones),
        death_rate=rng.uniform(0.004, 0.009, zones),
        attraction=rng.normal(size=(zones, 3)),
        departure=rng.normal(size=(zones, 2)),
        births_path=rng.uniform(0.8, 1.2, years),
        deaths_path=rng.uniform(0.9, 1.1, years),
        offset_km=10.0,
        observed_end=np.round(population * np.exp(rng.normal(0, 0.15, zones))),
    )


def relabel(world: World, order: NDArray[np.int64]) -> World:
    """The same country with its zones listed in another order."""
    per_zone = {
        name: value[order]
        for name, value in vars(world).items()
        if name not in ("births_path", "deaths_path", "offset_km")
    }
    return replace(world, **per_zone)


def free_of_pull(parameters: Parameters, **changes: float) -> Parameters:
    """The parameters with no distance, no borders and no covariates, but for the changes."""
    nothing = {name: 0.0 for name in SCALARS if name not in ("mass", "departure_level", "birth_adjustment")}
    return {**parameters, **nothing, **{name: np.zeros_like(parameters[name]) for name in VECTORS}, **changes}


def flat(parameters: Parameters, noise: Noise) -> dict[str, float]:
    """Every scalar of the model by name, those of the error model too; coefficients are numbered."""
    numbered = {f"{name}:{k}": float(x) for name in VECTORS for k, x in enumerate(parameters[name])}
    scalars = {name: parameters[name] for name in SCALARS}
    return {**scalars, **numbered, "noise": noise.sigma_0, "noise_size": noise.sigma_1}


def shifted(parameters: Parameters, name: str, by: float) -> Parameters:
    """The parameters with one scalar moved."""
    vector, _, index = name.partition(":")
    if not index:
        return {**parameters, name: parameters[name] + by}
    value = np.array(parameters[vector])
    value[int(index)] += by
    return {**parameters, vector: value}


def slope(reading: Callable[[float], float], step: float = 2e-3) -> float:
    """The derivative at zero of a reading of one number, from central differences of sixth order."""
    weighted = ((1, 45.0), (2, -9.0), (3, 1.0))
    return sum(weight * (reading(k * step) - reading(-k * step)) for k, weight in weighted) / (60 * step)


def slopes(parameters: Parameters, reading: Callable[[Parameters], float]) -> dict[str, float]:
    """The derivative of a reading by every scalar of the model, coefficients numbered as attraction:0."""
    numbered = [f"{name}:{k}" for name in VECTORS for k in range(len(parameters[name]))]
    return {name: slope(lambda h, name=name: reading(shifted(parameters, name, h))) for name in [*SCALARS, *numbered]}


def likelihood_slopes(world: World, parameters: Parameters, noise: Noise) -> dict[str, float]:
    """The derivative of the objective by every scalar, those of the error model too."""

    def read(**changes: float) -> float:
        return negative_log_likelihood(world, parameters, replace(noise, **changes))

    return {
        **slopes(parameters, lambda moved: negative_log_likelihood(world, moved, noise)),
        "noise": slope(lambda h: read(sigma_0=noise.sigma_0 + h)),
        "noise_size": slope(lambda h: read(sigma_1=noise.sigma_1 + h)),
    }
