"""One map of a run as a GeoTIFF that has been read back, and what every one of them says of itself."""

from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray

from geo.raster import cog
from geo.raster.zonal import Block, Ownership, check_people
from geo.results.whole_files import replacing

SUM_PEOPLE = "cell value x cell area in km2, summed over the cells of a zone, is its people"

# GDAL would keep a twentieth of the machine's memory for blocks that are read once.
_CACHE_MB = 64


class Named(Protocol):
    """A run, as far as its maps tell of it."""

    @property
    def name(self) -> str:
        """`[run] name`."""

    @property
    def synthetic(self) -> bool:
        """Whether the counties are invented."""


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


def said(run: Named, sentence: str) -> str:
    """A sentence on a map, which says where counties are invented."""
    return f"{sentence}; its counties are synthetic" if run.synthetic else sentence


def tags(run: Named, variable: str, years: str, sums: str) -> dict[str, str]:
    """Metadata of a file: its run, what it holds, of which years, and how cells sum."""
    return {
        "RUN": run.name,
        "SYNTHETIC": str(int(run.synthetic)),
        "VARIABLE": variable,
        "YEARS": years,
        "HOW_TO_SUM": sums,
    }
