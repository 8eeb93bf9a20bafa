"""How two sides are timed in one run: they take turns, and each turn begins with calls that are not counted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

PAUSE_S = 0.05

Side = Callable[[], float]
"""One call of a side; it gives the seconds that the call itself took."""


class Turns(NamedTuple):
    """How often the sides take turns, and the calls of a turn: first the idle ones, then those that are timed.

    Quick ones are for a test: cases are small then, and their seconds say nothing.
    """

    repeats: int
    calls: int
    idle: int
    quick: bool = False

    def of_seconds(self) -> Turns:
        """For calls that take seconds, whose start-up is lost in them: one a turn, none idle."""
        return self._replace(calls=1, idle=0)

    def fewer(self) -> Turns:
        """For a row of cases of which the last take seconds: three turns of one call each."""
        return self._replace(repeats=min(self.repeats, 3), calls=1, idle=min(self.idle, 1))


def timed(run: Callable[[], object]) -> Side:
    """A side of this process."""

    def seconds() -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return seconds


def alternate(sides: dict[str, Side], turns: Turns) -> dict[str, float]:
    """Median seconds of each side, timed in turn.

    A turn begins with a pause, in which the other side's threads stop spinning for work, and calls that are not timed,
    which bring the side's arrays back into cache: neither side pays for the other. The first turn is not counted: the
    allocator learns from it, and what is compiled is compiled there.
    """
    import numpy as np

    for run in sides.values():
        for _ in range(turns.idle + turns.calls):
            run()
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(turns.repeats):
        for side, run in sides.items():
            time.sleep(PAUSE_S)
            for _ in range(turns.idle):
                run()
            spent[side] += [run() for _ in range(turns.calls)]
    return {side: float(np.median(seconds)) for side, seconds in spent.items()}


def line(seconds: dict[str, float], peer: str | None) -> dict[str, Any]:
    """What every comparison reports of "ours" and "peer"; without a peer, its seconds and the ratio are None."""
    import numpy as np

    from flowmodel import runtime

    peer_s = seconds.get("peer")
    return {
        "ours_s": seconds["ours"],
        "peer": peer,
        "peer_s": peer_s,
        "ratio": None if peer_s is None else peer_s / seconds["ours"],
        "device": runtime.describe(),
        "cores": os.cpu_count(),
        "numpy": np.__version__,
    }
