"""Profile likelihoods: how much worse everything gets when one parameter is held elsewhere and the others follow.

An interval by a standard error is symmetric whatever the data say; one by a profile ends where the objective has risen
by what nine tenths of a normal parameter's probability allow, and stays open where it never does.
"""

from __future__ import annotations

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
"""Where points are aimed at, in √(2 drop): for a normal posterior standard errors. The last is a drop of 2.2."""
_ENOUGH = 2.0
_TOO_FAR = 4.5
_EDGE = NormalDist().inv_cdf((1 + INTERVAL) / 2)
"""√(2 drop) at the ends of the interval: a drop of 1.353."""
_MOST_POINTS = 7
"""On one side; a parameter that takes more is open there."""
_MOST_STEPS = 20
_SLOPE = 0.2
"""Slope at which a point's search stops, in standard errors; its value is then right to a hundredth."""
_UNKNOWN_SE = 0.2
"""Share of a prior's sd that serves for the standard error of a parameter at its bound."""
_INSIDE = 1e-6
"""Share of a range by which the last point keeps clear of the bound."""
_BETTER = 0.02
"""A profile this much below the optimum is more than rounding."""
_DIVIDE = ("divide_east_west", "divide_west_east")


@dataclasses.dataclass(frozen=True)
class Profile:
    """One parameter's points, ascending, each with the least objective there, and the interval of nine tenths.

    `lower` and `upper` are None where the interval is open: the bound, or the last of many points, was reached before
    the objective had risen enough. `better` is by how much the profile fell below the optimum it began from.
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
        """How far below the optimum of the fit a point lies."""
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
    """The free parameters that `asked` means: "divide" both directions, a name all groups that have their own.

    Raises:
        ConfigError: there is none of that name, or it is held.
    """
    found: list[str] = []
    for name in asked:
        wanted = _DIVIDE if name == "divide" else (name,)
        meant = [entry.name for entry in registry.free if entry.name.partition("@")[0] in wanted or entry.name == name]
        if not meant:
            known = [entry.name for entry in registry.free]
            near = difflib.get_close_matches(name, known, n=1) or known[:1]
            raise ConfigError(
                "E-FIT-PROFILE", f"fit.profile: {name} is no fitted parameter", f"name one that is, such as {near[0]}"
            )
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
    """The profile of the free parameter `name` around the optimum of a fit, out to a drop of 2 on both sides."""
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
    """Points outwards on one side, each found from the one before; steps grow or shrink with the rise so far.

    A point that rose far too much is kept and one nearer sought: an interval is not read across such a gap.
    """
    found: list[_Point] = []
    here, away, before, root = best.natural[position], 0.0, best, 0.0
    margin = _INSIDE * (entry.upper - entry.lower)
    while len(found) < _MOST_POINTS and not _ENOUGH <= root**2 / 2 <= _TOO_FAR:
        aim = next((one for one in _ROOTS if one > root * 1.1 + 0.1), _ROOTS[-1])
        away = aim if not found else away * float(np.clip(aim / max(root, 0.1), 0.2, 3))
        value = _moved(entry, here, away * unit)
        bounded = float(np.clip(value, entry.lower + margin, entry.upper - margin))
        point = at(bounded, before)
        root = np.sqrt(2 * max(point.objective - best.objective, 0.0))
        found.append(point)
        before = before if root**2 / 2 > _TOO_FAR else point
        if bounded != value and root**2 / 2 <= _TOO_FAR:
            break
    return sorted(found, key=lambda point: abs(point.natural[position] - here))


def _moved(entry: Parameter, value: float, by: float) -> float:
    """`value` moved on the scale of its prior."""
    return float(value * np.exp(by / value)) if entry.prior_scale == "log" else float(value + by)


def _conditional(covariance: np.ndarray, position: int) -> tuple[np.ndarray, np.ndarray]:
    """How the others follow when one parameter moves by one, and W with W Wᵀ their covariance when it is held.

    Parameters at a bound stay: their rows are zero.
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
    """Natural values kept between their bounds: a straight line from the optimum may leave them."""
    lower, upper = (np.array([getattr(entry, name) for entry in registry.free]) for name in ("lower", "upper"))
    margin = _INSIDE * (upper - lower)
    return np.asarray(np.clip(natural, lower + margin, upper - margin))


def _end(values: np.ndarray, rise: np.ndarray) -> float | None:
    """Where √(2 rise) passes the interval's edge, outwards; it is nearly straight, so that few points are enough."""
    root = np.sqrt(2 * np.maximum(rise, 0.0))
    past = np.flatnonzero(root >= _EDGE)
    if not len(past) or past[0] == 0:
        return None
    i = past[0]
    share = (_EDGE - root[i - 1]) / (root[i] - root[i - 1])
    return float(values[i - 1] + share * (values[i] - values[i - 1]))


def warnings(found: tuple[Profile, ...]) -> list[str]:
    """Sentences a reader must see: where a profile is open, and where it fell below the optimum."""
    messages = [
        f"{one.name}: its profile has no {side} end"
        for one in found
        for side, end in (("lower", one.lower), ("upper", one.upper))
        if end is None
    ]
    return messages + [
        f"{one.name}: its profile falls {one.better:.2g} below the optimum; the search stopped short"
        for one in found
        if one.better > _BETTER
    ]


def table(found: tuple[Profile, ...]) -> pd.DataFrame:
    """`profiles.csv`: one row a point."""
    return pd.DataFrame(
        {"parameter": one.name, "value": value, "negative_log_posterior": least, "drop": drop}
        for one in found
        for value, least, drop in zip(one.values, one.objective, one.drop, strict=True)
    )
