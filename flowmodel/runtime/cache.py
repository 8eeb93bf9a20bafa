"""Cache of compiled programs for later processes, in a folder that only its owner can read and write.

Entries are machine code that later processes run, so anybody who can write an entry could run code as its reader. JAX
checks neither the permissions of the folder nor the completeness of entries; this module does.
"""

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
"""Largest size of all entries, bytes; a fit with registration needs a few million."""
_ENTRIES = "*-cache"
_FAILED = re.compile(r"Error (reading|writing) persistent compilation cache entry for '(.+?)'")


class UnsafeError(Exception):
    """A folder is not safe for a cache; the message gives the reason."""


def use(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Makes JAX cache compiled programs, unless `FLOWMODEL_CACHE=off`; failures are reported to `say` (W-CACHE).

    If JAX_COMPILATION_CACHE_DIR is set, that folder is used as it is.
    """
    if environment.get(SETTING) == "off" or jax.config.values["jax_compilation_cache_dir"]:
        return
    try:
        folder = prepared(place(environment))
    except (UnsafeError, OSError) as reason:
        say(f"W-CACHE {reason}: programs are not cached; fix: correct that, or set {SETTING}=off")
        return
    bound(folder.parent, LARGEST)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    _mend(folder, say)


def place(environment: Mapping[str, str], cpuinfo: Path = Path("/proc/cpuinfo")) -> Path:
    """The folder of this machine's entries; it is not created here.

    XLA compiles for one type of processor, and machines may share a home directory, so each type has its own folder.

    Raises:
        UnsafeError: a variable is not an absolute path, or there is no home directory.
    """
    own = environment.get(SETTING)
    base = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME', '')}/.cache"
    top = Path(own or f"{base}/flowmodel")
    if not top.is_absolute() or top == Path("/.cache/flowmodel"):
        raise UnsafeError(f"none of {SETTING}, XDG_CACHE_HOME and HOME is an absolute path")
    return top / "xla" / _processor(cpuinfo)


def _processor(cpuinfo: Path) -> str:
    """A hash that is the same for processors of the same model and instruction set."""
    keys = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    text = cpuinfo.read_text() if cpuinfo.is_file() else ""
    lines = sorted({line for line in text.splitlines() if line.startswith(keys)})
    return hashlib.sha256("\n".join([platform.machine(), platform.processor(), *lines]).encode()).hexdigest()[:16]


def prepared(folder: Path) -> Path:
    """Creates the folder and the two above it if needed, and makes them private.

    Raises:
        UnsafeError: one of them is a symbolic link, belongs to another user, or could be replaced by others.
        OSError: one of them cannot be created or made private.
    """
    top = folder.parent.parent
    top.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if top.parent.stat().st_mode & stat.S_IWOTH:
        raise UnsafeError(f"everyone can write to {top.parent}")
    opened = [_private(path) for path in (top, folder.parent, folder)]
    if any(opened):  # entries may have been written by others
        for entry in folder.glob(_ENTRIES):
            entry.unlink(missing_ok=True)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise UnsafeError(f"{folder} cannot be written to")
    return folder


def _private(path: Path) -> bool:
    """Creates a folder or makes it private; returns whether others could write to it before."""
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
            raise UnsafeError(f"{path} remains accessible to others")
    finally:
        os.close(descriptor)
    return bool(before.st_mode & 0o022)


def bound(folder: Path, largest: int) -> None:
    """Removes the least recently used entries of all machines until the rest takes at most `largest` bytes.

    JAX's own limit needs a lock for every entry, and caching stops permanently if a process dies while writing.
    """
    entries = sorted(_entries(folder), reverse=True)
    kept = 0
    for _, size, entry in entries:
        kept += size
        if kept > largest:
            entry.unlink(missing_ok=True)


def _entries(folder: Path) -> list[tuple[float, int, Path]]:
    """Last use, size and path of every entry, without entries that another process removes meanwhile."""
    found = []
    for entry in folder.rglob(_ENTRIES):
        with contextlib.suppress(FileNotFoundError):
            status = entry.stat()
            found.append((max(status.st_atime, status.st_mtime), status.st_size, entry))
    return found


def _mend(folder: Path, say: Callable[[str], None]) -> None:
    """Removes entries that JAX fails to read or write, and reports them to `say` instead of JAX's warning.

    JAX then compiles the program and writes a new entry; without removal the broken one would remain.
    """
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        failed = _FAILED.match(str(message))
        if failed is None:
            return shown(message, category, *place, **more)
        for entry in folder.glob(f"{glob.escape(failed[2])}-{_ENTRIES}"):
            entry.unlink(missing_ok=True)
        return say(f"W-CACHE {failed[1]} an entry of {folder} failed ({failed[2]}): it is removed and compiled again")

    warnings.showwarning = show
    warnings.filterwarnings("always", message=_FAILED.pattern.partition("(")[0])


def state(environment: Mapping[str, str]) -> str:
    """The state of the cache as text; nothing is created or changed."""
    if environment.get(SETTING) == "off":
        return f"off ({SETTING})"
    try:
        folder = place(environment)
    except UnsafeError as reason:
        return str(reason)
    if not folder.is_dir():
        return f"{folder}, not created yet"
    entries = _entries(folder)
    size = sum(size for _, size, _ in entries) / 1e6
    return f"{folder}, {len(entries)} programs, {size:.1f} MB, mode {stat.S_IMODE(folder.stat().st_mode):o}"
