"""Paths that a configuration names: relative to its own folder, with the folder of real data written out."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def located(base: Path, name: str) -> Path:
    """The path `name` of a configuration in the folder `base`.

    `${FLOWMODEL_DATA}` stands for that environment variable, and for `data` in the checkout where it is not set.
    """
    data = os.environ.get("FLOWMODEL_DATA", str(CHECKOUT / "data"))
    return (base / name.replace("${FLOWMODEL_DATA}", data)).resolve()
