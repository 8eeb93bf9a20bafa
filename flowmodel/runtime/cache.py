"""Compiled programs kept for the next process, in a folder that nobody else can read or write.

An entry is machine code that the next process runs, so whoever can write an entry can run code as its reader. JAX
neither checks that nor writes entries whole; what it needs for both is here.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import platform
import re
import stat
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax

SETTING = "FLOWMODEL_CACHE"
LARGEST = 512 * 2**20
"""Bytes of all entries; a whole fit with registration leaves a few million."""
_ENTRIES = "*-cache"
_FAILED = re.compile(r"Error (reading|writing) persistent compilation cache entry for '(.+?)'")


class UnsafeError(Exception):
    """A folder that must not be used; the text says why."""


def use(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Has JAX keep what it compiles, unless `FLOWMODEL_CACHE=off`; where it may not, `say` hears why (W-CACHE).

    Somebody's own JAX_COMPILATION_CACHE_DIR is left as it is.
    """
    if environment.get(SETTING) == "off" or jax.config.values["jax_compilation_cache_dir"]:
        return
    try:
        folder = prepared(place(environment))
    except (UnsafeError, OSError) as reason:
        say(f"W-CACHE {reason}: programs are compiled afresh; fix: correct that, or {SETTING}=off")
        return
    bound(folder.parent, LARGEST)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    _mend(folder, say)


def place(environment: Mapping[str, str], cpuinfo: Path = Path("/proc/cpuinfo")) -> Path:
    """Where entries of this machine belong; nothing is made.

    XLA compiles for the very processor, and a home may be shared between machines: each kind has a folder of its own.

    Raises:
        UnsafeError: a variable names no absolute path, or there is no home.
    """
    own = environment.get(SETTING)
    base = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME', '')}/.cache"
    top = Path(own or f"{base}/flowmodel")
    if not top.is_absolute() or top == Path("/.cache/flowmodel"):
        raise UnsafeError(f"{SETTING}, XDG_CACHE_HOME and HOME name no absolute folder")
    return top / "xla" / _processor(cpuinfo)


def _processor(cpuinfo: Path) -> str:
    """A short name that two processors share if they are of one model and have the same instructions."""
    told = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    lines = sorted({line for line in text.splitlines() if line.startswith(told)})
    return hashlib.sha256("\n".join([platform.machine(), platform.processor(), *lines]).encode()).hexdigest()[:16]


def prepared(folder: Path) -> Path:
    """The folder and the two above it, made where they lack, and private.

    Raises:
        UnsafeError: one of them is a link or another's, or others could replace it.
        OSError: one of them cannot be made or made private.
    """
    top = folder.parent.parent
    top.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if top.parent.stat().st_mode & stat.S_IWOTH:
        raise UnsafeError(f"{top.parent} may be written to by everyone")
    opened = [_private(path) for path in (top, folder.parent, folder)]
    if any(opened):  # what is there may be anybody's
        for entry in folder.glob(_ENTRIES):
            entry.unlink(missing_ok=True)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise UnsafeError(f"{folder} cannot be written to")
    return folder


def _private(path: Path) -> bool:
    """Makes a folder, or closes it to others; whether others could write to it until now."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if path.is_symlink():
        raise UnsafeError(f"{path} is a symbolic link")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        before = os.fstat(descriptor)
        if before.st_uid != os.geteuid():
            raise UnsafeError(f"{path} belongs to user {before.st_uid}")
        if before.st_mode & 0o077:
            os.fchmod(descriptor, 0o700)
        if os.fstat(descriptor).st_mode & 0o077:
            raise UnsafeError(f"{path} stays open to others")
    finally:
        os.close(descriptor)
    return bool(before.st_mode & 0o022)


def bound(folder: Path, largest: int) -> None:
    """Removes the entries used longest ago, of all machines, until the rest takes at most `largest` bytes.

    JAX's own bound needs a lock around every entry, and stops caching for good where a process died between two files.
    """
    entries = sorted(_entries(folder), reverse=True)
    kept = 0
    for _, size, entry in entries:
        kept += size
        if kept > largest:
            entry.unlink(missing_ok=True)


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """Last use, size and path of every entry; one that another process removes meanwhile is left out."""
    found = []
    for entry in folder.rglob(_ENTRIES):
        with contextlib.suppress(FileNotFoundError):
            status = entry.stat()
            found.append((max(status.st_atime, status.st_mtime), status.st_size, entry))
    return found


def _mend(folder: Path, say: Callable[[str], None]) -> None:
    """An entry that cannot be read or written is told, not warned of, and removed: else it would stay broken.

    JAX compiles the program after its warning, and writes the entry anew where there is none.
    """
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        failed = _FAILED.match(str(message))
        if failed is None:
            return shown(message, category, *place, **more)
        for entry in folder.glob(f"{glob.escape(failed[2])}-{_ENTRIES}"):
            entry.unlink(missing_ok=True)
        return say(f"W-CACHE an entry of {folder} fails {failed[1]} ({failed[2]}): it is removed and compiled afresh")

    warnings.showwarning = show
    warnings.filterwarnings("always", message=_FAILED.pattern.partition("(")[0])


def state(environment: Mapping[str, str]) -> str:
    """What there is, in words; nothing is made or changed."""
    if environment.get(SETTING) == "off":
        return f"off ({SETTING})"
    try:
        folder = place(environment)
    except UnsafeError as reason:
        return str(reason)
    if not folder.is_dir():
        return f"{folder}, not made yet"
    entries = _entries(folder)
    size = sum(size for _, size, _ in entries) / 1e6
    return f"{folder}, {len(entries)} programs, {size:.1f} MB, mode {stat.S_IMODE(folder.stat().st_mode):o}"
