"""Facts about the installation and the machine: packages, environment variables, cache, device and memory."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import util
from pathlib import Path

from flowmodel.config import Runtime

from . import cache
from .device import version
from .memory import available_bytes, total_bytes
from .process import configure

Fact = tuple[str, str]

_PACKAGES = ("jax", "jaxlib", "optax", "numpy", "scipy", "xarray", "h5netcdf", "geopandas", "pyproj", "rasterio")
_REPLACED_DATA = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA")


def packages(lock: Path) -> Iterator[Fact]:
    """The interpreter, the places of both packages, versions of the main dependencies, and agreement with a lock.

    The `lock` is a file of requirements with exact versions; it may be missing.
    """
    yield "python", f"{sys.version.split()[0]} ({sys.executable})"
    for package in ("flowmodel", "geo"):
        found = util.find_spec(package)
        yield package, str(found.origin) if found else "not found"
    for name in _PACKAGES:
        yield name, version(name) or "missing: pip install '.[geo,report]'"
    yield "lock", against_lock(lock.read_text(encoding="utf-8")) if lock.is_file() else "no lock file here"


def against_lock(lock: str) -> str:
    """How many installed packages have the version of a lock, and which have another one.

    The text of the `lock` may name one package with several versions, for different Pythons.
    """
    locked: dict[str, set[str]] = {}
    for name, number in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE):
        locked.setdefault(name, set()).add(number)
    installed = {name: found for name in locked if (found := version(name)) is not None}
    others = [
        f"{name} {found} (lock: {' or '.join(sorted(locked[name]))})"
        for name, found in installed.items()
        if found not in locked[name]
    ]
    return f"{len(installed) - len(others)} of {len(locked)} packages as locked" + "".join(f"; {one}" for one in others)


def variables(environment: Mapping[str, str] = os.environ) -> Iterator[Fact]:
    """The variables that change where data is read from."""
    yield "FLOWMODEL_DATA", environment.get("FLOWMODEL_DATA", "not set")
    for name in _REPLACED_DATA:
        value = environment.get(name)
        yield name, "not set" if value is None else f"{value}: takes the place of the packages' own data; unset it"


def machine(device: str | None) -> Iterator[Fact]:
    """The cache of compiled programs, the device that computes (the best one by default), and its memory.

    Raises:
        ResourceError: E-DEVICE, the device is not available.
    """
    yield "cache", cache.state(os.environ)
    lines: list[str] = []
    configure(Runtime.model_validate({"device": device or "auto", "cache": False}), lines.append)
    yield from (("device", line) for line in lines)
    yield "memory", f"{_size(available_bytes())} free of {_size(total_bytes())}"


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:,.1f} GB"
