"""The one call that comes before the first array."""

from __future__ import annotations

import os
from collections.abc import Callable

import jax

from flowmodel.config import Runtime

from . import cache, device, process


def configure(runtime: Runtime, say: Callable[[str], None] = lambda line: None) -> None:
    """Switches to float64 vectors, the device asked for and the cache of compiled programs; call it before any array.

    Args:
        runtime: what is asked for.
        say: is told on which device the process computes, and of what is not as one would expect (W-DEVICE-CPU,
            W-CACHE); nobody by default.

    Raises:
        ResourceError: E-DEVICE, the device asked for is not there. There is no silent fall-back.
    """
    process.keep_freed_memory()
    jax.config.update("jax_enable_x64", val=True)
    chosen_outside = bool(jax.config.values["jax_platforms"])  # JAX_PLATFORMS: somebody wants just that
    device.choose(runtime.device)
    if runtime.cache:
        cache.use(os.environ, say)
    if runtime.device == "auto" and not chosen_outside:
        warning = device.fallen_back(device.look(), jax.default_backend(), device.why)
        if warning is not None:
            say(warning)
    say(device.sentence())
