"""Rows without a flow whose expected flow every fit drives to zero: separation in Poisson regression.

A row is separated when some change of the parameters lowers its expected flow without end, lowers or leaves that of
the other rows without a flow, and leaves that of every row with one. No maximum of the likelihood is finite then; it
is for the rest once such rows are left out, and there the estimates are the same (Correia, Guimarães, Zylkin 2019,
arXiv:1903.01633). The change is by −z, with z = x · g + effects, z = 0 where y > 0 and z ≥ 0 where y = 0. Rows with
z > 0 for some z are separated, and since such z can be added, one z serves them all.

A regression here always has a constant: effects span it, and without effects it is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flowmodel.interaction.separation import checks
from flowmodel.interaction.separation.directions import Design, directions
from flowmodel.interaction.separation.separating_directions import raised

_ENOUGH = 20
"""Rows a level: a random graph of so many edges is connected, and a table that is not is read whole."""


def separated(y: Any, X: Any, ids: Any) -> np.ndarray:  # noqa: N803
    """The rows that no finite Poisson pseudo-maximum-likelihood estimate fits, bool [rows].

    Beyond two columns of effects the ones with fewest levels are held as dummies, a few million cells at a time, and
    take time in proportion to the rows times the square of their levels.

    Args:
        y: flows, [rows], none negative.
        X: covariates, [rows, K]; None for none. The constant need not be among them.
        ids: columns of effects, each [rows] of any labels, or one array or table [rows, F]; None for none.

    Raises:
        FlowsError: the shapes do not agree, a value is missing or infinite, or a flow is negative.
        NumericError: the linear program was not solved.
    """
    flows = checks.flows(y)
    covariates, effects = checks.covariates(X, len(flows)), checks.effects(ids, len(flows))
    lost = np.zeros(len(flows), bool)  # rows of levels without a flow, whose constant can be lowered alone
    for codes, levels in effects:
        lost |= (np.bincount(codes, flows > 0, minlength=levels) == 0)[codes]
    found = lost.copy()
    positive, zero = np.flatnonzero(flows > 0), np.flatnonzero((flows == 0) & ~lost)
    found[zero] = _raised(_design(covariates, effects), positive, zero)
    return found


def separated_pairs(
    flow: np.ndarray,
    allowed: np.ndarray,
    columns: Sequence[np.ndarray],
    *,
    origin_effects: bool,
    destination_effects: bool,
) -> np.ndarray:
    """The pairs of a table that are separated, bool [o, d]; those not allowed are no rows, and never are.

    Args:
        flow: [o, d]; not read where not allowed.
        allowed: pairs that are rows of the regression, bool [o, d].
        columns: covariates, each [o, d], [o, 1] or [1, d].
        origin_effects: whether every origin has its own constant.
        destination_effects: whether every destination has.

    Raises:
        FlowsError: the shapes do not agree, a value is missing or infinite, or a flow is negative.
        NumericError: the linear program was not solved.
    """
    positive, sides = checks.positive(flow, allowed), checks.sides(columns, allowed)
    kept = allowed.copy()  # pairs of levels with a flow; the constant of another can be lowered alone
    for wanted, axis in ((origin_effects, 1), (destination_effects, 0)):
        if wanted:
            kept &= positive.any(axis=axis, keepdims=True)
    found = allowed & ~kept
    design = _pairs(allowed.shape, sides, origin_effects=origin_effects, destination_effects=destination_effects)
    zero = np.flatnonzero(kept & ~positive)
    found.flat[zero] = _raised(design, np.flatnonzero(positive), zero)
    return np.asarray(found)


def _raised(design: Design, positive: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """Which rows of `zero`, all of levels that have one of `positive`, can rise with none of them falling."""
    if not len(positive) or not len(zero):
        return np.ones(len(zero), bool)
    if _nothing_free(design, positive):
        return np.zeros(len(zero), bool)
    free = directions(design, positive)
    if free.none:
        return np.zeros(len(zero), bool)
    parts = list(design.chunks(zero))
    moves = np.concatenate([free.moves(design, part) for part in parts])
    first, second = (free.component[nodes] for nodes in design.nodes(zero))
    return raised(moves, first, second, int(free.component.max()) + 1)


def _nothing_free(design: Design, positive: np.ndarray) -> bool:
    """Whether some of the rows with a flow, spread over all, leave no direction: then all of them leave none."""
    some = positive[:: max(len(positive) // (_ENOUGH * sum(design.levels)), 1)]
    if len(some) == len(positive):
        return False
    reached = [sum(np.count_nonzero(np.bincount(nodes)) for nodes in design.nodes(rows)) for rows in (some, positive)]
    return reached[0] == reached[1] and directions(design, some).none


def _design(covariates: np.ndarray, effects: list[tuple[np.ndarray, int]]) -> Design:
    """The rows of a long table: the two columns of most levels make the graph, others are dummies."""
    constant = (np.zeros(len(covariates), np.int32), 1)
    (first, levels), (second, others), *rest = sorted([*effects, constant, constant], key=lambda column: -column[1])

    def wide(rows: np.ndarray) -> np.ndarray:
        # The first level of each is in the span of the other effects.
        dummies = [codes[rows, None] == np.arange(1, count) for codes, count in rest]
        return np.concatenate([covariates[rows], *dummies], axis=1, dtype=np.float64)

    width = covariates.shape[1] + sum(count - 1 for _, count in rest)
    return Design((levels, others), width, lambda rows: (first[rows], second[rows]), wide)


def _pairs(
    shape: tuple[int, int], columns: Sequence[np.ndarray], *, origin_effects: bool, destination_effects: bool
) -> Design:
    """The rows of a table, numbered along its rows."""

    def codes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        origin, destination = np.divmod(rows, shape[1])
        return origin * origin_effects, destination * destination_effects

    def covariates(rows: np.ndarray) -> np.ndarray:
        at = np.divmod(rows, shape[1])
        held = np.empty((len(rows), len(columns)))
        for number, column in enumerate(columns):
            held[:, number] = column[at]
        return held

    levels = (shape[0] if origin_effects else 1, shape[1] if destination_effects else 1)
    return Design(levels, len(columns), codes, covariates)
