"""Measures how long imports and the help of a command take."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.timing import Rounds, Side, alternate, timed

FIT = Path(__file__).resolve().parents[1] / "fit.py"


def startup(config: Path, rounds: Rounds) -> dict[str, Any]:
    """Seconds to import either package, and to print the help of fit.py, each in a fresh interpreter."""
    sides = {
        "interpreter": _fresh("-c", "pass"),
        "flowmodel": _fresh("-c", "import flowmodel"),
        "geo": _fresh("-c", "import geo"),
        "fit_help": _fresh(str(FIT), "--help"),
    }
    return {f"{side}_s": seconds for side, seconds in alternate(sides, rounds).items()}


def _fresh(*arguments: str) -> Side:
    return timed(lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True))
