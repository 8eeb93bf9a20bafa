"""Maximum likelihood by Newton steps, first in float32 and then in float64."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flowmodel.config import Solve
from flowmodel.interaction.likelihood.family import Family
from flowmodel.interaction.model.design import Design, Point
from flowmodel.interaction.model.pair import Pair
from flowmodel.interaction.search import newton
from flowmodel.interaction.search.newton import Sums

DEFAULT = Solve()
_COARSE_FROM = 200_000
"""Number of pairs from which the search begins in float32; for fewer, compiling it takes longer than it saves."""
_COARSE_ERROR = 3e-6
"""Error of margins and moments that float32 can resolve."""
_INEXACT = 1e-3
"""Relative precision of the elimination of effects in a Newton step."""
_NEAR = 1e-2
_HALVINGS = 30

Report = Callable[[int, float], None]


@dataclasses.dataclass(frozen=True)
class Optimum:
    """Result of a search.

    Attributes:
        at: parameter values at the end.
        sums: sums over pairs there.
        converged: whether margins and moments agree within the tolerance.
        steps: number of Newton steps.
        stuck: whether the search ended before the largest number of steps.
    """

    at: Point
    sums: Sums
    converged: bool
    steps: int
    stuck: bool = False

    @property
    def verdict(self) -> str:
        """One of converged, max_steps, diverged (no step improves the likelihood) and nonfinite."""
        finite = bool(jnp.all(jnp.isfinite(self.at.coefficients)) & jnp.isfinite(self.sums.log_likelihood))
        if not finite:
            return "nonfinite"
        return "converged" if self.converged else "diverged" if self.stuck else "max_steps"

    @property
    def margin_error(self) -> float:
        """Largest relative error of a margin with effects."""
        return float(self.sums.error[0])

    @property
    def moment_error(self) -> float:
        """Largest moment of the residuals, relative to √(weighted second moment of the column · total flow)."""
        return float(self.sums.error[1])


def start(design: Design) -> Point:
    """The initial point: zeros, and the starting values of the shape."""
    origins, destinations = design.flow.shape
    shape = () if design.shape is None else design.shape.start
    coefficients = jnp.concatenate([jnp.zeros(len(design.columns)), jnp.asarray(shape, float).reshape(-1)])
    return Point(coefficients, jnp.zeros(origins), jnp.zeros(destinations))


def fit(
    design: Design,
    family: Family,
    *,
    tolerance: float = DEFAULT.tolerance,
    most_steps: int = DEFAULT.most_steps,
    at: Point | None = None,
    report: Report = lambda step, error: None,
) -> Optimum:
    """The maximum of the likelihood.

    Args:
        design: the pairs, without separated ones.
        family: the likelihood.
        tolerance: largest relative error of margins and moments.
        most_steps: largest number of Newton steps.
        at: initial point; by default a least-squares fit of logarithms.
        report: called with number and error of each step.
    """
    if design.flow.size < _COARSE_FROM:
        return _Search(design, design, family, report).run(at or _first_step(design), tolerance, most_steps)
    single = _single(design)
    coarse = _Search(single, single, _single(family), report).run(
        _single(at) if at else _first_step(single), _COARSE_ERROR, most_steps
    )
    there = jax.tree.map(lambda part: part.astype(float), coarse.at)
    steps = coarse.steps
    del coarse  # its tables
    found = _Search(design, single, family, report).run(there, tolerance, most_steps)
    return dataclasses.replace(found, steps=found.steps + steps)


def _first_step(design: Design) -> Point:
    """The first step of iteratively reweighted least squares, with the parameters of a shape at their starts.

    The step is long, so parameters of a shape could leave their useful range.
    """
    here = _cast(start(design), design)
    linear = len(design.columns)
    if design.shape is None:
        straight = design
    else:
        bent = design.offset + design.shape.rule(here.coefficients[linear:], design.pair)
        straight = dataclasses.replace(design, offset=bent, pair=Pair(), shape=None)
    at = dataclasses.replace(here, coefficients=here.coefficients[:linear])
    move = newton.direction(straight, at, newton.initial_sums(straight, at), jnp.asarray(_INEXACT))
    still = jnp.zeros(len(here.coefficients) - linear, move.coefficients.dtype)
    return _moved(here, dataclasses.replace(move, coefficients=jnp.concatenate([move.coefficients, still])), 1.0)


def _single(tree: Any) -> Any:
    """The same with float64 arrays in float32."""
    return jax.tree.map(lambda part: part.astype(jnp.float32) if part.dtype == jnp.float64 else part, tree)


def _cast(tree: Any, like: Design) -> Any:
    """The same in the precision of a design."""
    return tree if like.flow.dtype == jnp.float64 else _single(tree)


def _moved(at: Point, move: Point, length: float) -> Point:
    moved: Point = jax.tree.map(lambda one, by: one + length * by.astype(one.dtype), at, move)
    return moved


@dataclasses.dataclass(frozen=True)
class _Search:
    """Newton's method: likelihoods in the precision of `design`, directions in that of `guide`."""

    design: Design
    guide: Design
    family: Family
    report: Report

    def run(self, at: Point, tolerance: float, most_steps: int) -> Optimum:
        guide, taken = self.guide, 0
        sums = newton.evaluate(self.design, self.family, at)
        while _error(sums) > tolerance and taken < most_steps:
            found = self._step(at, sums, guide)
            if found is None or self._stalled(sums, found[1], guide):
                if guide is self.design:
                    break
                guide = self.design
                continue
            at, sums = found
            taken += 1
            self.report(taken, _error(sums))
        return Optimum(at, sums, _error(sums) <= tolerance, taken, taken < most_steps)

    def _step(self, at: Point, sums: Sums, guide: Design) -> tuple[Point, Sums] | None:
        """A step, halved until it does not lower the likelihood; None if there is none."""
        lighter = sums if guide is self.design else _single(sums)
        move = newton.direction(guide, _cast(at, guide), lighter, jnp.asarray(_INEXACT))
        slack = 1e-12 if self.design.flow.dtype == jnp.float64 else 1e-5
        before, length = float(sums.log_likelihood), 1.0
        for _ in range(_HALVINGS):
            there = _moved(at, move, length)
            tried = newton.evaluate(self.design, self.family, there)
            if float(tried.log_likelihood) >= before - slack * abs(before):
                return there, tried
            length /= 2
        return None

    def _stalled(self, before: Sums, after: Sums, guide: Design) -> bool:
        """Whether a float32 step near the optimum leaves more than half of the error, because of rounding."""
        rounded = guide.flow.dtype == jnp.float32
        return rounded and _error(before) < _NEAR and _error(after) > 0.5 * _error(before)


def _error(found: Sums) -> float:
    """The larger error of margins and moments; infinite if a number is not finite."""
    error = float(jnp.max(found.error))
    return error if np.isfinite(error) and np.isfinite(float(found.log_likelihood)) else np.inf
