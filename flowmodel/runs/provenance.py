"""How a run was made: configuration, versions, machine, inputs with their hashes."""

import hashlib
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w

from flowmodel import runtime
from flowmodel.config import LawChoice, OwnLaw
from flowmodel.config.paths import CHECKOUT
from flowmodel.runs.folder import RunFolder

_PACKAGES = (
    *("flowmodel", "jax", "jaxlib", "optax", "numpy", "scipy"),
    *("xarray", "geopandas", "shapely", "pyproj", "rasterio"),
)


def write(folder: RunFolder, config: dict[str, Any], seed: int, inputs: Any, *, synthetic: bool = False) -> None:
    """Writes config.toml, with every default, and provenance.json."""
    text = tomli_w.dumps(config)
    folder.write_text("config.toml", text)
    content = {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git": _git(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "machine": {"system": platform.platform(), "processor": platform.machine()} | runtime.describe(),
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "seed": seed,
        "inputs": inputs,
        "synthetic": synthetic,
    }
    folder.write_json("provenance.json", content)


def hashed(files: Any) -> dict[str, str]:
    """SHA-256 of files by name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def of_law(law: LawChoice) -> list[dict[str, str]]:
    """The file of a user's decay law among the inputs of a run of zones, if there is one."""
    return [{"file": name, "sha256": sha} for name, sha in hashed(law_files(law)).items()]


def law_files(law: LawChoice) -> list[Path]:
    """The file that a law was read from, if it is a user's."""
    return [Path(law.file)] if isinstance(law, OwnLaw) else []


def _version(name: str) -> str | None:
    try:
        return str(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


def _git() -> str | None:
    call = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    found = subprocess.run(call, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None
