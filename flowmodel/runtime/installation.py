"""Facts about the installation: versions of packages, agreement with the lock, and environment variables."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata, util
from pathlib import Path

Fact = tuple[str, str]

_PACKAGES = ("jax", "jaxlib", "optax", "numpy", "scipy", "xarray", "h5netcdf", "geopandas", "pyproj", "rasterio")
_REPLACED_DATA = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA")


def packages(lock: Path) -> Iterator[Fact]:
    """The interpreter, where both packages load from, versions of the main dependencies, and agreement with a lock.

    Args:
        lock: a file of requirements with exact versions; it may be missing.
    """
    yield "python", f"{sys.version.split()[0]} ({sys.executable})"
    for package in ("flowmodel", "geo"):
        found = util.find_spec(package)
        yield package, str(found.origin) if found else "not found"
    for name in _PACKAGES:
        yield name, _version(name) or "missing: pip install '.[geo,report]'"
    yield "lock", against_lock(lock.read_text(encoding="utf-8")) if lock.is_file() else "no lock file here"


def against_lock(lock: str) -> str:
    """How many installed packages have the version of a lock, and which have another one.

    Args:
        lock: the text of the lock, which may name one package with several versions, for different Pythons.
    """
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


def variables(environment: Mapping[str, str] = os.environ) -> Iterator[Fact]:
    """The variables that change where data is read from."""
    yield "FLOWMODEL_DATA", environment.get("FLOWMODEL_DATA", "not set")
    for name in _REPLACED_DATA:
        value = environment.get(name)
        yield name, "not set" if value is None else f"{value}: takes the place of the packages' own data; unset it"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
