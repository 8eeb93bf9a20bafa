"""Which rows some combination of directions raises while it lowers none: a cone, and so one largest set of rows.

Where only components move, a row from one to another is an arc, and the answer is read from the strongly connected
parts of their graph. Otherwise linear programs give it, over the rows that turn out to matter.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from flowmodel.errors import NumericError

ROWS_AT_ONCE = 3000
_FARTHEST = 1e3
"""Bound of a coefficient in the linear program: far enough for a long chain of components to fall at once."""
_RISEN = 1e-6
"""The least z of a row raised: a cone narrower than this over `_FARTHEST`, 1e-9, counts as empty."""
_FALLEN = 1e-8
"""The least fall of a row that makes it one to hold; above what the solver leaves."""
_TOLERANCES = (1e-9, 1e-7)
"""Of the solver: the second where it cannot reach the first."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows z = moves · h + arc (s_source − s_target), each with entries of at most one.

    Attributes:
        moves: [n, q].
        arc: [n]; 0 where source and target are one.
        source: a component, [n].
        target: another, or the same, [n].
        components: how many there are.
    """

    moves: np.ndarray
    arc: np.ndarray
    source: np.ndarray
    target: np.ndarray
    components: int

    def take(self, index: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(self.moves[index], self.arc[index], self.source[index], self.target[index], self.components)

    def z(self, coefficients: np.ndarray) -> np.ndarray:
        """Z of h and s one after the other, [n]."""
        h, s = np.split(coefficients, [self.moves.shape[1]])
        return np.asarray(self.moves @ h + self.arc * (s[self.source] - s[self.target]))

    def matrix(self) -> csr_array:
        """The rows by coefficients h and s, [n, q + components]."""
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

    Args:
        moves: float64 [rows, q].
        source: a component of each row, [rows].
        target: the other one, [rows].
        components: how many there are.

    Raises:
        NumericError: the linear program was not solved.
    """
    if moves.shape[1] == 0:
        return _between_strong_parts(source, target, components)
    found = np.zeros(len(moves), bool)
    moving = np.flatnonzero((source != target) | moves.any(axis=1))
    found[moving] = _raised_rows(_scaled(moves[moving], source[moving], target[moving], components))
    return found


def _between_strong_parts(source: np.ndarray, target: np.ndarray, components: int) -> np.ndarray:
    """Along an arc s never rises, so on a cycle it is constant; between two strongly connected parts it can fall."""
    arcs = coo_array((np.ones(len(source)), (source, target)), shape=(components, components))
    part = connected_components(arcs.tocsr(), connection="strong")[1]
    return np.asarray(part[source] != part[target])


def _scaled(moves: np.ndarray, source: np.ndarray, target: np.ndarray, components: int) -> Rows:
    """Rows on the scale of one: a positive factor of a row, or of a direction, changes no sign."""
    sizes = [np.abs(column[column != 0]) for column in moves.T]
    moves = moves / np.array([np.median(size) if len(size) else 1.0 for size in sizes])
    across = source != target
    size = np.maximum(np.abs(moves).max(axis=1), across)
    return Rows(moves / size[:, None], across / size, source, target, components)


def _raised_rows(rows: Rows) -> np.ndarray:
    """Rows that some coefficients raise while they lower none, bool [n].

    A row found may be left out from then on: the coefficients that raise it, many times over, keep it from falling.
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
    """At most ROWS_AT_ONCE of some numbers, spread over them."""
    return numbers[:: -(-len(numbers) // ROWS_AT_ONCE)]


def farthest(rows: Rows, total: csr_array) -> np.ndarray:
    """Coefficients that raise as many of the rows as they can, and lower none of them and not the sum of all.

    The sum makes an answer of zero final: where it cannot rise and no row may fall, none can rise.
    """
    limits = csr_array(vstack([rows.matrix(), total], format="csr"))
    for tolerance in _TOLERANCES:
        answer = _solved(limits, tolerance)
        if answer.x is not None:
            return np.asarray(answer.x[: limits.shape[1]])
    raise NumericError(
        "E-FLOWS-SEPARATION", f"separation: {answer.message}", "scale the covariates, or drop collinear ones"
    )


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
