"""The configuration of `scripts/balance_flows.py`: flows near to a prior table that have given totals.

What is under `[flows]` and `[totals]` concerns files and is typed by the other package, which also says what they lack.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .fields import Section
from .sections import Run, Runtime


class Solve(Section):
    """`[solve]`: how well the totals are met, and how long that may take."""

    tolerance: Annotated[float, Field(gt=0, le=1e-3, strict=True)] = 1e-10
    most_steps: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 100


class BalanceRun(Section):
    """A whole configuration file."""

    run: Run
    flows: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    solve: Solve = Solve()
    runtime: Runtime = Runtime()
