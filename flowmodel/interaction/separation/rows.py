"""Separation in Poisson regression: pairs (rows of the regression) whose expected flow tends to zero in every fit.

A row with flow y = 0 is separated if some change of the parameters lowers its expected flow without limit, does not
raise that of other rows with y = 0, and does not change that of rows with y > 0. The likelihood then has no maximum at
finite parameters. Without the separated rows it has one, with the same estimates (Correia, Guimarães, Zylkin 2019,
arXiv:1903.01633). The linear predictor changes by −z, with z = x · g + effects, z = 0 where y > 0 and z ≥ 0 where
y = 0. Rows with z > 0 for some z are separated; since sums of such z are valid too, one z identifies all of them.

A regression here always has a constant: effects span it, and without effects it is added.
"""

from collections.abc import Sequence

import numpy as np

from flowmodel.interaction.scoring.blocks import check
from flowmodel.interaction.separation.directions import Design, directions
from flowmodel.interaction.separation.separating_directions import raised

_ENOUGH = 20
"""Rows per level in a sample; a random graph with this many edges is connected. If it is not, all rows are used."""


def separated_pairs(
    flow: np.ndarray,
    allowed: np.ndarray,
    columns: Sequence[np.ndarray],
    *,
    origin_effects: bool,
    destination_effects: bool,
) -> np.ndarray:
    """The separated pairs of a table, bool [o, d].

    Args:
        flow: [o, d]; not used where not allowed.
        allowed: pairs that are rows of the regression, bool [o, d].
        columns: covariates, each [o, d], [o, 1] or [1, d], finite at allowed pairs.
        origin_effects: whether every origin has an effect.
        destination_effects: whether every destination has an effect.

    Raises:
        FlowsError: as `scoring.blocks.check` of the flows.
        NumericError: the linear program was not solved.
    """
    check(allowed, flow=flow)
    positive = allowed & (flow > 0)
    sides = [np.broadcast_to(column, allowed.shape) for column in columns]
    kept = allowed.copy()  # pairs of zones with a flow; the effect of a zone without any can decrease alone
    for wanted, axis in ((origin_effects, 1), (destination_effects, 0)):
        if wanted:
            kept &= positive.any(axis=axis, keepdims=True)
    found = allowed & ~kept
    levels = (allowed.shape[0] if origin_effects else 1, allowed.shape[1] if destination_effects else 1)
    design = _pairs(levels, allowed.shape[1], sides)
    zero = np.flatnonzero(kept & ~positive)
    found.flat[zero] = separated_rows(design, np.flatnonzero(positive), zero)
    return np.asarray(found)


def separated_rows(design: Design, positive: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """Which rows of `zero` are separated; `positive` and `zero` are numbers of rows with y > 0 and y = 0.

    Each level of the rows of `zero` must have a row with y > 0.
    """
    if not len(positive) or not len(zero):
        return np.ones(len(zero), bool)
    if _nothing_free(design, positive) or (free := directions(design, positive)).none:
        return np.zeros(len(zero), bool)
    moves = np.concatenate([free.moves(design, part) for part in design.chunks(zero)])
    first, second = (free.component[nodes] for nodes in design.nodes(zero))
    return raised(moves, first, second, int(free.component.max()) + 1)


def _nothing_free(design: Design, positive: np.ndarray) -> bool:
    """Whether a sample of the rows with y > 0 already leaves no direction; then all of them leave none."""
    some = positive[:: max(len(positive) // (_ENOUGH * sum(design.levels)), 1)]
    if len(some) == len(positive):
        return False
    reached = [sum(np.count_nonzero(np.bincount(nodes)) for nodes in design.nodes(rows)) for rows in (some, positive)]
    return reached[0] == reached[1] and directions(design, some).none


def _pairs(levels: tuple[int, int], destinations: int, columns: Sequence[np.ndarray]) -> Design:
    """The design of a table of pairs, which are numbered along its rows."""

    def codes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        origin, destination = np.divmod(rows, destinations)
        return origin * (levels[0] > 1), destination * (levels[1] > 1)

    def covariates(rows: np.ndarray) -> np.ndarray:
        at = np.divmod(rows, destinations)
        return np.column_stack([np.empty((len(rows), 0)), *(column[at] for column in columns)])

    return Design(levels, len(columns), codes, covariates)
