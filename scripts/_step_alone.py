"""Prints the largest resident memory (GB) of a process that does nothing but our step on so many zones."""

import sys

import _step_case
import _step_ours

from flowmodel import runtime

if __name__ == "__main__":
    _step_ours.ours(_step_case.step(int(sys.argv[1])))()
    print(runtime.peak_memory_gb())
