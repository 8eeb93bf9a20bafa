"""One map of a run as a GeoTIFF that has been read back, and what every one of them says of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from geo.raster import cog
from geo.raster.zonal import Block, Ownership, check_people
from geo.results.run_folder import RunFolder
from geo.results.whole_files import replacing

from .grid_run import GridRun
from .layers import Layer

SUM_PEOPLE = "cell value x cell area in km2, summed over the cells of a zone, is its people"

# GDAL would keep a twentieth of the machine's memory for blocks that are read once.
_CACHE_MB = 64


def save(folder: Path, ownership: Ownership, band: cog.Band, block: Block, people: NDArray[np.float64] | None) -> Path:
    """Write a map; it takes its name when it reads back as meant.

    Args:
        folder: Where it goes.
        ownership: The grid, and the zone of every cell.
        band: What the file says; its name is the file's.
        block: Gives the values of any rows.
        people: What the cells of each zone must sum to, (zones,) persons; None for what is no amount.

    Raises:
        DataError: E-RASTER-VERIFY, E-RASTER-PEOPLE.
    """
    path = folder / f"{band.name}.tif"
    with replacing(path) as partial, rasterio.Env(GDAL_CACHEMAX=_CACHE_MB):
        cog.encode(partial, ownership.grid, band, block)
        cog.verify(partial, ownership.grid, band, block)
        if people is not None:
            with cog.reading(partial, ownership.grid) as found:
                check_people(path.name, ownership, found, people)
    return path


def band(
    run: RunFolder | GridRun, layer: Layer, sums: str, tags: Mapping[str, str] | None = None, **options: Any
) -> cog.Band:
    """What the file of a map says: its run, what it holds, of which years, and how cells sum."""
    said = f"{layer.long_name}; its counties are synthetic" if run.synthetic else layer.long_name
    all_tags = {
        "RUN": run.name,
        "SYNTHETIC": str(int(run.synthetic)),
        "VARIABLE": layer.name,
        "YEARS": layer.years,
        "HOW_TO_SUM": sums,
        **(tags or {}),
    }
    return cog.Band(layer.name, said, layer.units, tags=all_tags, **options)
