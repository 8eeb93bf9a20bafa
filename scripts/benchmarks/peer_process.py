"""Starts a worker process with another package, and gives its runs as sides of a comparison.

The packages are installed in environments of their own, which flowmodel never imports (`bash scripts/peers.sh` makes
`.peers`, and in it `mobility` for one that pins old versions of what the others need). The worker measures the seconds
of the package's call alone, without its start, the making of its data and the sending of its answer.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.timing import Side
from flowmodel.errors import ResourceError

SCRIPTS = Path(__file__).resolve().parents[1]
ROOT = SCRIPTS.parent
INSTALL = "bash scripts/peers.sh"


class Worker:
    """A worker process that has made one case.

    Attributes:
        peer: the package, its version and the function that is run, in words.
        answers: the last answer of each run by its name.
    """

    def __init__(self, process: subprocess.Popen[str], case: str, sizes: Mapping[str, int]) -> None:
        """Asks the worker to make the case and waits for it."""
        self._process = process
        self.answers: dict[str, dict[str, Any]] = {}
        self.peer = str(self._ask({"prepare": case, "sizes": dict(sizes)})["peer"])

    def side(self, run: str) -> Side:
        """The run of this name: every call returns its seconds and stores its answer in `answers`."""

        def seconds() -> float:
            self.answers[run] = self._ask({"run": run})
            return float(self.answers[run]["seconds"])

        return seconds

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Writes one line and reads one.

        Raises:
            ResourceError: the worker reported a failure, or ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(question), file=self._process.stdin, flush=True)
        reply = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(reply) if reply else {"error": f"it ended with {self._process.wait()}"}
        if "error" in answer:
            raise ResourceError("E-BENCH-PEER", f"the peer failed: {answer['error']}", f"make it again: {INSTALL}")
        return answer


def interpreter(place: str = "") -> Path | None:
    """The Python of `.peers`, or of a folder in it; None if it has not been made."""
    python = ROOT / ".peers" / place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    return python if python.exists() else None


@contextlib.contextmanager
def prepared(case: str, *, line: Sequence[str] | None = None, place: str = "", **sizes: int) -> Iterator[Worker | None]:
    """The worker that has made this case, inside a `with` block; None where the packages are not installed.

    Args:
        case: a key of the worker's cases.
        line: the command that starts the worker; the peers' own by default.
        place: see `interpreter`.
        sizes: arguments of the case's function in `case_flows` or `case_step`.

    Raises:
        ResourceError: the worker failed or ended.
    """
    python = interpreter(place)
    if line is None and python is None:
        yield None
        return
    started = line or (str(python), "-m", "benchmarks.peer_worker")
    pipe, environment = subprocess.PIPE, os.environ | {"PYTHONPATH": str(SCRIPTS)}
    with subprocess.Popen(started, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        try:
            yield Worker(process, case, sizes)
        finally:
            process.kill()
