"""Rows that some combination of directions raises while it lowers no row.

Such combinations form a convex cone, so there is one largest set of rows. Without covariates a row is an arc between
two components, and the set follows from the strongly connected parts of their graph. Otherwise linear programs over a
growing subset of rows find it.
"""

import dataclasses
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from flowmodel.errors import NumericError

ROWS_AT_ONCE = 3000
_FARTHEST = 1e3
"""Bound of the coefficients in the linear program; large enough to move a long chain of components in one program."""
_RISEN = 1e-6
"""Least z of a row that counts as raised."""
_FALLEN = 1e-8
"""Least decrease of a row from which it becomes a constraint; larger than errors of the solver."""
_TOLERANCES = (1e-9, 1e-7)
"""Tolerances of the solver; the second is used if it cannot reach the first."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows z = moves · h + arc (s_source − s_target), scaled to entries of at most one.

    `moves` [n, q] are changes by combinations of covariates; `arc` [n] is the coefficient of the components' constants,
    0 if both are the same; `source` and `target` [n] are the components of the levels of the first and second effect.
    """

    moves: np.ndarray
    arc: np.ndarray
    source: np.ndarray
    target: np.ndarray
    components: int

    def take(self, index: np.ndarray) -> "Rows":
        """The rows `index`."""
        return Rows(self.moves[index], self.arc[index], self.source[index], self.target[index], self.components)

    def z(self, coefficients: np.ndarray) -> np.ndarray:
        """Values z, [n], at the concatenated coefficients h and s."""
        h, s = np.split(coefficients, [self.moves.shape[1]])
        return np.asarray(self.moves @ h + self.arc * (s[self.source] - s[self.target]))

    def matrix(self) -> csr_array:
        """The rows as a matrix over the coefficients h and s, [n, q + components]."""
        count = len(self.arc)
        ends = np.tile(np.arange(count), 2), np.concatenate([self.source, self.target])
        arcs = coo_array((np.concatenate([self.arc, -self.arc]), ends), shape=(count, self.components))
        return csr_array(hstack([csr_array(self.moves), arcs.tocsr()], format="csr"))

    def total(self) -> csr_array:
        """The sum of all rows, [1, q + components]."""
        into, out = (np.bincount(end, self.arc, minlength=self.components) for end in (self.source, self.target))
        return csr_array(np.concatenate([self.moves.sum(axis=0), into - out])[None])


def raised(moves: np.ndarray, source: np.ndarray, target: np.ndarray, components: int) -> np.ndarray:
    """Rows with z > 0 for some h and s for which no row has z < 0, z = moves · h + s_source − s_target; bool [rows].

    Arguments as in `Rows`.

    Raises:
        NumericError: the linear program was not solved.
    """
    if moves.shape[1] == 0:
        # s cannot increase along an arc, so it is constant on cycles: within strongly connected parts.
        arcs = coo_array((np.ones(len(source)), (source, target)), shape=(components, components))
        part = connected_components(arcs.tocsr(), connection="strong")[1]
        return np.asarray(part[source] != part[target])
    found = np.zeros(len(moves), bool)
    moving = np.flatnonzero((source != target) | moves.any(axis=1))
    found[moving] = _raised_rows(_scaled(moves[moving], source[moving], target[moving], components))
    return found


def _scaled(moves: np.ndarray, source: np.ndarray, target: np.ndarray, components: int) -> Rows:
    """Rows scaled to about one; positive factors of rows and directions do not change signs."""
    sizes = [np.abs(column[column != 0]) for column in moves.T]
    moves = moves / np.array([np.median(size) if len(size) else 1.0 for size in sizes])
    across = source != target
    size = np.maximum(np.abs(moves).max(axis=1), across)
    return Rows(moves / size[:, None], across / size, source, target, components)


def _raised_rows(rows: Rows) -> np.ndarray:
    """Rows that some coefficients raise while they lower none, bool [n].

    A row that was found needs no constraint afterwards, since a large multiple of the coefficients that raise it
    outweighs any decrease.
    """
    left = np.arange(len(rows.arc))
    found, held = np.zeros((2, len(left)), bool)
    while len(left):
        held[_spread(left)] = True
        kept = rows.take(left)
        coefficients = farthest(kept.take(held[left]), kept.total())
        z = kept.z(coefficients)
        fallen = left[(z < -_FALLEN) & ~held[left]]
        if len(fallen):
            held[_spread(fallen)] = held[left[z.argmin()]] = True
        elif z.max() > _RISEN:
            found[left[z > 0.5 * min(z.max(), 1.0)]] = True
            left = left[~found[left]]
        else:
            break
    return found


def _spread(numbers: np.ndarray) -> np.ndarray:
    """A systematic sample of at most ROWS_AT_ONCE numbers."""
    return numbers[:: -(-len(numbers) // ROWS_AT_ONCE)]


def farthest(rows: Rows, total: csr_array) -> np.ndarray:
    """Coefficients that raise as many of the rows as possible and lower neither one of them nor the sum of all rows.

    If the answer is zero, no row can be raised: the constraint on the sum covers rows that are not constraints.
    """
    limits = csr_array(vstack([rows.matrix(), total], format="csr"))
    for tolerance in _TOLERANCES:
        answer = _solved(limits, tolerance)
        if answer.x is not None:
            return np.asarray(answer.x[: limits.shape[1]])
    what = f"search for separated pairs: {answer.message}"
    raise NumericError("E-FLOWS-SEPARATION", what, "rescale the covariates, or drop collinear ones")


def _solved(limits: csr_array, tolerance: float) -> Any:
    """The linear program: the largest Σ t with 0 ≤ t ≤ 1 and limits · coefficients ≥ t."""
    count, width = limits.shape
    return linprog(
        np.concatenate([np.zeros(width), -np.ones(count)]),
        A_ub=hstack([-limits, eye_array(count)], format="csr"),
        b_ub=np.zeros(count),
        bounds=[(-_FARTHEST, _FARTHEST)] * width + [(0, 1)] * count,
        method="highs",
        options={"primal_feasibility_tolerance": tolerance, "dual_feasibility_tolerance": tolerance},
    )
