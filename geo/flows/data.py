"""What the reading of a flow table gives: rectangles of origins by destinations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.errors import Issue


@dataclass(frozen=True)
class PairLines:
    """Where each listed pair stands in its file, for messages.

    Attributes:
        file: Base name.
        destinations: Number of destinations, D.
        pairs: o * D + d of each listed pair, ascending, shape (pairs,).
        lines: Its line (see `Issue.line`), shape (pairs,).
    """

    file: str
    destinations: int
    pairs: NDArray[np.int64]
    lines: NDArray[np.int64]

    def of(self, origin: int, destination: int) -> int | None:
        """Give the line of a pair by its indices, None where it is not listed."""
        pair = origin * self.destinations + destination
        at = int(np.searchsorted(self.pairs, pair))
        return int(self.lines[at]) if at < len(self.pairs) and self.pairs[at] == pair else None


@dataclass(frozen=True)
class FlowData:
    """A flow table ready to be fitted; every array is dense, [origin, destination].

    Attributes:
        origins: Labels of the O origins: all zones in the order of their file, else in order of first appearance.
        destinations: Labels of the D destinations; the same as `origins` in the same order where both hold the same.
        flow: People, float64, shape (O, D); 0 where a pair is not listed or not allowed.
        listed: Whether the table has the pair, bool, shape (O, D).
        allowed: Whether the pair is to be fitted, bool, shape (O, D); false for a pair that is missing, whose flow is
            declared unknown, that is of an excluded zone, or that stays within a zone and `intrazonal` is false.
        distance_km: Shape (O, D), or None where the config names none. NaN where unknown, which is never so
            where a pair is allowed.
        gauge: What the threshold of a censored table is of, shape (O, D), NaN where not listed; None unless censored.
        threshold: Least quantity of a listed pair, and likelihood of the others; None unless censored.
        origin_columns: By name, shape (O,), or (O, D) where a column of the flow table differs within an origin. NaN
            only where no pair is allowed.
        destination_columns: By name, shape (D,) or (O, D).
        pair_columns: By name, shape (O, D).
        lines: Where the listed pairs stand.
        issues: Warnings.
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    flow: NDArray[np.float64]
    listed: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    distance_km: NDArray[np.float64] | None
    gauge: NDArray[np.float64] | None
    threshold: tuple[float, Literal["censored", "truncated"]] | None
    origin_columns: Mapping[str, NDArray[np.float64]]
    destination_columns: Mapping[str, NDArray[np.float64]]
    pair_columns: Mapping[str, NDArray[np.float64]]
    lines: PairLines
    issues: tuple[Issue, ...]
