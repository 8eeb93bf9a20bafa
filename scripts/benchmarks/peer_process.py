"""Starts the worker that holds other people's packages, and gives its runs as sides of a comparison.

The packages live in interpreters of their own, which the product never imports (`bash scripts/peers.sh` makes `.peers`,
and in it `mobility` for one that pins old versions of what the others need). Seconds are measured in the worker, around
the peer's call alone: starting it, making its data and sending its answer are not in them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.timing import Side
from flowmodel.errors import ResourceError

ROOT = Path(__file__).resolve().parent.parent
INSTALL = "bash scripts/peers.sh"
WORKER = Path(__file__).with_name("_peer_worker.py")


class Worker:
    """A started worker with one case in its memory.

    Attributes:
        peer: the package, its version and what of it is run, in words.
        answers: the last answer of each run by its name.
    """

    def __init__(self, process: subprocess.Popen[str], case: str, sizes: Mapping[str, int]) -> None:
        """Has the worker make the case; waits for it."""
        self._process = process
        self.answers: dict[str, dict[str, Any]] = {}
        self.peer = str(self._ask({"prepare": case, "sizes": dict(sizes)})["peer"])

    def side(self, run: str) -> Side:
        """The run called so: every call gives its seconds, and leaves its answer in `answers`."""

        def seconds() -> float:
            self.answers[run] = self._ask({"run": run})
            return float(self.answers[run]["seconds"])

        return seconds

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """One line there, one line back.

        Raises:
            ResourceError: the worker said that it failed, or ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(question), file=self._process.stdin, flush=True)
        said = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(said) if said else {"error": f"it ended with {self._process.wait()}"}
        if "error" in answer:
            raise ResourceError("E-BENCH-PEER", f"the peer failed: {answer['error']}", f"make it again: {INSTALL}")
        return answer


def interpreter(place: str = "") -> Path | None:
    """The peers' Python, or the one in a folder of theirs; None if nobody has made it."""
    python = ROOT / ".peers" / place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    return python if python.exists() else None


@contextlib.contextmanager
def prepared(case: str, *, line: Sequence[str] | None = None, place: str = "", **sizes: int) -> Iterator[Worker | None]:
    """The worker with this case made, for as long as it is needed; None where there are no peers.

    Args:
        case: a key of the worker's cases.
        line: the command that starts the worker; the peers' own by default.
        place: see `interpreter`.
        sizes: arguments of the case's function in `_flow_cases` or `_step_case`.

    Raises:
        ResourceError: the worker failed or ended.
    """
    python = interpreter(place)
    if line is None and python is None:
        yield None
        return
    started = line or (str(python), str(WORKER))
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Worker(process, case, sizes)
        finally:
            process.kill()
