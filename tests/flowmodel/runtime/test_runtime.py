"""What a process says of itself."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own measure is taken")
def test_peak_memory_is_that_of_the_program_and_not_of_who_started_it():
    held = b"\1" * 600_000_000
    line = "from flowmodel import runtime; print(runtime.peak_memory_gb())"
    alone = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    holding = subprocess.run(
        [sys.executable, "-c", f"held = b'1' * {len(held)}; {line}"], capture_output=True, text=True, check=True
    )
    assert float(alone.stdout) < 0.5
    assert 0.6 < float(holding.stdout) < 1.1
