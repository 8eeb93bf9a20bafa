"""Says what this machine has: packages and where they load from, devices and their memory, cache, variables, data."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from flowmodel.runs.command import Device, cli

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.lock"
_NAMED = ("jax", "jaxlib", "optax", "numpy", "scipy", "xarray", "h5netcdf", "geopandas", "pyproj", "rasterio")
_MISLEADING = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA")


def doctor(device: Device = None) -> None:
    """Prints one line a fact; the first thing to send along with a question.

    Args:
        device: is looked for, as every script that computes does; exit status 6 if it is not there.
    """
    _packages()
    _maps()
    _environment()
    _machine(device)


def _line(fact: str, value: object) -> None:
    print(f"{fact:14} {value}")


def _packages() -> None:
    _line("python", f"{sys.version.split()[0]} ({sys.executable})")
    for package in ("flowmodel", "geo"):
        found = util.find_spec(package)
        _line(package, found.origin if found else "not found")
    for name in _NAMED:
        _line(name, _version(name) or "missing: pip install '.[geo,report]'")
    _line("lock", against_lock(LOCK.read_text(encoding="utf-8")) if LOCK.is_file() else "no lock file here")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def against_lock(lock: str) -> str:
    """How the installed packages stand to a lock, which may name one package with a version for each Python."""
    locked: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE):
        locked.setdefault(name, set()).add(version)
    installed = {name: found for name in locked if (found := _version(name)) is not None}
    others = [
        f"{name} {found} (lock: {' or '.join(sorted(locked[name]))})"
        for name, found in installed.items()
        if found not in locked[name]
    ]
    return f"{len(installed) - len(others)} of {len(locked)} packages as locked" + "".join(f"; {one}" for one in others)


def _maps() -> None:
    """The two GDALs of one process, since pyogrio's and rasterio's wheels each bring their own, and PROJ."""
    import geo.opening  # before GDAL, whose drivers it restricts

    try:
        import pyogrio
        import pyproj
        import rasterio
    except ImportError:
        return
    _line("GDAL", f"{pyogrio.__gdal_version_string__} (vectors), {rasterio.__gdal_version__} (rasters)")
    _line("PROJ", f"{pyproj.proj_version_str}, data in {pyproj.datadir.get_data_dir()}")
    for library, left in geo.opening.drivers.check().items():
        _line("drivers", f"{library}: {', '.join(left) or 'those that read other files or the network are off'}")


def _environment() -> None:
    _line("FLOWMODEL_DATA", os.environ.get("FLOWMODEL_DATA", "not set"))
    for variable in _MISLEADING:
        value = os.environ.get(variable)
        _line(variable, "not set" if value is None else f"{value}: takes the place of the packages' own data; unset it")


def _machine(device: Literal["auto", "cpu", "gpu", "tpu"] | None) -> None:
    """Devices with their memory, and the cache; last, since the device asked for may not be there."""
    from flowmodel import runtime
    from flowmodel.config import Runtime
    from flowmodel.runtime import cache

    _line("cache", cache.state(os.environ))
    said: list[str] = []
    runtime.configure(Runtime(device=device or "auto", cache=False), said.append)
    for line in said:
        _line("device", line)
    _line("memory", f"{_size(runtime.available_bytes())} free of {_size(runtime.total_bytes())}")


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:,.1f} GB"


if __name__ == "__main__":
    cli(doctor)
