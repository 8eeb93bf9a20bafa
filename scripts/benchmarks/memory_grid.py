"""Runs one year of a grid twice, and prints the largest resident memory of this process, GB.

Arguments: the configuration, side of a cell in metres, which borders count, and what is set over the configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import case_grid
from flowmodel import runtime
from flowmodel.config import Runtime


def main(config: str, cell_m: str, borders: str, *settings: str) -> None:
    """Two years from the same start: the first compiles."""
    runtime.configure(Runtime())
    run = case_grid.country(Path(config), float(cell_m), settings).year(borders)
    run()
    run()
    print(runtime.peak_memory_gb())


if __name__ == "__main__":
    main(*sys.argv[1:])
