"""Settings of the process: memory allocator, precision of pairs, and measurement of compile time."""

import contextlib
import ctypes
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from flowmodel.config import Runtime


def keep_freed_memory() -> None:
    """Makes glibc keep freed memory between calls; does nothing without glibc.

    XLA's CPU backend allocates tables of pairs at every call. Mapping these pages again took up to a quarter of a
    gradient's time at county scale. The numbers are constants of malloc.h: M_ARENA_MAX, M_TRIM_THRESHOLD and
    M_MMAP_THRESHOLD, the latter two with the largest values that glibc accepts.
    """
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        glibc.mallopt(-8, 1)
        glibc.mallopt(-1, 2**31 - 1)
        glibc.mallopt(-3, 32 * 2**20)


def keep_large_tables() -> None:
    """Makes glibc keep freed tables of more than 32 MiB too (M_MMAP_MAX of malloc.h); does nothing without glibc.

    It helps programs that allocate tables of all pairs repeatedly: page faults took a third of the time of balancing
    2,850 zones. The process then keeps its peak memory until its end, so commands do not use it.
    """
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        glibc.mallopt(-4, 0)


def kernel_dtype(runtime: Runtime) -> Any:
    """The precision of the pair kernel."""
    return jnp.dtype(runtime.kernel)


@contextlib.contextmanager
def compile_seconds() -> Iterator[Callable[[], float]]:
    """Yields a function that returns the seconds XLA has spent since then on compiling or loading from the cache."""
    spent: list[float] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            spent.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield lambda: sum(spent)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
