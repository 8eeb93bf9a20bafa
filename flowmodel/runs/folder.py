"""What every script shares: the command line, exit codes, the run folder with its lock, log and whole files."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import json
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import tyro

if TYPE_CHECKING:
    from flowmodel.config import Runtime

Config = Annotated[Path, tyro.conf.Positional]
Settings = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="set", metavar="SECTION.KEY=VALUE", help_behavior_hint=""),
    tyro.conf.UseAppendAction,
]
Out = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
Device = Annotated[
    Literal["auto", "cpu", "gpu", "tpu"] | None,
    tyro.conf.arg(metavar="{auto,cpu,gpu,tpu}", help_behavior_hint=""),
]


_FILES = (
    *("config.toml", "provenance.json", "zones.nc", "zones.gpkg", "zones.csv", "issues.csv"),
    *("crosswalk.csv", "audit.csv", "unallocated.csv"),
    *("results.nc", "parameters.csv", "profiles.csv", "metrics.json", "accounts.csv", "report.html"),
    *("grid.nc", "growth.csv", "registered.csv", "stock.csv", "provinces.csv", "children.csv", "assumptions.csv"),
    *("effects.csv", "flows.parquet", "local.csv", "laws.csv", "draws.parquet", "totals.csv", "vanishing.csv"),
    *("evaluation.csv", "evaluation.json", "evaluation.md", "evaluated.toml"),
    *("grid.nc", "distortion.csv", "county_flows.csv"),
)
_FOLDERS = ("rasters", "vectors", "figures")
# Somebody may edit it in its place; its hash beside it tells.
_EDITABLE, _HASH = "crosswalk.csv", ".crosswalk.sha256"


class Interrupted(BaseException):
    """SIGTERM, as an exception, so that half-written files are removed on the way out."""


def cli(command: Callable[..., int | None]) -> None:
    """Runs `command` with the command line's arguments and leaves with its exit status, or its error's (see README)."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = tyro.cli(command, description=sys.modules[command.__module__].__doc__) or 0
    except KeyboardInterrupt:
        _leave("interrupted", 130)
    except Interrupted:
        _leave("terminated", 143)
    except BrokenPipeError:
        status = 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        status = _say(f"E-IO {error}; fix: check the path, its permissions and the space left", 6)
    except MemoryError as error:
        status = _say(f"E-MEMORY {error}; fix: fewer zones, or a float32 kernel", 6)
    except ImportError as error:
        status = _say(f"E-EXTRA {error}; fix: pip install '.[geo,report]'", 2)
    except Exception as error:
        known = getattr(error, "exit_status", None)
        if known is not None:
            status = _say(str(error), known)
        elif _exhausted(error):
            status = _say(f"E-MEMORY {str(error).splitlines()[0]}; fix: fewer zones, or a float32 kernel", 6)
        else:
            raise
    sys.exit(status)


def _exhausted(error: Exception) -> bool:
    """Whether the device ran out of memory; only JAX, if it is here at all, has a word of its own for that."""
    if "jax" not in sys.modules:
        return False
    from flowmodel import runtime

    return runtime.exhausted(error)


def on_device(settings: tuple[str, ...], device: str | None) -> tuple[str, ...]:
    """The `--set` overrides with that of `--device`, which comes last and so wins."""
    return settings if device is None else (*settings, f"runtime.device={device}")


def prepare(runtime: Runtime) -> None:
    """Readies the device that a configuration asks for, before anything else is done, and says once what computes.

    Raises:
        ResourceError: E-DEVICE, it is not there.
    """
    from flowmodel import runtime as machine

    machine.configure(runtime, _say_once)


@functools.cache
def _say_once(line: str) -> None:
    print(line, file=sys.stderr)


def _terminate(number: int, frame: object) -> None:
    raise Interrupted


