"""Settings of the process: configuration of JAX, memory allocator, precision of pairs, and compile time."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from flowmodel.config import Runtime

from . import cache, device


def configure(runtime: Runtime, say: Callable[[str], None] = lambda line: None) -> None:
    """Enables float64, chooses the device and sets up the cache of compiled programs; call it before using JAX.

    Args:
        runtime: the section `[runtime]`.
        say: called with a line that names the device, and with warnings (W-DEVICE-CPU, W-CACHE).

    Raises:
        ResourceError: E-DEVICE, the requested device is not available; another one is never used instead.
    """
    # XLA's CPU backend allocates tables of pairs at every call. Mapping these pages again took up to a quarter of a
    # gradient's time at county scale. The numbers are those of M_ARENA_MAX, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, the
    # latter two with the largest values that glibc accepts.
    _tell_glibc({-8: 1, -1: 2**31 - 1, -3: 32 * 2**20})
    jax.config.update("jax_enable_x64", val=True)
    chosen_outside = bool(jax.config.values["jax_platforms"])  # by the variable JAX_PLATFORMS
    device.choose(runtime.device)
    if runtime.cache:
        cache.use(os.environ, say)
    if runtime.device == "auto" and not chosen_outside:
        warning = device.cpu_warning(device.look(), jax.default_backend(), device.why)
        if warning is not None:
            say(warning)
    say(device.sentence())


def keep_large_tables() -> None:
    """Makes glibc keep freed tables of more than 32 MiB too (M_MMAP_MAX of malloc.h); does nothing without glibc.

    It helps programs that allocate tables of all pairs repeatedly: page faults took a third of the time of balancing
    2,850 zones. The process then keeps its peak memory until its end, so commands do not use it.
    """
    _tell_glibc({-4: 0})


def _tell_glibc(parameters: dict[int, int]) -> None:
    """Sets parameters of glibc's memory allocator, by the numbers in malloc.h; does nothing without glibc."""
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        for number, value in parameters.items():
            glibc.mallopt(number, value)


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
