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

    tolerance: Annotated[float, Field(gt=0, le=1e-3, strict=True)] = Field(
        default=1e-10,
        description=(
            "largest relative error of a total; for net migration, relative to the larger of outflow and inflow"
        ),
    )
    most_steps: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(
        default=100,
        description=(
            "largest number of Newton steps; if they do not suffice the exit status is 5 and no flows are written"
        ),
    )


class BalanceRun(Section):
    """A whole configuration file."""

    run: Run
    flows: dict[str, Any] = Field(default={}, description="the prior table, see below")
    totals: dict[str, Any] = Field(default={}, description="the stated totals, see below")
    solve: Solve = Solve()
    runtime: Runtime = Runtime()
