"""Spatial interaction models once more: float64 NumPy, loops over pairs, a dense design matrix with dummies.

What belongs here: laws from positions and masses, likelihoods from probabilities of counts, scores by complex steps,
Fisher scoring on the whole matrix, covariances from it. Nothing here imports the product; a difference between the two
is a mistake in one of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import loggamma

Table = NDArray[Any]
EFFECTS = {"unconstrained": "", "total": "", "production": "o", "attraction": "d", "doubly": "od"}
_STEP = 1e-30


@dataclass(frozen=True)
class World:
    """Two sets of places that overlap: masses, distances in km, and which destination an origin is (−1: none)."""

    origin_mass: Table
    mass: Table
    distance: Table
    between_destinations: Table
    home: tuple[int, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return [(o, d) for o in range(len(self.origin_mass)) for d in range(len(self.mass))]


def intervening(world: World, o: int, d: int, *, with_home: bool = False) -> float:
    total = 0.0
    for m, mass in enumerate(world.mass):
        near = world.distance[o, m] <= world.distance[o, d]
        own, there = m == world.home[o], m == d
        if near and (with_home or not own) and not there:
            total += mass
    return total


def everywhere(world: World, o: int) -> float:
    return world.origin_mass[o] + sum(mass for m, mass in enumerate(world.mass) if m != world.home[o])


def competing(world: World, o: int, d: int) -> float:
    total = 0.0
    for m, mass in enumerate(world.mass):
        if m not in (d, world.home[o]):
            total += mass / world.between_destinations[d, m]
    return total


def table(world: World, rule: Callable[[int, int], Any]) -> Table:
    rows, columns = len(world.origin_mass), len(world.mass)
    return np.array([[rule(o, d) for d in range(columns)] for o in range(rows)])


def terms(law: str, world: World) -> dict[str, Table]:
    """Linear parts of a law by their coefficients."""
    ln = table(world, lambda o, d: math.log(world.distance[o, d]))
    known = {
        "ln_distance": ln,
        "distance": world.distance,
        "ln_distance_squared": ln * ln,
        "ln_competing": table(world, lambda o, d: math.log(competing(world, o, d))),
        "ln_stouffer": table(world, lambda o, d: math.log(world.mass[d] / (intervening(world, o, d) + world.mass[d]))),
    }
    which: dict[str, tuple[str, ...]] = {
        "power": ("ln_distance",),
        "exponential": ("distance",),
        "tanner": ("ln_distance", "distance"),
        "lognormal": ("ln_distance", "ln_distance_squared"),
        "competing_destinations": ("ln_distance", "ln_competing"),
        "stouffer": ("ln_stouffer",),
    }
    return {name: known[name] for name in which.get(law, ())}


def factor(law: str, world: World) -> Table:
    """Logarithm of what has no parameter."""

    def radiation(o: int, d: int) -> float:
        m, n, s = world.origin_mass[o], world.mass[d], intervening(world, o, d)
        return math.log(m * n / ((m + s) * (m + n + s)))

    return table(world, radiation if law == "radiation" else lambda o, d: 0.0)


Curve = Callable[[Table], Table]


def shape(law: str, world: World) -> tuple[tuple[str, ...], Curve | None]:
    """Names of parameters that are not linear, and the logarithm of the factor from them; takes complex numbers."""
    lying = table(world, lambda o, d: intervening(world, o, d))

    def generalised(at: Table) -> Table:
        def one(o: int, d: int) -> complex:
            m, n, a = world.origin_mass[o], world.mass[d], world.origin_mass[o] + lying[o, d]
            power = at[0]
            chance = m**power * ((a + n) ** power - a**power) / (a**power * (a + n) ** power)
            return np.log(chance / (1 - (m / everywhere(world, o)) ** power))

        return table(world, one)

    def schneider(at: Table) -> Table:
        return table(world, lambda o, d: np.log(_taken(at[0], lying[o, d], world.mass[d])))

    def own(at: Table) -> Table:
        return -((world.distance / at[0]) ** at[1])

    curves: dict[str, tuple[tuple[str, ...], Curve]] = {
        "generalised_radiation": (("exponent",), generalised),
        "schneider": (("chance",), schneider),
        "own": (("scale", "power"), own),
    }
    return curves.get(law, ((), None))


def _taken(chance: Any, before: float, there: float) -> Any:
    return np.exp(-chance * before) - np.exp(-chance * (before + there))


@dataclass(frozen=True)
class Scatter:
    """How flows scatter: α of the negative binomial (0: Poisson), the list's threshold, persons for each unit."""

    alpha: Any = 0.0
    below: int | None = None
    unlisted: str = "censored"
    per_unit: float = 1.0

    def log_pmf(self, count: Any, mean: Any, alpha: Any) -> Any:
        """ln P(count), gamma functions for factorials; takes complex numbers."""
        if alpha == 0:
            return count * np.log(mean) - mean - loggamma(count + 1)
        size = 1 / alpha
        ways = loggamma(count + size) - loggamma(size) - loggamma(count + 1)
        return ways + count * np.log(alpha * mean / (1 + alpha * mean)) - size * np.log(1 + alpha * mean)

    def log_likelihood(self, eta: Any, flow: Table, listed: Table) -> Any:
        """Of every pair, whole; takes complex η and α."""
        mean = np.exp(eta)
        seen = self.log_pmf(flow, mean, self.alpha)
        if self.below is None:
            return seen
        under = self.under(mean)[0]
        if self.unlisted == "truncated":
            return seen - self.per_unit * np.log(1 - under)
        return np.where(listed, seen, self.per_unit * np.log(np.where(listed, 1.0, under)))

    def under(self, mean: Any) -> tuple[Any, Any, Any]:
        """Σ over counts k of units below the threshold of P(k), k P(k), k² P(k)."""
        units, alpha = mean / self.per_unit, self.alpha * self.per_unit
        found: list[Any] = [0.0, 0.0, 0.0]
        for k in range(self.below or 0):
            chance = np.exp(self.log_pmf(float(k), units, alpha))
            found = [total + k**power * chance for power, total in enumerate(found)]
        return found[0], found[1], found[2]

    def score(self, eta: Table, flow: Table, listed: Table) -> Table:
        return np.imag(self.log_likelihood(eta + 1j * _STEP, flow, listed)) / _STEP

    def weight(self, eta: Table, flow: Table, listed: Table) -> Table:
        """Information: observed, but of a truncated flow expected."""
        mean = np.exp(eta)
        spread = 1 + self.alpha * mean
        seen = mean * (1 + self.alpha * flow) / spread**2
        if self.below is None:
            return seen
        chance, first, second = self.under(mean)
        units, alpha = mean / self.per_unit, self.alpha * self.per_unit
        if self.unlisted == "truncated":
            above = 1 - chance
            average = (units - first) / above
            square = (units + (1 + alpha) * units**2 - second) / above
            return self.per_unit * (square - average**2) / spread**2
        chance = np.where(listed, 1.0, chance)
        average = first / chance
        variance = second / chance - average**2
        bounded = self.per_unit * (units + alpha * units * average - variance) / spread**2
        return np.where(listed, seen, bounded)


