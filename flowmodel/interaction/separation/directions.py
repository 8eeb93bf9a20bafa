"""Directions in parameter space that leave all rows with y > 0 unchanged; only these can separate other rows.

The linear predictor of a row is x · g + a_i − b_j, with i its level of the first effect, j its level of the second, and
b the second effect with its sign changed. Levels are the nodes and rows with y > 0 the edges of a graph. Effects that
leave such rows unchanged are constant within each connected component. Along a spanning tree, the effects that cancel a
covariate are cumulative sums; the remainder of the covariates on the other edges then shows, without iteration, which
linear combinations of covariates the effects can cancel.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

CELLS_AT_ONCE = 1 << 21
_NULL = 1e-9
"""A combination of covariates counts as zero if it is below this share of their range over rows with y > 0."""
_ROUNDING = 1e-11
"""Rounding errors of float64, relative to the numbers that are added."""


@dataclasses.dataclass(frozen=True)
class Design:
    """The rows of a regression, computed from their numbers when needed.

    Attributes:
        levels: number of levels of the two effects; one level is a constant.
        width: K, the number of covariates.
        codes: function from row numbers [n] to the levels of both effects, [n] and [n].
        covariates: function from row numbers [n] to covariates, float64 [n, K].
    """

    levels: tuple[int, int]
    width: int
    codes: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    covariates: Callable[[np.ndarray], np.ndarray]

    def nodes(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levels of both effects as nodes with one numbering, beginning with the first effect."""
        first, second = self.codes(rows)
        return first, second + self.levels[0]

    def chunks(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Row numbers in parts whose covariates fit in memory."""
        at_once = max(CELLS_AT_ONCE // max(self.width, 1), 1)
        return (rows[start : start + at_once] for start in range(0, len(rows), at_once))

    def sample(self, rows: np.ndarray) -> np.ndarray:
        """A systematic sample of row numbers of that size."""
        return rows[:: -(-len(rows) * max(self.width, 1) // CELLS_AT_ONCE)]


@dataclasses.dataclass(frozen=True)
class Scale:
    """Scaling of covariates to (x − centre) / unit; `constant` if x is equal in all rows with y > 0. All [K]."""

    centre: np.ndarray
    unit: np.ndarray
    constant: np.ndarray


@dataclasses.dataclass(frozen=True)
class Directions:
    """Directions that leave rows with y > 0 unchanged: q combinations of covariates, and a constant per component.

    Attributes:
        mixtures: coefficients of the scaled covariates, [K, q].
        effects: effects that cancel each combination, [nodes, q].
        component: component of every node, [nodes]; −1 for a level without y > 0.
        scale: scaling of the covariates.
    """

    mixtures: np.ndarray
    effects: np.ndarray
    component: np.ndarray
    scale: Scale

    @property
    def none(self) -> bool:
        """Whether no direction changes any row; a constant added to both effects changes none."""
        return self.mixtures.shape[1] == 0 and bool(self.component.max() < 1)

    def moves(self, design: Design, rows: np.ndarray) -> np.ndarray:
        """The change of each row by each combination, [n, q]; zero if it is within rounding errors."""
        covariates = design.covariates(rows)
        first, second = (self.effects[nodes] for nodes in design.nodes(rows))
        moved = (covariates - self.scale.centre) / self.scale.unit @ self.mixtures + first - second
        weights = np.abs(self.mixtures)
        added = (np.abs(covariates) + np.abs(self.scale.centre)) / self.scale.unit @ weights
        rounding = _ROUNDING * (added + np.abs(first) + np.abs(second))
        rounding += 10 * _NULL * weights[~self.scale.constant].sum(axis=0)
        return np.asarray(np.where(np.abs(moved) > rounding, moved, 0.0))


def directions(design: Design, positive: np.ndarray) -> Directions:
    """The directions that leave the rows `positive` unchanged; there must be at least one such row."""
    component, parent = _forest(design, positive)
    scale = _scale(design, positive)
    potentials = _potentials(design, positive, parent, scale)
    mixtures = np.eye(design.width)
    # A sample of the rows often rules out all combinations, so the other rows need not be read.
    for rows in itertools.chain([design.sample(positive)], design.chunks(positive)):
        if not mixtures.shape[1]:
            break
        first, second = (potentials[nodes] for nodes in design.nodes(rows))
        left = (design.covariates(rows) - scale.centre) / scale.unit + first - second
        mixtures = mixtures @ _null_space(left @ mixtures)
        mixtures /= np.abs(mixtures).max(axis=0, initial=0.0)
    return Directions(mixtures, potentials @ mixtures, component, scale)


def _forest(design: Design, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Component of each node of the graph of levels, and its parent in a spanning tree, both [nodes].

    Components of one node have the number −1; a root is its own parent.
    """
    count = sum(design.levels)
    edges = coo_array((np.ones(len(rows)), design.nodes(rows)), shape=(count + 1, count + 1)).tocsr()
    label = connected_components(edges, directed=False)[1][:count]
    roots = np.unique(label, return_index=True)[1]
    # An additional node, connected to every component, lets one breadth-first search span all of them.
    edges = edges + coo_array((np.ones(len(roots)), (np.full(len(roots), count), roots)), shape=edges.shape).tocsr()
    parent = breadth_first_order(edges, count, directed=False)[1][:count]
    parent[roots] = roots
    joined = np.bincount(label) > 1
    return np.where(joined, np.cumsum(joined) - 1, -1)[label], parent


def _scale(design: Design, rows: np.ndarray) -> Scale:
    """Centre and unit of the covariates over the given rows, so that outliers in other rows have no influence."""
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
    """Effects that cancel each scaled covariate on the edges of the tree, [nodes, K]: its sums along the tree."""
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
    """Row of the edge from every node to its parent, and its sign: +1 for a level of the second effect, else −1."""
    edge, sign = np.zeros(len(parent), np.int64), np.zeros(len(parent))
    for part in design.chunks(rows):
        first, second = design.nodes(part)
        for child, other, way in ((second, first, 1.0), (first, second, -1.0)):
            found = parent[child] == other
            edge[child[found]], sign[child[found]] = part[found], way
    return edge, sign


def _null_space(matrix: np.ndarray) -> np.ndarray:
    """Combinations of columns that are zero in every row, [columns, q], by elimination with complete pivoting."""
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
