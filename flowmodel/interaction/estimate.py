"""Maximum likelihood: Newton steps until margins and moments agree, first in float32, then in float64."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flowmodel.interaction import newton
from flowmodel.interaction.design import Design, Point
from flowmodel.interaction.family import Family
from flowmodel.interaction.pair import Pair

_COARSE_FROM = 200_000
"""Pairs from which a search in float32 comes first; below, its compilation would cost more than it saves."""
_COARSE_ERROR = 1e-4
"""Error of margins and moments at which float32 hands over."""
_INEXACT = 1e-3
"""Precision to which steps eliminate effects: a step is wrong by that part, and the next one mends it."""
_HALVINGS = 30

Report = Callable[[int, float], None]


@dataclasses.dataclass(frozen=True)
class Optimum:
    """Where a search ended.

    Attributes:
        at: the point.
        converged: whether margins and moments agree to the tolerance.
        margin_error: largest relative error of a margin that has an effect.
        moment_error: largest standardised moment of the residuals.
        steps: Newton steps taken.
    """

    at: Point
    converged: bool
    margin_error: float
    moment_error: float
    steps: int


def start(design: Design) -> Point:
    """Zeros, but for the shape's starting values."""
    origins, destinations = design.flow.shape
    shape = () if design.shape is None else design.shape.start
    coefficients = jnp.concatenate([jnp.zeros(len(design.columns)), jnp.asarray(shape, float).reshape(-1)])
    return Point(coefficients, jnp.zeros(origins), jnp.zeros(destinations))


def fit(
    design: Design,
    family: Family,
    *,
    tolerance: float = 1e-10,
    most_steps: int = 100,
    at: Point | None = None,
    report: Report = lambda step, error: None,
) -> Optimum:
    """The maximum of the likelihood.

    Args:
        design: the pairs; separated ones are not allowed to take part.
        family: the likelihood.
        tolerance: of margins and moments, relative.
        most_steps: Newton steps before giving up.
        at: where to begin; by default a least-squares fit of logarithms.
        report: told the step and the error after each.
    """
    taken = 0
    if at is None:
        at = _begun(design)
    if design.flow.size >= _COARSE_FROM:
        coarse = _search(_single(design), _single(family), _single(at), _COARSE_ERROR, most_steps, report)
        at, taken = jax.tree.map(lambda part: part.astype(float), coarse.at), coarse.steps
    found = _search(design, family, at, tolerance, most_steps, report)
    return dataclasses.replace(found, steps=found.steps + taken)


def _begun(design: Design) -> Point:
    """The least-squares fit of logarithms, the shape held at its start: a long step could leave where it is defined."""
    at = start(design)
    linear = len(design.columns)
    if design.shape is None:
        return _moved(at, newton.first(design, at, jnp.asarray(_INEXACT)).direction, 1.0)
    bent = design.offset + design.shape.rule(at.coefficients[linear:], design.pair)
    straight = dataclasses.replace(design, offset=bent, shape=None, pair=Pair())
    move = newton.first(straight, start(straight), jnp.asarray(_INEXACT)).direction
    return _moved(at, dataclasses.replace(move, coefficients=jnp.pad(move.coefficients, (0, at.coefficients.size - linear))), 1.0)


def _single(tree: Any) -> Any:
    """Floating numbers in float32."""
    return jax.tree.map(lambda part: part.astype(jnp.float32) if part.dtype == jnp.float64 else part, tree)


def _moved(at: Point, direction: Point, length: float) -> Point:
    return Point(
        at.coefficients + length * direction.coefficients,
        at.origin + length * direction.origin,
        at.destination + length * direction.destination,
    )


def _search(design: Design, family: Family, at: Point, tolerance: float, most_steps: int, report: Report) -> Optimum:
    inexact = jnp.asarray(_INEXACT, design.flow.dtype)
    slack = 1e-12 if design.flow.dtype == jnp.float64 else 1e-5
    now, taken = newton.step(design, family, at, inexact), 0
    while _error(now) > tolerance and taken < most_steps:
        length, before = 1.0, float(now.log_likelihood)
        for _ in range(_HALVINGS):
            there = _moved(at, now.direction, length)
            tried = newton.step(design, family, there, inexact)
            if float(tried.log_likelihood) >= before - slack * abs(before):
                break
            length /= 2
        else:
            break
        taken += 1
        if design.flow.dtype == jnp.float32 and _error(tried) > 0.5 * _error(now) and _error(tried) < 1e-2:
            at = there
            break
        at, now = there, tried
        report(taken, _error(now))
    margin, moment = float(now.margin_error), float(now.moment_error)
    return Optimum(at, max(margin, moment) <= tolerance, margin, moment, taken)


def _error(found: newton.Step) -> float:
    """NaN counts as infinite."""
    error = max(float(found.margin_error), float(found.moment_error))
    return error if np.isfinite(error) and np.isfinite(float(found.log_likelihood)) else np.inf
