"""Compares the speed of this project with NumPy and other packages; prints a line of JSON for each comparison.

A ratio is peer_s / ours_s, of medians of warm calls: above 1 we are faster. Other work on the machine changes seconds.
"""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from flowmodel.runs.command import Device, cli


def bench(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    repeats: int = 5,
    calls: int = 6,
    config: Path = Path("configs/china_2010_2020.toml"),
    device: Device = None,
    *,
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Runs the comparisons called NAMES, or all; docs/performance.md explains each.

    Args:
        names: which comparisons; an unknown name prints the list.
        repeats: rounds of each side.
        calls: timed calls in a round, after as many that are not timed.
        config: whose zones are used; the real counties by default.
        device: what computes our side; one that is not there is an error.
        quick: small synthetic cases and one call each, for a test; the seconds say nothing.
    """
    from benchmarks import comparisons, timing

    return comparisons.run(names, config, timing.rounds(repeats, calls, quick=quick), device, sys.argv[1:])


if __name__ == "__main__":
    cli(bench)
