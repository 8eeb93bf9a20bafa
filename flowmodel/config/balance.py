"""The configuration of `scripts/balance_flows.py`: the flows nearest to a prior table that have target totals.

The package `geo` checks `[flows]` and `[totals]`, which describe files; here they are plain tables.
"""

from typing import Any

from pydantic import Field

from .sections import Configuration, Runtime, Solve


class BalanceRun(Configuration):
    """A whole configuration file."""

    flows: dict[str, Any] = Field(default={}, description="the prior table, see below")
    totals: dict[str, Any] = Field(default={}, description="the stated totals, see below")
    solve: Solve = Solve()
    runtime: Runtime = Runtime()
