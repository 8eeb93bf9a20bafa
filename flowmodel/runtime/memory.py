"""Memory of the device, or of the host within the limits of the process."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import jax

ROOT = Path("/")
_KIB = 1024
_EXHAUSTED = ("RESOURCE_EXHAUSTED", "out of memory")


def available_bytes(device: jax.Device | None = None) -> int | None:
    """Free bytes on `device` (by default the first device); None if unknown."""
    chosen = device or jax.devices()[0]
    if chosen.platform == "cpu":
        return host_bytes()
    stats = chosen.memory_stats() or {}
    if "bytes_limit" not in stats:
        return None
    return int(stats["bytes_limit"]) - int(stats.get("bytes_in_use", 0))


def total_bytes(device: jax.Device | None = None) -> int | None:
    """Total bytes of `device`; None if unknown."""
    chosen = device or jax.devices()[0]
    if chosen.platform == "cpu":
        return _meminfo(ROOT).get("MemTotal")
    limit = (chosen.memory_stats() or {}).get("bytes_limit")
    return None if limit is None else int(limit)


def host_bytes(root: Path = ROOT) -> int | None:
    """Free bytes of the host: the least of available memory and the margins to limits of control groups and RLIMIT_AS.

    Swap is not counted. None on other systems than Linux.
    """
    available = (size for name, size in _meminfo(root).items() if name == "MemAvailable")
    left = [*available, *_of_groups(root), *_of_address_space(root)]
    return max(0, min(left)) if left else None


def _meminfo(root: Path) -> dict[str, int]:
    """Fields of /proc/meminfo, bytes (see proc(5))."""
    return {name: int(value.split()[0]) * _KIB for name, value in _fields(root / "proc/meminfo").items()}


def _fields(file: Path) -> dict[str, str]:
    """Lines "name: value" of a file; empty if there is no such file."""
    text = _text(file)
    return {} if text is None else dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _text(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def _of_groups(root: Path) -> Iterator[int]:
    """Free bytes under the limit of each control group of this process, version 1 and 2 (see cgroups(7))."""
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
            yield from _upwards(root / "sys/fs/cgroup", path, names)
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _upwards(root / "sys/fs/cgroup/memory", path, names)


def _upwards(top: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    """Limit less usage of a group and of its parents. Inactive file pages count as free.

    In a container the path of the group may be hidden; its limit is then found at `top`.
    """
    group = top / path.lstrip("/")
    for folder in (group, *group.parents):
        limit, usage = _text(folder / names[0]), _text(folder / names[1])
        if limit is not None and usage is not None and limit.strip() != "max":
            yield int(limit) - int(usage) + _stat(folder, names[2])
        if folder == top:
            return


def _stat(folder: Path, name: str) -> int:
    """One field of memory.stat, bytes."""
    rows = (line.split() for line in (_text(folder / "memory.stat") or "").splitlines())
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def _of_address_space(root: Path) -> list[int]:
    """Free bytes under the limit of `ulimit -v`."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _fields(root / "proc/self/status").get("VmSize")
    return [] if limit == resource.RLIM_INFINITY or used is None else [limit - int(used.split()[0]) * _KIB]


def exhausted(error: BaseException) -> bool:
    """Whether an error reports that host or device ran out of memory."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return isinstance(error, jax.errors.JaxRuntimeError) and any(word in text for word in _EXHAUSTED)


def peak_memory_gb() -> float:
    """Largest resident memory of this program so far, GB (10⁹ bytes).

    On Linux it is read from /proc, since the value of getrusage includes the peak of the parent process.
    """
    peak = _fields(Path("/proc/self/status")).get("VmHWM")
    if peak is not None:
        return int(peak.split()[0]) * _KIB / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else _KIB) / 1e9


def gigabytes(size: int | None) -> str:
    """A size as text, such as "0.31 GB" (10⁹ bytes), with two digits below 1 GB and one decimal above."""
    if size is None:
        return "an unknown amount"
    return f"{size / 1e9:.2g} GB" if size < 1e9 else f"{size / 1e9:,.1f} GB"
