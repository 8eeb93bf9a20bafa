"""The layers of a grid run as single-band GeoTIFFs, a band of rows in memory at a time and one layer of cells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo.errors import DataError, error
from geo.raster import cog
from geo.raster.zonal import NOBODY, row_blocks

from . import saving, styles
from .grid_run import FLOWS, RESIDENTS, GridRun, opened

# Colours need a few hundred thousand cells, not millions.
_SAMPLE = 500_000


@dataclass(frozen=True)
class CellLayer:
    """One map of cells.

    Attributes:
        name: File name without suffix, and band description.
        long_name: One sentence.
        units: Of the raster.
        years: Year or years it speaks of.
        ramp: Gives the colours for the values of the cells.
        parts: What is added up: variable, year and sign of each.
    """

    name: str
    long_name: str
    units: str
    years: str
    ramp: Callable[[NDArray[np.float64]], styles.Stops]
    parts: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True)
class _Cells:
    """Values of all cells as the file will hold them, and the people of each county they must sum to."""

    values: NDArray[np.float32]
    people: NDArray[np.float64]


def write(run: Path, folder: Path, progress: Callable[[str], None] | None = None) -> list[Path]:
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
        for layer in layers(source):
            cells = _cells(source, layer)
            if cells is None:
                continue
            written.append(_write(source, folder, layer, cells))
            if progress is not None:
                progress(written[-1].name)
    return written


def layers(run: GridRun) -> Iterator[CellLayer]:
    """Every map of a grid run: residents of each year kept, their change, and the flows of each year kept."""
    years = run.years(RESIDENTS)
    for year in years:
        said, parts = f"Residents of the fitted model per km2, {year}", ((RESIDENTS, year, 1.0),)
        yield CellLayer(f"residents_{year}", said, "persons km-2", str(year), styles.density, parts)
    if len(years) > 1:
        first, last = years[0], years[-1]
        said = f"Residents of {last} less those of {first}, fitted model, per km2"
        change = ((RESIDENTS, last, 1.0), (RESIDENTS, first, -1.0))
        name, span = f"residents_growth_{first}_{last}", f"{first}/{last}"
        yield CellLayer(name, said, "persons km-2", span, styles.balance, change)
    for year in run.years(FLOWS[0]):
        yield from _flows(year)


def _flows(year: int) -> Iterator[CellLayer]:
    inflow, outflow = (((name, year, 1.0),) for name in FLOWS)
    net = ((FLOWS[0], year, 1.0), (FLOWS[1], year, -1.0))
    for name, said, parts, ramp in (
        ("net_migration", "Inflow minus outflow of the fitted model", net, styles.balance),
        ("inflow", "Arrivals of the fitted model", inflow, styles.flow),
        ("outflow", "Departures of the fitted model", outflow, styles.flow),
    ):
        sentence = f"{said} per km2 and year, {year}"
        yield CellLayer(f"{name}_{year}", sentence, "persons km-2 year-1", str(year), ramp, parts)


def _cells(run: GridRun, layer: CellLayer) -> _Cells | None:
    """Read a layer; None where no cell has a number.

    Raises:
        DataError: E-GRID-RESULT.
    """
    area = run.grid.cell_area_km2
    values = np.empty(run.grid.shape_yx, dtype=np.float32)
    sums = np.zeros(len(run.ownership.codes) + 1)
    known = stray = 0
    for rows in row_blocks(run.grid):
        owner = run.ownership.owner[rows]
        amount = _added(run, layer, rows)
        zone, finite = owner != NOBODY, np.isfinite(amount)
        known += int((finite & zone).sum())
        # What is no zone holds nobody, written as 0 or as no number.
        stray += int((~zone & finite & (amount != 0.0)).sum())
        amount = np.where(zone & finite, amount, 0.0)
        sums += np.bincount(owner.ravel() + 1, weights=amount.ravel(), minlength=sums.size)
        values[rows] = np.where(zone, amount / area, cog.NODATA_FLOAT)
    zones = int(run.ownership.cells.sum())
    if stray or (known < zones and (known or layer.parts[0][0] == RESIDENTS)):
        raise _odd(layer, zones - known, stray)
    return _Cells(values, sums[1:]) if known else None


def _added(run: GridRun, layer: CellLayer, rows: slice) -> NDArray[np.float64]:
    added = np.zeros((rows.stop - rows.start, run.grid.shape_yx[1]))
    for variable, year, sign in layer.parts:
        added += sign * run.rows(variable, year, rows)
    return added


def _odd(layer: CellLayer, missing: int, stray: int) -> DataError:
    value = f"{missing:,} cells without a number, {stray:,} cells with people that are no zones"
    rule, fix = "every cell that is a zone has a finite number, and no other has people", "run the simulation again"
    return DataError([error("E-GRID-RESULT", "results.nc", column=layer.name, value=value, rule=rule, fix=fix)])


def _write(run: GridRun, folder: Path, layer: CellLayer, cells: _Cells) -> Path:
    tags = saving.tags(run, layer.name, layer.years, saving.SUM_PEOPLE)
    band = cog.Band(layer.name, saving.said(run, layer.long_name), layer.units, tags=tags)
    path = saving.save(folder, run.ownership, band, lambda rows: cells.values[rows], cells.people)
    styles.write_ramp(path, layer.ramp(_sampled(cells.values)))
    return path


def _sampled(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Values of cells that are zones, evenly thinned."""
    held = values[values != cog.NODATA_FLOAT]
    sample: NDArray[np.float64] = held[:: max(held.size // _SAMPLE, 1)].astype(np.float64)
    return sample
