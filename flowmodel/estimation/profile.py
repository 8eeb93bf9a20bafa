"""Profile likelihoods: the minimum of the objective over all other parameters, as a function of one parameter.

A 90 % profile interval ends where the objective has risen by 1.353, as for a normal posterior. Unlike an interval from
a standard error it can be asymmetric, and it is open where the objective does not rise that far.
"""

import dataclasses
import difflib
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from flowmodel.errors import ConfigError
from flowmodel.estimation.inference import INTERVAL, Inference
from flowmodel.estimation.posterior import Posterior
from flowmodel.estimation.refit import constrained
from flowmodel.estimation.search import Outcome, Progress
from flowmodel.parameters.registry import Parameter, Registry

_ROOTS = (0.9, 1.5, 2.1)
"""Targets for the points, in √(2 rise): standard errors for a normal posterior. The last is a rise of 2.2."""
_ENOUGH = 2.0
_TOO_FAR = 4.5
_EDGE = NormalDist().inv_cdf((1 + INTERVAL) / 2)
"""√(2 rise) at the ends of the interval: a rise of 1.353."""
_MOST_POINTS = 7
"""Largest number of points on one side; if they do not suffice, the interval is open there."""
_MOST_STEPS = 20
_SLOPE = 0.2
"""Norm of the gradient, in standard errors, at which the search of a point stops; its error is then below 0.02."""
_UNKNOWN_SE = 0.2
"""Share of the prior's standard deviation used instead of the standard error of a parameter at its bound."""
_INSIDE = 1e-6
"""Distance of the last point from the bound, as a share of the range."""
_BETTER = 0.02
"""A profile that falls this far below the optimum gives a warning."""
_DIVIDE = ("divide_east_west", "divide_west_east")


