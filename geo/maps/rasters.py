"""The layers of a run as single-band GeoTIFFs, each with a style beside it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.raster import cog
from geo.raster.grid import covering, projected
from geo.raster.zonal import Ownership, assign_cells
from geo.results import run_folder
from geo.results.run_folder import RunFolder

from . import saving, styles
from .layers import Layer, layers

NORTH_WEST, SOUTH_EAST = 1, 2
_SIDES = {NORTH_WEST: ("north-west", "#a6611a"), SOUTH_EAST: ("south-east", "#018571")}


def write(
    run: Path,
    folder: Path,
    crs: str = "china_albers",
    cell_m: float = 1000.0,
    progress: Callable[[str], None] = lambda name: None,
) -> list[Path]:
    """Write every map of a run as a Cloud Optimised GeoTIFF, each verified before it takes its name.

    Each raster of people sums back to its zones: cell value x cell area over the cells of a zone is the zone's people
    to half a person or 1e-6. A QGIS style (.qml) of the same name lies beside each.

    Args:
        run: the run folder.
        folder: where the files go; made if missing.
        crs: "china_albers" or the code of a projected coordinate system in metres, equal-area if densities are to be
            true on the ground.
        cell_m: side of a cell, metres.
        progress: called with the name of each file when it stands.

    Returns:
        The GeoTIFFs, in the order written.

    Raises:
        DataError: a refused grid, or a raster that does not read back (see `geo.raster`).
    """
    source = run_folder.read(run)
    system = projected(crs)
    polygons = source.shapes(system)
    grid = covering(shapely.total_bounds(polygons).tolist(), system, cell_m)
    ownership = assign_cells(polygons, grid, source.codes)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for layer, values in layers(source):
        written.append(_write_quantity(source, folder, layer, values, ownership))
        progress(written[-1].name)
    written.append(_write_side(source, folder, ownership))
    progress(written[-1].name)
    return written


def _write_quantity(
    run: RunFolder, folder: Path, layer: Layer, amount: NDArray[np.float64], ownership: Ownership
) -> Path:
    if layer.counted:
        values, people = ownership.density(amount), amount
        band = saving.band(run, layer, saving.SUM_PEOPLE)
    else:
        values, people = amount, None
        missing = {"ZONES_WITHOUT_VALUE": str(int(np.isnan(values).sum()))}
        band = saving.band(run, layer, "a ratio: not to be summed", missing)
    cells = np.where(np.isnan(values), cog.NODATA_FLOAT, values).astype(np.float32)
    path = saving.save(folder, ownership, band, ownership.raster_of(cells, cog.NODATA_FLOAT), people)
    styles.write_ramp(path, layer.ramp(values))
    return path


def _write_side(run: RunFolder, folder: Path, ownership: Ownership) -> Path:
    side = np.where(run.zone("east") == 1, SOUTH_EAST, NORTH_WEST).astype(np.uint8)
    said = "Side of the divide on which a zone is counted: 1 north-west, 2 south-east"
    colours = {side: _rgba(colour) for side, (_, colour) in _SIDES.items()}
    layer = Layer("divide_side", said, "1", "all", styles.density, counted=False)
    band = saving.band(run, layer, "a class: not to be summed", dtype="uint8", colours=colours)
    path = saving.save(folder, ownership, band, ownership.raster_of(side, cog.NODATA_CLASS), None)
    styles.write_classes(path, _SIDES)
    return path


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue, 255
