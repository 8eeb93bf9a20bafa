"""The transportation problem of people between two counts of the same land, and which numbers it determines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

# People are whole numbers; the solver's error is far below this.
_PERSON = 0.5
_ROUNDS = 1000


@dataclass(frozen=True)
class Moves:
    """Whole people of each row in each polygon.

    Attributes:
        people: Shape (rows, polygons); the sums over both axes are the two counts.
        determined: Whether the least moves leave no choice for this number, bool, the same shape.
    """

    people: NDArray[np.int64]
    determined: NDArray[np.bool_]


def least_moves(rows: NDArray[np.int64], columns: NDArray[np.float64], costs: NDArray[np.float64]) -> Moves:
    """Divide people so that as few as possible move, and in proportion where that leaves a choice.

    Args:
        rows: Residents by census row.
        columns: Residents by polygon, whole, with the same sum.
        costs: Cost of a person of a row in a polygon, shape (rows, polygons).

    Returns:
        The division. Where several are as good, the one of greatest entropy among them, in whole persons; it does not
        depend on the order of rows and polygons.
    """
    solved = _solve(costs, rows, columns)
    least = float((solved * costs).sum())
    if least == 0 or 1 in costs.shape:
        return Moves(np.rint(solved).astype(np.int64), np.ones(costs.shape, dtype=np.bool_))
    low, high = _ranges(costs, rows, columns, least)
    determined = high - low < _PERSON
    if determined.all():
        return Moves(np.rint(solved).astype(np.int64), determined)
    # Every division within these cells is as good as the best: their reduced costs are zero.
    smooth = _proportional(high > _PERSON, rows, columns)
    floor = np.floor(smooth + 1e-6)
    up = np.where(high > _PERSON, floor - smooth, 10.0)  # the larger the fraction, the sooner it becomes a person
    rest = _solve(up, rows - floor.sum(axis=1), columns - floor.sum(axis=0), most=1.0)
    return Moves(np.rint(floor + rest).astype(np.int64), determined)


def _solve(
    costs: NDArray[np.float64], rows: NDArray[np.generic], columns: NDArray[np.generic], most: float | None = None
) -> NDArray[np.float64]:
    """Give a corner of the transportation polytope of least cost; its corners are whole numbers (Dantzig 1951)."""
    margins, totals = _margins(costs.shape), np.concatenate([rows, columns]).astype(np.float64)
    solved = linprog(costs.ravel(), A_eq=margins, b_eq=totals, bounds=(0, most), method="highs-ds")
    if solved.x is None:
        raise ArithmeticError(f"no division of {rows.tolist()} over {columns.tolist()} people: {solved.message}")
    corner: NDArray[np.float64] = np.rint(solved.x).reshape(costs.shape)
    if (corner.sum(axis=1) != rows).any() or (corner.sum(axis=0) != columns).any():
        raise ArithmeticError(f"{rows.tolist()} people could not be divided into whole persons")
    return corner


def _margins(shape: tuple[int, ...]) -> NDArray[np.float64]:
    n, m = shape
    return np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])


def _ranges(
    costs: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.float64], least: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the least and greatest number of people in each cell among all divisions of least cost."""
    margins = np.vstack([_margins(costs.shape), costs.ravel()])
    totals = np.concatenate([rows, columns, [least]]).astype(np.float64)
    bounds = []
    for sign in (1.0, -1.0):
        ends = [linprog(sign * cell, A_eq=margins, b_eq=totals, method="highs-ds").fun for cell in np.eye(costs.size)]
        bounds.append(sign * np.array(ends, dtype=np.float64).reshape(costs.shape))
    return bounds[0], bounds[1]


def _proportional(
    open_cells: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit rows and columns in turn from equal cells (iterative proportional fitting; Deming and Stephan 1940)."""
    people = open_cells.astype(np.float64)
    for _ in range(_ROUNDS):
        people *= np.divide(rows, people.sum(axis=1), out=np.zeros(len(rows)), where=rows > 0)[:, None]
        people *= np.divide(columns, people.sum(axis=0), out=np.zeros(len(columns)), where=columns > 0)
        if np.abs(people.sum(axis=1) - rows).max() < 1e-9 * max(1.0, float(rows.max())):
            break
    return people