def _leave(text: str, status: int) -> NoReturn:
    """Ends the process at once: everything is closed by now, and the runtime may still compute in its own threads."""
    _say(text, status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _say(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status


def _nullable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nullable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_nullable(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one run; whoever holds it is its only writer."""

    path: Path

    def file(self, name: str) -> Path:
        """Where a file of the run has its place."""
        return self.path / name

    def write(self, name: str, writer: Callable[[Path], object]) -> None:
        """Writes a file whole: `writer` fills a file beside its final name, which is then renamed onto it."""
        final = self.path / name
        final.parent.mkdir(parents=True, exist_ok=True)
        beside = final.with_name(f".{os.getpid()}-{final.name}")
        try:
            writer(beside)
            with beside.open("rb+") as written:
                os.fsync(written.fileno())
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Writes a text file whole."""
        self.write(name, lambda path: path.write_text(text, encoding="utf-8"))

    def write_json(self, name: str, content: Any) -> None:
        """Writes a JSON file whole; a number that is not finite is written as null."""
        self.write_text(name, json.dumps(_nullable(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_table(self, name: str, text: str) -> None:
        """Writes a table whole; of one that people edit the hash is kept, so that an edit is never overwritten."""
        if name == _EDITABLE:
            self.write_text(_HASH, hashlib.sha256(text.encode()).hexdigest() + "\n")
        self.write_text(name, text)

    def check_unedited(self) -> None:
        """Refuses to lose what somebody has edited here.

        Raises:
            ConfigError: the crosswalk is not the one that a run wrote.
        """
        from flowmodel.errors import ConfigError

        file, kept = self.file(_EDITABLE), self.file(_HASH)
        if not file.is_file():
            return
        if not kept.is_file() or kept.read_text(encoding="utf-8").strip() != _sha256(file):
            fix = "copy it elsewhere and name the copy in [zones.harmonise] crosswalk, then remove it here"
            raise ConfigError("E-OUT", f"{file} is not as the run wrote it", fix)

    def check_outside(self, file: Path) -> None:
        """Refuses an input that this run would remove.

        Raises:
            ConfigError: it lies in this folder.
        """
        from flowmodel.errors import ConfigError

        if "\0" not in str(file) and Path(os.path.realpath(file)).is_relative_to(self.path.resolve()):
            fix = "copy it elsewhere and name the copy, or give --out another folder"
            raise ConfigError("E-OUT", f"{file} lies in the folder of the run", fix)

    def clear(self) -> None:
        """Removes what an earlier run left: a folder holds one run."""
        for name in (*_FILES, _HASH):
            self.file(name).unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(self.file(name), ignore_errors=True)

    def log(self, event: str, **fields: Any) -> None:
        """Appends one line to log.jsonl."""
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "event": event, **fields}
        with self.file("log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def finished_run(path: Path) -> None:
    """Refuses a folder that holds no finished run.

    Raises:
        ConfigError: there is no results.nc.
    """
    from flowmodel.errors import ConfigError

    if not (path / "results.nc").is_file():
        raise ConfigError("E-RUN", f"{path} holds no results.nc", "name the folder of a finished run")


@contextlib.contextmanager
def run_folder(path: Path) -> Iterator[RunFolder]:
    """The folder at `path`, made if need be and locked against a second writer; the kernel frees the lock of the dead.

    Raises:
        ConfigError: the folder holds something that is no run.
        LockedError: another process holds it.
    """
    from flowmodel.errors import ConfigError, LockedError

    path.mkdir(parents=True, exist_ok=True)
    if not (path / ".lock").exists() and not (path / "results.nc").exists() and any(path.iterdir()):
        raise ConfigError("E-OUT", f"{path} holds files that are no run's", "give --out a new or a run's folder")
    with (path / ".lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LockedError("E-LOCKED", f"{path} is in use by {lock.read()}", "wait for it, or give --out") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {time.strftime('%H:%M:%S')}")
        lock.flush()
        yield RunFolder(path)