@dataclasses.dataclass(frozen=True)
class Profile:
    """Profile of one parameter: points in ascending order with the minimum of the objective, and the 90 % interval.

    `lower` and `upper` are None where the interval is open: the objective did not rise enough before the bound or
    before the largest number of points.
    """

    name: str
    values: np.ndarray
    objective: np.ndarray
    drop: np.ndarray
    lower: float | None
    upper: float | None
    steps: int

    @property
    def better(self) -> float:
        """The largest amount by which the profile falls below the optimum of the fit."""
        return float(max(0.0, -self.drop.min()))

    def as_dict(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        return {
            "lower": self.lower,
            "upper": self.upper,
            "open": [side for side, end in (("lower", self.lower), ("upper", self.upper)) if end is None],
            "points": len(self.values),
            "steps": self.steps,
            "below_optimum": self.better,
        }


@dataclasses.dataclass(frozen=True)
class _Point:
    natural: np.ndarray
    objective: float


def names(registry: Registry, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The free parameters meant by `asked`: "divide" means both directions, a name means all groups of people.

    Raises:
        ConfigError: E-FIT-PROFILE, no free parameter has that name.
    """
    found: list[str] = []
    for name in asked:
        wanted = _DIVIDE if name == "divide" else (name,)
        meant = [entry.name for entry in registry.free if entry.name.partition("@")[0] in wanted or entry.name == name]
        if not meant:
            known = [entry.name for entry in registry.free]
            near = difflib.get_close_matches(name, known, n=1) or known[:1]
            what = f"fit.profile: {name} is not a fitted parameter"
            raise ConfigError("E-FIT-PROFILE", what, f"name one, such as {near[0]}")
        found += [one for one in meant if one not in found]
    return tuple(found)


def profiles(
    goal: Posterior, outcome: Outcome, inference: Inference, wanted: tuple[str, ...], progress: Progress
) -> tuple[Profile, ...]:
    """The profiles of the parameters `wanted`, one after another."""
    done = []
    for i, name in enumerate(wanted):
        progress("profile", i, len(wanted), outcome.value)
        done.append(profile(goal, outcome, inference, name))
    if wanted:
        progress("profile", len(wanted), len(wanted), outcome.value)
    return tuple(done)


def profile(goal: Posterior, outcome: Outcome, inference: Inference, name: str) -> Profile:
    """The profile of the free parameter `name` around the optimum of a fit, up to a rise of 2 on both sides."""
    position = inference.names.index(name)
    entry = goal.registry.free[position]
    towards, whitener = _conditional(inference.covariance, position)
    best = _Point(outcome.natural, outcome.value)
    steps = 0

    def at(value: float, before: _Point) -> _Point:
        nonlocal steps
        guess = _inside(goal.registry, before.natural + towards * (value - before.natural[position]))
        guess[position] = value
        natural, objective, taken = constrained(goal, guess, whitener, _MOST_STEPS, _SLOPE)
        steps += taken
        return _Point(natural, objective)

    unit = inference.se[position] if np.isfinite(inference.se[position]) else _UNKNOWN_SE * entry.prior_sd
    below, above = (_side(entry, best, position, side * unit, at) for side in (-1, 1))
    points = [*below[::-1], best, *above]
    values = np.array([point.natural[position] for point in points])
    objective = np.array([point.objective for point in points])
    middle = len(below)
    least = objective.min()
    return Profile(
        name=name,
        values=values,
        objective=objective,
        drop=objective - outcome.value,
        lower=_end(values[middle::-1], objective[middle::-1] - least),
        upper=_end(values[middle:], objective[middle:] - least),
        steps=steps,
    )


def _side(
    entry: Parameter, best: _Point, position: int, unit: float, at: Callable[[float, _Point], _Point]
) -> list[_Point]:
    """Points on one side, going outwards; each starts from the one before, and steps adapt to the rise so far.

    After a point that rose far too much a nearer one is added, so that the end of the interval is not interpolated
    across a large gap.
    """
    found: list[_Point] = []
    here, away, before, root = best.natural[position], 0.0, best, 0.0
    margin = _INSIDE * (entry.upper - entry.lower)
    while len(found) < _MOST_POINTS and not _ENOUGH <= root**2 / 2 <= _TOO_FAR:
        aim = next((one for one in _ROOTS if one > root * 1.1 + 0.1), _ROOTS[-1])
        away = aim if not found else away * float(np.clip(aim / max(root, 0.1), 0.2, 3))
        by = away * unit
        value = float(here * np.exp(by / here) if entry.prior_scale == "log" else here + by)
        bounded = float(np.clip(value, entry.lower + margin, entry.upper - margin))
        point = at(bounded, before)
        root = np.sqrt(2 * max(point.objective - best.objective, 0.0))
        found.append(point)
        before = before if root**2 / 2 > _TOO_FAR else point
        if bounded != value and root**2 / 2 <= _TOO_FAR:
            break
    return sorted(found, key=lambda point: abs(point.natural[position] - here))


def _conditional(covariance: np.ndarray, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Change of the other parameters per unit of one, and W with W Wᵀ their covariance given that one.

    Rows of parameters at a bound are zero, so they do not change.
    """
    known = np.nan_to_num(covariance)
    variance = known[position, position]
    towards = known[position] / variance if variance > 0 else np.zeros(len(known))
    left = known - np.outer(towards, towards) * variance
    left[position], left[:, position] = 0.0, 0.0
    scale = np.sqrt(np.diag(known))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(left / np.outer(scale, scale))
    whitener = vectors * np.sqrt(np.maximum(values, 0.0)) * scale[:, None]
    whitener[position] = 0.0
    return towards, whitener


def _inside(registry: Registry, natural: np.ndarray) -> np.ndarray:
    """Natural values, clipped to the interior of their bounds."""
    lower, upper = (np.array([getattr(entry, name) for entry in registry.free]) for name in ("lower", "upper"))
    margin = _INSIDE * (upper - lower)
    return np.asarray(np.clip(natural, lower + margin, upper - margin))


def _end(values: np.ndarray, rise: np.ndarray) -> float | None:
    """The value at which √(2 rise) crosses `_EDGE`, by linear interpolation; None if it does not."""
    root = np.sqrt(2 * np.maximum(rise, 0.0))
    past = np.flatnonzero(root >= _EDGE)
    if not len(past) or past[0] == 0:
        return None
    i = past[0]
    share = (_EDGE - root[i - 1]) / (root[i] - root[i - 1])
    return float(values[i - 1] + share * (values[i] - values[i - 1]))


def warnings(found: tuple[Profile, ...]) -> list[str]:
    """Warnings in sentences: profiles that are open, or fall below the optimum."""
    messages = [
        f"{one.name}: its profile interval has no {side} end"
        for one in found
        for side, end in (("lower", one.lower), ("upper", one.upper))
        if end is None
    ]
    return messages + [
        f"{one.name}: its profile falls {one.better:.2g} below the optimum; the search ended before the optimum"
        for one in found
        if one.better > _BETTER
    ]


def table(found: tuple[Profile, ...]) -> pd.DataFrame:
    """`profiles.csv`: one row for each point."""
    return pd.DataFrame(
        {"parameter": one.name, "value": value, "negative_log_posterior": least, "drop": drop}
        for one in found
        for value, least, drop in zip(one.values, one.objective, one.drop, strict=True)
    )
