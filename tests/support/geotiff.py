"""Small GeoTIFFs for tests: over the nine squares of the small panel unless told otherwise."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import ArrayLike
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning

# The residents of 2020 of the small panel's nine squares, as a map: the north first.
PEOPLE = np.array([[710.0, 810.0, 910.0], [410.0, 510.0, 610.0], [110.0, 210.0, 310.0]])
SIDE = 4
"""Cells along the side of a square."""


def people_by_cell() -> np.ndarray:
    """Everybody spread evenly over the 4 x 4 cells of his square, shape (12, 12)."""
    return np.kron(PEOPLE, np.ones((SIDE, SIDE))) / SIDE**2


def write(path: Path, values: ArrayLike, **changes: Any) -> Path:
    """Write bands (rows, columns) or (bands, rows, columns); `changes` go to the file's profile, `tags` to its tags."""
    bands = np.asarray(values)
    bands = bands if bands.ndim == 3 else bands[None]
    cell = 3.0 / bands.shape[2]
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": "EPSG:4326",
        "transform": Affine(cell, 0.0, 103.0, 0.0, -cell, 37.0),
        **changes,
    }
    tags, scale = profile.pop("tags", {}), profile.pop("scale", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # some tests want just that
        with rasterio.open(path, "w", **{key: value for key, value in profile.items() if value is not None}) as file:
            file.write(bands)
            file.update_tags(**tags)
            if scale is not None:
                file.scales, file.offsets = [scale[0]] * bands.shape[0], [scale[1]] * bands.shape[0]
    return path
