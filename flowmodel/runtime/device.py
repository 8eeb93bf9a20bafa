"""Choice of the device, with a warning if an accelerator is not used."""

import dataclasses
import os
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import jax

from flowmodel.errors import ResourceError

_PLATFORMS = {"cpu": "cpu", "gpu": "cuda,cpu", "tpu": "tpu,cpu"}
# Some functions of JAX need the CPU besides the accelerator.
_EXTRAS = {"cpu": "cpu", "gpu": "pip install '.[cuda12]' (or cuda13)", "tpu": "pip install '.[tpu]'"}
_CUDA = ("jax-cuda12-plugin", "jax-cuda13-plugin")
_TPU = ("libtpu",)


@dataclasses.dataclass(frozen=True)
class Found:
    """Accelerators found on the machine: device files, and installed plugins of JAX by name."""

    nvidia: bool = False
    tpu: bool = False
    plugins: tuple[str, ...] = ()

    def plugin(self, names: tuple[str, ...]) -> str | None:
        """The first installed one among `names`."""
        return next((name for name in names if name in self.plugins), None)


def look(root: Path = Path("/")) -> Found:
    """Looks for device files below `root` and for plugins among the installed packages."""
    nvidia = any((root / name).exists() for name in ("dev/nvidia0", "proc/driver/nvidia/version"))
    return Found(nvidia, (root / "dev/accel0").exists(), tuple(name for name in (*_CUDA, *_TPU) if version(name)))


def version(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def choose(device: str) -> None:
    """Makes JAX compute on `device` ("auto", "cpu", "gpu" or "tpu").

    Raises:
        ResourceError: E-DEVICE, it is not available.
    """
    if device == "auto":
        return
    jax.config.update("jax_platforms", _PLATFORMS[device])
    try:
        there = jax.default_backend()
    except RuntimeError as error:
        raise _absent(device, _one_line(error)) from None
    if there != device:
        plugin = look().plugin(_CUDA if device == "gpu" else _TPU)
        reason = f"{plugin} does not start" if plugin else "the plugin of jax for it is not installed"
        raise _absent(device, f"jax computes on the {there}: {reason}")


def _absent(device: str, reason: str) -> ResourceError:
    return ResourceError("E-DEVICE", f"no {device} here ({reason})", f"{_EXTRAS[device]}, or --device auto")


def _one_line(error: Exception) -> str:
    """The message of an error on one line, without its hint at JAX_PLATFORMS."""
    return " ".join(str(error).split()).partition(" (set JAX_PLATFORMS")[0]


def cpu_warning(found: Found, backend: str, why: Callable[[str], str]) -> str | None:
    """A warning if JAX uses the `backend` "cpu" although the machine seems to have an accelerator; else None.

    `why` returns the reason why JAX does not use the platform "cuda" or "tpu".
    """
    if backend != "cpu":
        return None
    reason = _idle(found, why)
    return None if reason is None else f"W-DEVICE-CPU computing on the CPU: {reason}; or choose it with --device cpu"


def _idle(found: Found, why: Callable[[str], str]) -> str | None:
    cuda, libtpu = found.plugin(_CUDA), found.plugin(_TPU)
    if found.nvidia and cuda is None:
        return f"there is an NVIDIA device, but no CUDA plugin of jax; fix: {_EXTRAS['gpu']}"
    if found.nvidia:
        return f"{cuda} does not start ({why('cuda')}); fix: check driver and CUDA version with nvidia-smi"
    if cuda is not None:
        return f"{cuda} is installed, but no NVIDIA device is visible; fix: install its driver, or give --gpus"
    if found.tpu and libtpu is None:
        return f"there is a TPU, but no libtpu; fix: {_EXTRAS['tpu']}"
    if libtpu is not None:
        return f"libtpu is installed, but does not start ({why('tpu')}); fix: stop other processes that use the TPU"
    return None


def why(platform: str) -> str:
    """The reason why JAX does not use a platform."""
    try:
        jax.devices(platform)
    except RuntimeError as error:
        return _one_line(error)
    return "it is available, but another platform comes first"


def sentence() -> str:
    """A sentence that names the device in use."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return f"computing on the CPU, {cores} cores"
    return f"computing on {device.device_kind} ({device.platform})"


def describe() -> dict[str, str]:
    """Device and software versions, for provenance."""
    device = jax.devices()[0]
    versions = {"jax": jax.__version__, "python": sys.version.split()[0]}
    return {"platform": device.platform, "device": device.device_kind} | versions