@dataclass(frozen=True)
class Problem:
    """A regression of flows. Tables [o, d]; columns by name; effects "o", "d", "od" or "" (then a constant)."""

    flow: Table
    allowed: Table
    columns: dict[str, Table]
    effects: str
    listed: Table | None = None
    offset: Table | float = 0.0
    curve: Curve | None = None
    curve_names: tuple[str, ...] = ()
    start: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*(() if self.effects else ("const",)), *self.columns, *self.curve_names)

    @property
    def rows(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return np.nonzero(self.allowed)

    def known(self) -> tuple[Table, Table]:
        listed = np.ones(self.flow.shape, bool) if self.listed is None else self.listed
        return self.flow[self.rows].astype(float), listed[self.rows]

    def linear(self) -> Table:
        """Columns by coefficient, the constant first, [pair, ·]."""
        one = [] if self.effects else [np.ones(len(self.rows[0]))]
        return np.stack([*one, *(column[self.rows] for column in self.columns.values())], axis=1)

    def dummies(self) -> Table:
        """A column an origin, and a destination, that takes part; one that the others imply is left out."""
        origin, destination = self.rows
        found = [origin == o for o in np.unique(origin)] if "o" in self.effects else []
        found += [destination == d for d in np.unique(destination)] if "d" in self.effects else []
        found = found[:-1] if self.effects == "od" else found
        return np.array(found, float).T.reshape(len(origin), len(found))

    def bent(self, values: Table) -> tuple[Table, Table]:
        """The curve [pair] and its slopes [pair, ·] by complex steps."""
        if self.curve is None:
            return np.zeros(len(self.rows[0])), np.zeros((len(self.rows[0]), 0))
        steps = np.eye(len(values)) * 1j * _STEP
        slopes = [np.imag(self.curve(values + step)[self.rows]) / _STEP for step in steps]
        return np.real(self.curve(values)[self.rows]), np.stack(slopes, axis=1)


@dataclass(frozen=True)
class Solution:
    """A fit of the whole matrix: [coefficients, curve, dummies]."""

    problem: Problem
    scatter: Scatter
    at: Table
    matrix: Table
    eta: Table
    alpha_se: float = field(default=math.nan)

    @property
    def count(self) -> int:
        return len(self.problem.names)

    @property
    def estimates(self) -> dict[str, float]:
        return dict(zip(self.problem.names, self.at[: self.count].tolist(), strict=True))

    @property
    def log_likelihood(self) -> float:
        return float(np.sum(self.scatter.log_likelihood(self.eta, *self.problem.known())))

    @property
    def deviance(self) -> float:
        """Of the law that sees every listed flow; a pair that is not listed is fitted perfectly by zero."""
        flow, listed = self.problem.known()
        mean = np.where(flow > 0, flow, 1e-300)
        perfect = self.scatter.log_pmf(flow, mean, self.scatter.alpha)
        return 2 * (float(np.sum(perfect[listed & (flow > 0)])) - self.log_likelihood)

    @property
    def parameters(self) -> int:
        return len(self.at) + (self.scatter.alpha != 0)

    @property
    def aic(self) -> float:
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def fitted(self) -> Table:
        found = np.zeros(self.problem.flow.shape)
        found[self.problem.rows] = np.exp(self.eta)
        return found

    @property
    def bread(self) -> Table:
        """The inverse information on everything, dummies last."""
        root = np.sqrt(self.scatter.weight(self.eta, *self.problem.known()))[:, None]
        triangle = np.linalg.inv(np.linalg.qr(root * self.matrix, mode="r"))
        return triangle @ triangle.T

    def covariance(self, kind: str) -> Table:
        """Of the named coefficients; n / (n − 1) for pairs, G / (G − 1) for clusters."""
        bread = self.bread
        scores = self.scatter.score(self.eta, *self.problem.known())[:, None] * self.matrix
        origin, destination = self.problem.rows

        def between(groups: NDArray[Any]) -> Table:
            sums = [scores[groups == one].sum(axis=0) for one in np.unique(groups)]
            meat = sum(np.outer(one, one) for one in sums)
            return bread @ meat @ bread * len(sums) / (len(sums) - 1)

        if kind == "model":
            found = bread
        elif kind == "two_way":
            found = between(origin) + between(destination) - between(np.arange(len(origin)))
        else:
            found = between(
                {"cluster_origin": origin, "cluster_destination": destination}.get(kind, np.arange(len(origin)))
            )
        return found[: self.count, : self.count]

    @property
    def pearson(self) -> float:
        flow, mean = self.problem.known()[0], np.exp(self.eta)
        return float(np.sum((flow - mean) ** 2 / mean)) / (len(flow) - self.parameters)


def fit(problem: Problem, scatter: Scatter | None = None, at: Table | None = None) -> Solution:
    """Fisher scoring until no step is worth in_fit."""
    scatter = scatter or Scatter()
    flow, listed = problem.known()
    linear, dummies = problem.linear(), problem.dummies()
    offset = np.broadcast_to(problem.offset, problem.flow.shape)[problem.rows]
    few, many = linear.shape[1], linear.shape[1] + len(problem.start)

    def matrix(at: Table) -> Table:
        return np.concatenate([linear, problem.bent(at[few:many])[1], dummies], axis=1)

    def eta(at: Table) -> Table:
        return offset + linear @ at[:few] + problem.bent(at[few:many])[0] + dummies @ at[many:]

    if at is None:
        guess = np.log((flow + flow.mean()) / 2) - offset - problem.bent(np.array(problem.start))[0]
        fixed = np.concatenate([linear, dummies], axis=1)
        first = np.linalg.lstsq(fixed, guess, rcond=None)[0]
        at = np.concatenate([first[:few], problem.start, first[few:]])
    value = np.sum(scatter.log_likelihood(eta(at), flow, listed))
    for _ in range(300):
        now = eta(at)
        root = np.sqrt(np.maximum(scatter.weight(now, flow, listed), 1e-300))
        step = np.linalg.lstsq(root[:, None] * matrix(at), scatter.score(now, flow, listed) / root, rcond=None)[0]
        for _ in range(40):
            with np.errstate(invalid="ignore"):  # a curve may not be defined where a long step ends
                tried = np.sum(scatter.log_likelihood(eta(at + step), flow, listed))
            if tried >= value - 1e-12 * abs(value):
                break
            step = step / 2
        at, value = at + step, tried
        if np.max(np.abs(root[:, None] * matrix(at) @ step)) < 1e-13 * math.sqrt(flow.max()):
            break
    return Solution(problem, scatter, at, matrix(at), eta(at))


def fit_binomial(problem: Problem, low: float = 1e-3, high: float = 10.0, **scatter: Any) -> Solution:
    """The negative binomial: the profile's slope in ln α, by complex steps, has its zero between two values of α."""
    last = [fit(problem, Scatter(**scatter))]

    def slope_at(ln_alpha: float, eta: Table) -> float:
        bent = Scatter(alpha=np.exp(ln_alpha + 1j * _STEP), **scatter)
        return float(np.sum(np.imag(bent.log_likelihood(eta, *problem.known())))) / _STEP

    def slope(ln_alpha: float) -> float:
        last[0] = fit(problem, Scatter(alpha=math.exp(ln_alpha), **scatter), last[0].at)
        return slope_at(ln_alpha, last[0].eta)

    best = brentq(slope, math.log(low), math.log(high), xtol=1e-13)
    slope(best)
    curve = (slope_at(best + 1e-4, last[0].eta) - slope_at(best - 1e-4, last[0].eta)) / 2e-4
    found = last[0]
    error = math.exp(best) / math.sqrt(-curve)
    return Solution(found.problem, found.scatter, found.at, found.matrix, found.eta, error)
