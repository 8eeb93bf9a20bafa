"""Commands whose libraries are imported once: a process that has them forks one child for each command.

A command is still a process of its own, with its own arguments, folder, streams, signals and exit status, and runs its
script from the first line; it only finds the modules imported. Importing takes over a second of the processor, a
command on nine zones a fifth of one.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from checkout import SCRIPTS

MAPS = (
    "flowmodel.runs.zones",
    "geo.maps.interface",
    "exactextract",
    "geo.sources.assemble",
    "h5netcdf",
    "python_calamine",
    "rasterio",
    "typeguard",
)
MODEL = (
    "flowmodel.runs.fit",
    "flowmodel.runs.simulate",
    "geo.maps.interface",
    "h5netcdf",
    "optax",
    "typeguard",
)
FLOWS = ("flowmodel.runs.fit_flows", "geo.flows", "geo.maps.interface", "typeguard")
_SECONDS = 300


class Preloaded:
    """Starts scripts in processes that have imported `modules` already."""

    def __init__(self, modules: tuple[str, ...], environment: Mapping[str, str] | None = None) -> None:
        line = [sys.executable, __file__, *modules]
        self._server = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def __enter__(self) -> "Preloaded":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, script: str, *arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs scripts/`script`.py in `folder` and gives what subprocess.run would."""
        line = [str(SCRIPTS / f"{script}.py"), *map(str, arguments)]
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as streams:
            asked = {"line": line, "folder": str(folder or Path.cwd()), "streams": streams}
            print(json.dumps(asked), file=self._server.stdin, flush=True)
            status = int(self._server.stdout.readline())
            said = [(Path(streams) / name).read_text(encoding="utf-8") for name in ("out", "err")]
        return subprocess.CompletedProcess(line, status, *said)


def _serve() -> None:
    """Forks for every line of standard input and answers with the exit status, until the input ends."""
    sys.path[0] = str(SCRIPTS)
    for module in sys.argv[1:]:
        __import__(module)
    gc.freeze()  # what is shared stays shared
    while line := sys.stdin.readline():
        if not (child := os.fork()):
            return _command(**json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()
    return None


def _command(line: list[str], folder: str, streams: str) -> None:
    """Becomes the command: what `python line` is, from its first line to the end of the interpreter."""
    signal.alarm(_SECONDS)
    for number, name, mode in ((0, os.devnull, "r"), (1, f"{streams}/out", "w"), (2, f"{streams}/err", "w")):
        with open(name, mode) as stream:
            os.dup2(stream.fileno(), number)
    os.chdir(folder)
    sys.argv = line
    runpy.run_path(line[0], run_name="__main__")


if __name__ == "__main__":
    _serve()
