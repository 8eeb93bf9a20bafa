"""The pairs of a factored run, reconstructed on the host in float64 NumPy, one block of rows after another.

A run on the factored path never holds a pair. The check of its accounts must not use the recursions that it checks:
here every year's leavers, returns and conversions are computed again pair by pair, and summed from both sides.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from flowmodel.dynamics.registered.children import END, START, Away
from flowmodel.dynamics.registered.factored.year import GroupMovements, GroupState
from flowmodel.gravity.operator import Strength

_ROWS = 128


@dataclasses.dataclass(frozen=True)
class Block:
    """One year of the pairs of some registered zones [row, zone], persons.

    Attributes:
        rows: the registered zones.
        year: counted from zero.
        opening: living away at the opening.
        grown: after births and deaths.
        returned: go home.
        converted: register where they live.
        left: leave home, from the row to the column.
        closing: living away at the end.
    """

    rows: slice
    year: int
    opening: np.ndarray
    grown: np.ndarray
    returned: np.ndarray
    converted: np.ndarray
    left: np.ndarray

    @property
    def closing(self) -> np.ndarray:
        """Living away at the end of the year."""
        return np.asarray(self.grown - self.returned - self.converted + self.left)


def blocks(start: GroupState, movements: GroupMovements, strength: Strength, province: np.ndarray) -> Iterator[Block]:
    """Every year of every row block of one group.

    Args:
        start: the initial stock.
        movements: of every year [year, zone].
        strength: S over all pairs.
        province: index of the province of every zone.
    """
    left, near, far = (np.asarray(part)[:, 0] for part in (start.cohorts.left, start.cohorts.near, start.cohorts.far))
    m = {field.name: np.asarray(getattr(movements, field.name)) for field in dataclasses.fields(movements)}
    for number, weight in enumerate(strength.rows(_ROWS)):
        rows = slice(number * _ROWS, (number + 1) * _ROWS)
        shared = province[rows, None] == province[None]
        stock = left[rows, None] * weight * np.where(shared, near, far)
        for year in range(len(m["push"])):
            grown = stock * m["growth"][year]
            kept = grown * (m["origin"][year, rows, None] * m["residence"][year])
            block = Block(
                rows=rows,
                year=year,
                opening=stock,
                grown=grown,
                returned=grown - kept,
                converted=kept * m["converted"][year],
                left=m["push"][year, rows, None] * weight * np.where(shared, m["pull_near"][year], m["pull_far"][year]),
            )
            yield block
            stock = block.closing


def ends(
    starts: tuple[GroupState, ...],
    movements: tuple[GroupMovements, ...],
    strengths: list[Strength],
    province: np.ndarray,
) -> Iterator[Away]:
    """All people away at the start and at the end, of every group; arguments as of `blocks`, by group."""
    for group, (start, moved, strength) in enumerate(zip(starts, movements, strengths, strict=True)):
        last = len(np.asarray(moved.push)) - 1
        for block in blocks(start, moved, strength, province):
            if block.year == 0:
                yield Away(group, START, block.rows, block.opening)
            if block.year == last:
                yield Away(group, END, block.rows, block.closing)
