"""What the process asks of JAX before its first array: precision, device, and what the machine turned out to be."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from flowmodel.config import Runtime
from flowmodel.errors import ResourceError


def configure(runtime: Runtime) -> None:
    """Switches to float64 vectors and the device asked for; call it once, before any array is made.

    Raises:
        ResourceError: the device asked for is not there. There is no silent fall-back.
    """
    _keep_freed_memory()
    jax.config.update("jax_enable_x64", val=True)
    if runtime.device == "auto":
        return
    jax.config.update("jax_platforms", {"gpu": "cuda"}.get(runtime.device, runtime.device))
    try:
        jax.devices()
    except RuntimeError as error:
        raise ResourceError(
            "E-DEVICE", f"no {runtime.device} here ({error})", "install .[cuda12|cuda13|tpu], or device = 'auto'"
        ) from None


def _keep_freed_memory() -> None:
    """Tells glibc not to hand freed memory back between calls; elsewhere it does nothing.

    XLA's CPU backend allocates S anew at every call, in any thread. Mapping and faulting in those pages again took up
    to a quarter of a gradient's time at county scale. The numbers are those of malloc.h, with the largest thresholds
    that glibc takes: M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD.
    """
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        glibc.mallopt(-8, 1)
        glibc.mallopt(-1, 2**31 - 1)
        glibc.mallopt(-3, 32 * 2**20)


def keep_large_tables() -> None:
    """Tells glibc to keep freed tables of more than 32 MiB too (M_MMAP_MAX of malloc.h); elsewhere it does nothing.

    For a program that makes the same tables of all pairs again and again: faulting in 65 MB took a third of a balance
    of 2,850 zones. The process then holds its peak to its end, so no command asks for it.
    """
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        glibc.mallopt(-4, 0)


def kernel_dtype(runtime: Runtime) -> Any:
    """The precision of the pair kernel."""
    return jnp.dtype(runtime.kernel)


def describe() -> dict[str, str]:
    """The device and the versions that computed, for provenance."""
    device = jax.devices()[0]
    return {
        "platform": device.platform,
        "device": device.device_kind,
        "jax": jax.__version__,
        "python": sys.version.split()[0],
    }


def peak_memory_gb() -> float:
    """Largest resident memory of this program so far, GB (10⁹ bytes).

    On Linux it is read from /proc: what getrusage says of a process begins with the peak of whoever started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


@contextlib.contextmanager
def compile_seconds() -> Iterator[Callable[[], float]]:
    """Yields a function that says how many seconds XLA has compiled since."""
    spent: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            spent.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield lambda: sum(spent)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
