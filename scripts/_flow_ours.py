"""Our side of the comparisons on synthetic flows: each function takes a case once and gives what is then timed.

What a peer's call contains is in ours too: the fit with its standard error from flows and distances in memory; the
kernel from distances, its balancing, and the whole matrix of flows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from _flow_cases import BalanceCase, Float64, PpmlCase


class PowerFit(NamedTuple):
    """The exponent of the distance, and its standard error from the Poisson information, with no correction."""

    exponent: float
    se: float


def ours_ppml(case: PpmlCase) -> Callable[[], PowerFit]:
    """A call that fits the Poisson model with both effects and waits for the result."""
    raise NotImplementedError


def ours_balance(case: BalanceCase) -> Callable[[], Float64]:
    """A call that gives flows, persons [N, N] with T_ii = 0; their `relative_gap` is within the case's tolerance."""
    raise NotImplementedError
