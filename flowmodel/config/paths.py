"""Paths in a configuration: relative to the configuration's folder, with `${FLOWMODEL_DATA}` replaced."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def located(base: Path, name: str) -> Path:
    """The absolute path of `name` in a configuration that lies in the folder `base`.

    `${FLOWMODEL_DATA}` is replaced by that environment variable or, if it is not set, by `data` in the repository.
    """
    data = os.environ.get("FLOWMODEL_DATA") or str(CHECKOUT / "data")
    return (base / name.replace("${FLOWMODEL_DATA}", data)).resolve()
