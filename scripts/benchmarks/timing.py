"""Times several sides in one run: in rounds, each of which begins with calls that are not counted."""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Self

PAUSE_S = 0.05

Side = Callable[[], float]
"""Calls a side once and returns the seconds that the call took."""


class Rounds(NamedTuple):
    """How many rounds are timed, and how many calls each side makes in a round.

    Attributes:
        repeats: number of rounds.
        calls: calls of a side in a round that are timed.
        warm_up: calls of a side in a round that come before those and are not timed.
        quick: for a test: cases are small, and the seconds say nothing.
    """

    repeats: int
    calls: int
    warm_up: int
    quick: bool = False

    def one_call(self) -> Self:
        """For calls that take seconds, so that a warm-up would not show: one call a round."""
        return self._replace(calls=1, warm_up=0)

    def fewer(self) -> Self:
        """For a series of cases of which the largest take seconds: at most three rounds of one call each."""
        return self._replace(repeats=min(self.repeats, 3), calls=1, warm_up=min(self.warm_up, 1))


def rounds(repeats: int, calls: int, *, quick: bool = False) -> Rounds:
    """So many rounds, with as many calls to warm up as are timed; a quick run makes one call of each side."""
    return Rounds(1, 1, 0, quick=True) if quick else Rounds(repeats, calls, calls)


def timed(run: Callable[[], object]) -> Side:
    """The side that calls `run` in this process."""

    def seconds() -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return seconds


def alternate(sides: dict[str, Side], rounds: Rounds) -> dict[str, float]:
    """Median seconds of each side; in a round, one side is called after the other.

    Before its calls a side waits, so that the threads of the other side stop looking for work, and makes calls that
    are not timed, which bring its arrays back into cache: neither side pays for the other. The first round is not
    counted, since programs are compiled and memory is taken in it.
    """
    import numpy as np

    for run in sides.values():
        for _ in range(rounds.warm_up + rounds.calls):
            run()
    spent: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds.repeats):
        for side, run in sides.items():
            time.sleep(PAUSE_S)
            for _ in range(rounds.warm_up):
                run()
            spent[side] += [run() for _ in range(rounds.calls)]
    return {side: float(np.median(seconds)) for side, seconds in spent.items()}


def line(seconds: dict[str, float], peer: str | None) -> dict[str, Any]:
    """The values every comparison reports of "ours" and "peer"; without a peer its seconds and the ratio are None."""
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
