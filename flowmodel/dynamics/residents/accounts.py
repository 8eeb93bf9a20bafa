"""The accounts of a run: opening + births − deaths + inflow − outflow = closing, for every zone and year.

They are closed in float64 on the host: inflow and outflow are summed from the two sides of the flow itself, closing is
read from the state, so that the balance is a check and not a definition.
"""

import dataclasses

import numpy as np

from flowmodel.dynamics import closure
from flowmodel.dynamics.residents.year import Movements
from flowmodel.gravity.operator import Kernel, Strength

_ROWS = 256


@dataclasses.dataclass(frozen=True)
class Accounts:
    """Persons per year by [year, zone]; `cross_divide` by [year, direction], east to west first."""

    opening: np.ndarray
    births: np.ndarray
    deaths: np.ndarray
    inflow: np.ndarray
    outflow: np.ndarray
    closing: np.ndarray
    cross_divide: np.ndarray

    def residual(self) -> np.ndarray:
        """The imbalance, persons [year, zone]."""
        return np.asarray(self.opening + self.births - self.deaths + self.inflow - self.outflow - self.closing)

    def national_residual(self) -> np.ndarray:
        """The share of the nation's people that its births and deaths do not explain [year]."""
        expected = (self.opening + self.births - self.deaths).sum(axis=1)
        return np.asarray((self.closing.sum(axis=1) - expected) / expected)


def accounts(start: np.ndarray, states: np.ndarray, moved: Movements, kernel: Kernel, east: np.ndarray) -> Accounts:
    """The accounts of a run.

    Args:
        start: residents at the start, persons [zone].
        states: residents at the end of each year, persons [year, zone], as the model holds them.
        moved: the movements of the years; push, pull, births and deaths are used.
        kernel: the kernel the run used, in float64.
        east: side of the divide [zone].
    """
    push = np.asarray(moved.push) * np.asarray(kernel.origin)
    pull = np.asarray(moved.pull) * np.asarray(kernel.destination)
    outflow, inflow, crossing = _two_sides(kernel.strength, push, pull, np.asarray(east, bool))
    return Accounts(
        opening=np.concatenate([start[None], states[:-1]]),
        births=np.asarray(moved.births),
        deaths=np.asarray(moved.deaths),
        inflow=inflow,
        outflow=outflow,
        closing=np.asarray(states),
        cross_divide=crossing,
    )


def _two_sides(
    strength: Strength, push: np.ndarray, pull: np.ndarray, east: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row sums, column sums and crossings of F_oj = push_o S_oj pull_j of every year, rows in blocks."""
    outflow, inflow = np.zeros_like(push), np.zeros_like(pull)
    crossing = np.zeros((len(push), 2))
    for number, block in enumerate(strength.rows(_ROWS)):
        rows = slice(number * _ROWS, (number + 1) * _ROWS)
        for t in range(len(push)):
            flow = push[t, rows, None] * block * pull[t]
            outflow[t, rows] = flow.sum(axis=1)
            inflow[t] += flow.sum(axis=0)
            crossing[t] += flow[east[rows]][:, ~east].sum(), flow[~east[rows]][:, east].sum()
    return outflow, inflow, crossing


def check(closed: Accounts, codes: np.ndarray, first_year: int) -> None:
    """Refuses accounts in which people are lost; raises as `closure.check`."""
    closure.check(
        {"persons": closed.residual()},
        {"residents": closed.closing},
        closed.national_residual(),
        first_year,
        lambda at: f"zone {codes[at[0]]}",
        "bound the departure rate or the death rate of that zone",
    )
