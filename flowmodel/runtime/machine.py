"""Facts about the machine: the cache of compiled programs, the device that computes, and its memory."""

import os
from collections.abc import Iterator

from flowmodel.config import Runtime

from . import cache
from .memory import available_bytes, total_bytes
from .start import configure


def facts(device: str | None) -> Iterator[tuple[str, str]]:
    """The facts, by name.

    Args:
        device: the device to look for, as every command that computes does; None takes the best there is.

    Raises:
        ResourceError: E-DEVICE, it is not there.
    """
    yield "cache", cache.state(os.environ)
    lines: list[str] = []
    configure(Runtime.model_validate({"device": device or "auto", "cache": False}), lines.append)
    yield from (("device", line) for line in lines)
    yield "memory", f"{_size(available_bytes())} free of {_size(total_bytes())}"


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:,.1f} GB"
