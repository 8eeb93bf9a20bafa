"""Evaluates one year of townships and its derivative, and prints the largest resident memory of this process, GB.

Arguments: zones.
"""

from __future__ import annotations

import sys

from benchmarks import case_townships
from flowmodel import runtime
from flowmodel.config import Runtime


def main(zones: int) -> None:
    """One evaluation of each."""
    runtime.configure(Runtime())
    for program in case_townships.programs(case_townships.town(zones)):
        program()
    print(runtime.peak_memory_gb())


if __name__ == "__main__":
    main(int(sys.argv[1]))
