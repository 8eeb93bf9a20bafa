"""Configuration of JAX at the start of a process."""

import os
from collections.abc import Callable

import jax

from flowmodel.config import Runtime

from . import cache, device, process


def configure(runtime: Runtime, say: Callable[[str], None] = lambda line: None) -> None:
    """Enables float64, chooses the device and sets up the cache of compiled programs; call it before using JAX.

    Args:
        runtime: the section `[runtime]`.
        say: called with a line that names the device, and with warnings (W-DEVICE-CPU, W-CACHE).

    Raises:
        ResourceError: E-DEVICE, the requested device is not available; another one is never used instead.
    """
    process.keep_freed_memory()
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
