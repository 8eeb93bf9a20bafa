"""The folder of a run: one writer at a time, whole files, and a list of what was written.

A writer declares a file by writing it (`RunFolder.write`, or `RunFolder.declare` where a library writes it). The names
are kept in the folder, and a new run removes exactly the files that they list.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Any

from flowmodel.errors import ConfigError, LockedError

_LIST = ".files"
_MAPS = ("rasters", "vectors", "figures", "report.html")
"""Maps of a run, which Python users may write without this module."""
# Users edit this table where it lies; the hash beside it shows whether they have.
_EDITABLE, _HASH = "crosswalk.csv", ".crosswalk.sha256"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The locked folder of one run."""

    path: Path

    def file(self, name: str) -> Path:
        """The path of a file of the run."""
        return self.path / name

    def declare(self, name: str) -> Path:
        """Lists a file or a folder as written by the run, before it is written, and gives its path."""
        if name not in self._listed():
            with self.file(_LIST).open("a", encoding="utf-8") as names:
                names.write(name + "\n")
        return self.path / name

    def write(self, name: str, writer: Callable[[Path], object]) -> None:
        """Writes a whole file: `writer` fills a hidden file, which then takes the final name."""
        final = self.declare(name)
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
        """Writes a whole text file."""
        self.write(name, lambda path: path.write_text(text, encoding="utf-8"))

    def write_json(self, name: str, content: Any) -> None:
        """Writes a whole JSON file; a number that is not finite is written as null."""
        self.write_text(name, json.dumps(_nullable(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_csv(self, name: str, table: Any) -> None:
        """Writes a data frame as a whole CSV file.

        The hash of a table that users edit is kept, so that a later run does not overwrite an edit.
        """
        text = table.to_csv(index=False)
        if name == _EDITABLE:
            self.write_text(_HASH, hashlib.sha256(text.encode()).hexdigest() + "\n")
        self.write_text(name, text)

    def check_unedited(self) -> None:
        """Refuses to overwrite a table that a user has edited.

        Raises:
            ConfigError: E-OUT, the crosswalk differs from the one that a run wrote.
        """
        file, kept = self.file(_EDITABLE), self.file(_HASH)
        if not file.is_file():
            return
        if not kept.is_file() or kept.read_text(encoding="utf-8").strip() != _sha256(file):
            fix = "copy it elsewhere and name the copy in [zones.harmonise] crosswalk, then remove it here"
            raise ConfigError("E-OUT", f"{file} was edited after the run wrote it", fix)

    def check_outside(self, file: Path) -> None:
        """Refuses an input that this run would remove.

        Raises:
            ConfigError: E-OUT, it lies in this folder.
        """
        if "\0" not in str(file) and Path(os.path.realpath(file)).is_relative_to(self.path.resolve()):
            fix = "copy it elsewhere and name the copy, or give --out another folder"
            raise ConfigError("E-OUT", f"{file} lies in the folder of the run", fix)

    def clear(self) -> None:
        """Removes the files of an earlier run: a folder holds one run."""
        for name in self._listed():
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        self.file(_LIST).unlink(missing_ok=True)

    def log(self, event: str, **fields: Any) -> None:
        """Appends one line to log.jsonl."""
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "event": event, **fields}
        with self.file("log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _listed(self) -> list[str]:
        """The names that were declared, without any that would lie outside the folder."""
        file = self.file(_LIST)
        names = [*(file.read_text(encoding="utf-8").splitlines() if file.is_file() else []), *_MAPS]
        return [name for name in names if name and not name.startswith("/") and ".." not in PurePosixPath(name).parts]


def run_folder(path: Path) -> AbstractContextManager[RunFolder]:
    """The folder at `path`, made if it is not there, and locked against a second writer.

    Raises:
        ConfigError: E-OUT, the folder holds files that no run has written.
        LockedError: E-LOCKED, another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not (path / ".lock").exists() and any(path.iterdir()):
        raise ConfigError("E-OUT", f"{path} holds files that no run has written", "give --out a new or a run's folder")
    return _locked(path)


def finished_folder(path: Path) -> AbstractContextManager[RunFolder]:
    """The folder of a finished run, locked.

    Raises:
        ConfigError: E-RUN, there is no results.nc.
        LockedError: E-LOCKED, another process holds it.
    """
    if not (path / "results.nc").is_file():
        raise ConfigError("E-RUN", f"{path} holds no results.nc", "name the folder of a finished run")
    return _locked(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[RunFolder]:
    """Holds the lock of a folder, which the operating system releases when a process ends."""
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


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _nullable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nullable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_nullable(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
