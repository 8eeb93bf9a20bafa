"""The layers of a grid run as single-band GeoTIFFs, a band of rows in memory at a time and one layer of cells."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo.errors import DataError, error
from geo.raster import cog
from geo.raster.zonal import NOBODY, row_blocks

from . import saving, styles
from .grid_run import FLOWS, RESIDENTS, GridRun, opened
from .layers import Layer, flow_layers

# Colours need a few hundred thousand cells, not millions.
_SAMPLE = 500_000


Parts = tuple[tuple[str, int, float], ...]
"""What a map adds up: variable, year and sign of each part."""


def write(run: Path, folder: Path, progress: Callable[[str], None] = lambda name: None) -> list[Path]:
    """Write every map of a grid run as a Cloud Optimised GeoTIFF, each verified before it takes its name.

    All are persons (or persons per year) per km2. A year of flows without a number in any cell, such as that of the
    start, has no map.

    Returns:
        The GeoTIFFs, in the order written.

    Raises:
        DataError: See `grid_run.opened`; E-GRID-RESULT where a cell has no number or one that is no zone has people;
            a raster that does not read back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with opened(run) as source:
        for layer, parts in layers(source):
            cells = _cells(source, layer, parts)
            if cells is not None:
                written.append(_write(source, folder, layer, *cells))
                progress(written[-1].name)
    return written


def layers(run: GridRun) -> Iterator[tuple[Layer, Parts]]:
    """Every map of a grid run: residents of each year kept, their change, and the flows of each year kept."""
    years = run.years(RESIDENTS)
    for year in years:
        said = f"Residents of the fitted model per km2, {year}"
        layer = Layer(f"residents_{year}", said, "persons km-2", str(year), styles.density)
        yield layer, ((RESIDENTS, year, 1.0),)
    if len(years) > 1:
        first, last = years[0], years[-1]
        said = f"Residents of {last} less those of {first}, fitted model, per km2"
        name = f"residents_growth_{first}_{last}"
        layer = Layer(name, said, "persons km-2", f"{first}/{last}", styles.balance)
        yield layer, ((RESIDENTS, last, 1.0), (RESIDENTS, first, -1.0))
    for year in run.years(FLOWS[0]):
        inflow, outflow = (FLOWS[0], year, 1.0), (FLOWS[1], year, 1.0)
        net = (inflow, (FLOWS[1], year, -1.0))
        yield from zip(flow_layers(*[str(year)] * 3), (net, (inflow,), (outflow,)), strict=True)


def _cells(run: GridRun, layer: Layer, parts: Parts) -> tuple[NDArray[np.float32], NDArray[np.float64]] | None:
    """Read the values of all cells as the file will hold them, and the people of each county they must sum to.

    None where no cell has a number.

    Raises:
        DataError: E-GRID-RESULT.
    """
    area = run.grid.cell_area_km2
    values = np.empty(run.grid.shape_yx, dtype=np.float32)
    sums = np.zeros(len(run.ownership.codes) + 1)
    known = stray = 0
    for rows in row_blocks(run.grid):
        owner = run.ownership.owner[rows]
        amount = _added(run, parts, rows)
        zone, finite = owner != NOBODY, np.isfinite(amount)
        known += int((finite & zone).sum())
        # What is no zone holds nobody, written as 0 or as no number.
        stray += int((~zone & finite & (amount != 0.0)).sum())
        amount = np.where(zone & finite, amount, 0.0)
        sums += np.bincount(owner.ravel() + 1, weights=amount.ravel(), minlength=sums.size)
        values[rows] = np.where(zone, amount / area, cog.NODATA_FLOAT)
    zones = int(run.ownership.cells.sum())
    if stray or (known < zones and (known or parts[0][0] == RESIDENTS)):
        value = f"{zones - known:,} cells without a number, {stray:,} cells with people that are no zones"
        rule, fix = "every cell that is a zone has a finite number, and no other has people", "run the simulation again"
        raise DataError([error("E-GRID-RESULT", "results.nc", column=layer.name, value=value, rule=rule, fix=fix)])
    return (values, sums[1:]) if known else None


def _added(run: GridRun, parts: Parts, rows: slice) -> NDArray[np.float64]:
    added = np.zeros((rows.stop - rows.start, run.grid.shape_yx[1]))
    for variable, year, sign in parts:
        added += sign * run.rows(variable, year, rows)
    return added


def _write(run: GridRun, folder: Path, layer: Layer, values: NDArray[np.float32], people: NDArray[np.float64]) -> Path:
    band = saving.band(run, layer, saving.SUM_PEOPLE)
    path = saving.save(folder, run.ownership, band, lambda rows: values[rows], people)
    held = values[values != cog.NODATA_FLOAT]
    styles.write_ramp(path, layer.ramp(held[:: max(held.size // _SAMPLE, 1)].astype(np.float64)))
    return path
