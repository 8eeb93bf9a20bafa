"""Prints the largest resident memory (GB) of a process that does nothing but our step on so many zones."""

import sys

from benchmarks import case_step, ours_step
from flowmodel import runtime

if __name__ == "__main__":
    ours_step.ours(case_step.step(int(sys.argv[1])))()
    print(runtime.peak_memory_gb())
