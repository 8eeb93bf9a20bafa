"""What a run says of itself: the problems of its inputs, and how it was made."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowmodel.runs.folder import RunFolder

if TYPE_CHECKING:
    from geo.errors import Issue

ROOT = Path(__file__).resolve().parent.parent


def write_issues(folder: RunFolder, issues: Sequence[Issue]) -> None:
    """Writes `issues.csv`, a row a problem."""
    import pandas as pd

    columns = ["code", "severity", "file", "line", "column", "value", "rule", "fix", "people"]
    frame = pd.DataFrame([dataclasses.asdict(issue) for issue in issues], columns=columns)
    frame["line"] = frame["line"].astype("Int64")
    folder.write("issues.csv", lambda path: frame.to_csv(path, index=False))


def provenance(out: Path, seed: int, inputs: Any, *, synthetic: Any = False) -> dict[str, Any]:
    """What a reader needs to make the run again: versions, device, configuration, inputs."""
    import platform
    from importlib import metadata

    from flowmodel import runtime

    named = (
        "flowmodel",
        "jax",
        "jaxlib",
        "optax",
        "numpy",
        "scipy",
        "xarray",
        "geopandas",
        "shapely",
        "pyproj",
        "rasterio",
    )
    versions = {name: _version(metadata, name) for name in named}
    config = out / "config.toml"
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git": _git(),
        "versions": versions,
        "machine": {"system": platform.platform(), "processor": platform.machine()} | runtime.describe(),
        "config_sha256": hashlib.sha256(config.read_bytes()).hexdigest(),
        "seed": seed,
        "inputs": inputs,
        "synthetic": synthetic,
    }


def _version(metadata: Any, name: str) -> str | None:
    try:
        return str(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


def _git() -> str | None:
    import subprocess

    found = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None
