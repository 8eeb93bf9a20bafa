"""A prior flow table and the totals that its flows are to have, checked and in one order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.config import BalanceTables
from geo.errors import DataError, Issue, attempt, failed, keep

from . import listed_pairs, pairs, target_totals
from .target_totals import Blocks


@dataclass(frozen=True)
class Prior:
    """A prior and totals of the same N zones.

    Attributes:
        zones: Labels, in the order of the file of totals.
        flow: The prior, shape (N, N), origins by destinations; 0 where a pair cannot be.
        totals: By kind ("outflow", "inflow", "net"), shape (N,), NaN where not given.
        blocks: Flows between groups of zones, None where the config names none.
        issues: Warnings.
    """

    zones: tuple[str, ...]
    flow: NDArray[np.float64]
    totals: dict[str, NDArray[np.float64]]
    blocks: Blocks | None
    issues: tuple[Issue, ...]


def read_prior(config: BalanceTables) -> Prior:
    """Read the prior, and the totals of its zones.

    Raises:
        DataError: Once, with every error of all files.
    """
    problems: list[Issue] = []
    table = keep(problems, attempt(lambda: listed_pairs.read(config.flows)))
    known = keep(problems, attempt(lambda: target_totals.read(config.totals)))
    problems += [issue for part in (table, known) if part is not None for issue in part.issues]
    if table is None or known is None:
        raise DataError(problems)
    placed = keep(problems, pairs.place(config.flows, table, known.zones))
    problems = list(dict.fromkeys(problems))
    if failed(problems):
        raise DataError(problems)
    return Prior(known.zones.ids, placed.as_rectangle(placed.flow(), 0.0), known.totals, known.blocks, tuple(problems))
