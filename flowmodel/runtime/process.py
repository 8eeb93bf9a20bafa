"""What is set for the whole process: the allocator, the precision of pairs, the time that compiling takes."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from flowmodel.config import Runtime


def keep_freed_memory() -> None:
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


@contextlib.contextmanager
def compile_seconds() -> Iterator[Callable[[], float]]:
    """Yields a function that says how many seconds XLA has compiled since, or read what was compiled before."""
    spent: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            spent.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield lambda: sum(spent)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
