"""Changes of the parameters that move no row with a positive flow: the only ones that can separate a row with none.

The linear predictor of a row is x · g + a_i − b_j, with i its level of the first effect, j that of the second, and b
the second effect with its sign changed. Levels are nodes and rows with y > 0 are edges of a graph. The effects that
move no such row are one constant a component. Along a spanning tree the effects that cancel a covariate are sums, so
what is left of the covariates off the tree says, without iterating, which of their mixtures the effects can cancel.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

CELLS_AT_ONCE = 1 << 21
_NULL = 1e-9
"""A mixture that moves rows with y > 0 by less than this share of its covariates' range there moves none."""
_ROUNDING = 1e-11
"""What float64 may make of zero, relative to the numbers added."""


@dataclasses.dataclass(frozen=True)
class Design:
    """The rows of a regression, by number, without holding them.

    Attributes:
        levels: how many levels the two effects have; one level is a constant.
        width: K, how many covariates there are.
        codes: levels of rows: [n] to [n] and [n].
        covariates: their covariates, float64: [n] to [n, K].
    """

    levels: tuple[int, int]
    width: int
    codes: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    covariates: Callable[[np.ndarray], np.ndarray]

    def nodes(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levels of both effects in one numbering, the first effect's first."""
        first, second = self.codes(rows)
        return first, second + self.levels[0]

    def chunks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The rows in parts small enough for their covariates to be held."""
        at_once = max(CELLS_AT_ONCE // max(self.width, 1), 1)
        return (rows[start : start + at_once] for start in range(0, len(rows), at_once))

    def sample(self, rows: np.ndarray) -> np.ndarray:
        """One such part spread over all of the rows."""
        return rows[:: -(-len(rows) * max(self.width, 1) // CELLS_AT_ONCE)]


@dataclasses.dataclass(frozen=True)
class Scale:
    """A covariate counts as (x − centre) / unit; `constant` where no row with y > 0 differs. All [K]."""

    centre: np.ndarray
    unit: np.ndarray
    constant: np.ndarray


@dataclasses.dataclass(frozen=True)
class Directions:
    """What moves no row with y > 0: q mixtures of covariates with their effects, and a constant for each component.

    Attributes:
        mixtures: of the scaled covariates, [K, q].
        effects: that go with each, [nodes, q].
        component: of every node, [nodes]; −1 for a level without y > 0.
        scale: of the covariates.
    """

    mixtures: np.ndarray
    effects: np.ndarray
    component: np.ndarray
    scale: Scale

    @property
    def none(self) -> bool:
        """Whether no row at all is moved: a constant added to both effects does not show."""
        return self.mixtures.shape[1] == 0 and bool(self.component.max() < 1)

    def moves(self, design: Design, rows: np.ndarray) -> np.ndarray:
        """By how much each mixture moves each row, [n, q], zero where rounding could have made it."""
        covariates = design.covariates(rows)
        first, second = (self.effects[nodes] for nodes in design.nodes(rows))
        moved = (covariates - self.scale.centre) / self.scale.unit @ self.mixtures + first - second
        weights = np.abs(self.mixtures)
        added = (np.abs(covariates) + np.abs(self.scale.centre)) / self.scale.unit @ weights
        rounding = _ROUNDING * (added + np.abs(first) + np.abs(second))
        rounding += 10 * _NULL * weights[~self.scale.constant].sum(axis=0)
        return np.asarray(np.where(np.abs(moved) > rounding, moved, 0.0))


def directions(design: Design, positive: np.ndarray) -> Directions:
    """The directions that move none of the rows `positive`, of which there must be one."""
    component, parent = _forest(design, positive)
    scale = _scale(design, positive)
    potentials = _potentials(design, positive, parent, scale)
    mixtures = np.eye(design.width)
    # A sample spread over all rows mostly leaves no mixture, and then the rest need not be read.
    for rows in itertools.chain([design.sample(positive)], design.chunks(positive)):
        if not mixtures.shape[1]:
            break
        first, second = (potentials[nodes] for nodes in design.nodes(rows))
        left = (design.covariates(rows) - scale.centre) / scale.unit + first - second
        mixtures = mixtures @ _null_space(left @ mixtures)
        mixtures /= np.abs(mixtures).max(axis=0, initial=0.0)
    return Directions(mixtures, potentials @ mixtures, component, scale)


def _forest(design: Design, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components of the graph of levels, [nodes], and the parent of each node in a spanning tree.

    A component of one node is numbered −1, a root is its own parent.
    """
    count = sum(design.levels)
    edges = coo_array((np.ones(len(rows)), design.nodes(rows)), shape=(count + 1, count + 1)).tocsr()
    label = connected_components(edges, directed=False)[1][:count]
    roots = np.unique(label, return_index=True)[1]
    # One more node, joined to a node of every component, lets a single search span them all.
    edges = edges + coo_array((np.ones(len(roots)), (np.full(len(roots), count), roots)), shape=edges.shape).tocsr()
    parent = breadth_first_order(edges, count, directed=False)[1][:count]
    parent[roots] = roots
    joined = np.bincount(label) > 1
    return np.where(joined, np.cumsum(joined) - 1, -1)[label], parent


def _scale(design: Design, rows: np.ndarray) -> Scale:
    """Centre and unit of the covariates: those of the rows given, so that outliers elsewhere blur nothing."""
    centre = design.covariates(rows[:1])[0]
    size, reach = np.abs(centre), np.zeros(len(centre))
    for part in design.chunks(rows):
        covariates = design.covariates(part)
        size = np.maximum(size, np.abs(covariates).max(axis=0))
        reach = np.maximum(reach, np.abs(covariates - centre).max(axis=0))
    constant = reach <= _ROUNDING * size
    unit = np.where(constant, np.where(size > 0, size, 1.0), reach)
    return Scale(centre, unit, constant)


def _potentials(design: Design, rows: np.ndarray, parent: np.ndarray, scale: Scale) -> np.ndarray:
    """Effects that cancel each scaled covariate on the edges of the tree, [nodes, K]: sums of it along the tree."""
    edge, sign = _tree_rows(design, rows, parent)
    below = np.flatnonzero(sign)
    covariates = (design.covariates(edge[below]) - scale.centre) / scale.unit
    sums = np.zeros((len(parent), covariates.shape[1]))
    sums[below] = sign[below, None] * covariates
    while np.any(parent[parent] != parent):
        sums += sums[parent]
        parent = parent[parent]
    return sums


def _tree_rows(design: Design, rows: np.ndarray, parent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every node the row of its edge to its parent, and +1 for a level of the second effect, −1 for the first."""
    edge, sign = np.zeros(len(parent), np.int64), np.zeros(len(parent))
    for part in design.chunks(rows):
        first, second = design.nodes(part)
        for child, other, way in ((second, first, 1.0), (first, second, -1.0)):
            found = parent[child] == other
            edge[child[found]], sign[child[found]] = part[found], way
    return edge, sign


def _null_space(matrix: np.ndarray) -> np.ndarray:
    """Mixtures of columns that are zero in every row, [columns, q]: elimination with complete pivoting."""
    mixtures = np.eye(matrix.shape[1])
    while matrix.shape[1]:
        row, column = np.unravel_index(np.abs(matrix).argmax(), matrix.shape)
        if abs(matrix[row, column]) <= _NULL:
            break
        share = np.delete(matrix[row], column) / matrix[row, column]
        matrix, mixtures = (
            np.delete(each, column, axis=1) - np.outer(each[:, column], share) for each in (matrix, mixtures)
        )
    return mixtures
