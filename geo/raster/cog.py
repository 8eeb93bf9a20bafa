"""One band as a Cloud Optimised GeoTIFF: encode, and read back to see that the file says what was meant."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import DatasetReader, MemoryFile
from rasterio.windows import Window

from geo.errors import DataError, error

from .grid import Grid
from .zonal import Block, row_blocks

NODATA_FLOAT = -9999.0
NODATA_CLASS = 0

_TILE = 512


@dataclass(frozen=True)
class Band:
    """What a file says about its one band.

    Attributes:
        name: band description.
        long_name: one sentence.
        units: unit of the values.
        dtype: "float32" for quantities, "uint8" for classes.
        tags: further metadata of the file.
        colours: colour of each class, (red, green, blue, alpha) of 0..255; for classes only.
    """

    name: str
    long_name: str
    units: str
    dtype: str = "float32"
    tags: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def nodata(self) -> float:
        """Value of the cells that hold nothing."""
        return NODATA_CLASS if self.colours else NODATA_FLOAT


def encode(path: Path, grid: Grid, band: Band, block: Block) -> None:
    """Write the rows that `block` gives as a COG: DEFLATE, 512-pixel tiles, overviews, statistics.

    Overviews are averages for quantities and the most frequent value for classes.

    Args:
        path: the file; best a temporary name (`geo.results.whole_files.replacing`).
        grid: place and shape.
        band: name, units, tags.
        block: gives the values of any rows, shape (rows, columns).
    """
    profile = {
        "driver": "GTiff",
        "height": grid.shape_yx[0],
        "width": grid.shape_yx[1],
        "count": 1,
        "dtype": band.dtype,
        "crs": CRS.from_wkt(grid.crs.to_wkt()),
        "transform": grid.transform,
        "nodata": band.nodata,
        "tiled": True,
        "blockxsize": _TILE,
        "blockysize": _TILE,
        "bigtiff": "if_safer",
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as source:
            for rows in row_blocks(grid):
                source.write(block(rows), 1, window=_window(grid, rows))
            source.set_band_description(1, band.name)
            source.set_band_unit(1, band.units)
            source.update_tags(1, long_name=band.long_name)
            source.update_tags(TIFFTAG_IMAGEDESCRIPTION=band.long_name, TIFFTAG_SOFTWARE="flowmodel", **band.tags)
            if band.colours:
                source.write_colormap(1, dict(band.colours))
            source.update_tags(1, **_statistics(grid, band, block))
        with memory.open() as source:
            rasterio.shutil.copy(
                source,
                path,
                driver="COG",
                compress="deflate",
                predictor="yes",
                blocksize=_TILE,
                overview_resampling="mode" if band.colours else "average",
                # Copied from the source: GDAL itself would take them through its VRT driver, which is off.
                statistics="auto",
                bigtiff="if_safer",
            )


def verify(path: Path, grid: Grid, band: Band, block: Block) -> None:
    """Read a file back and refuse it unless place, metadata and every cell are what was written.

    Raises:
        DataError: E-RASTER-VERIFY, with everything that differs.
    """
    with _opened(path) as source:
        wrong = [
            (what, found)
            for what, found, meant in (
                ("crs", source.crs, CRS.from_wkt(grid.crs.to_wkt())),
                ("transform", source.transform, grid.transform),
                ("shape", source.shape, grid.shape_yx),
                ("nodata", source.nodata, band.nodata),
                ("dtype", source.dtypes, (band.dtype,)),
                ("description", source.descriptions, (band.name,)),
                ("units", source.units, (band.units,)),
            )
            if found != meant
        ]
        if not wrong:
            wrong = [
                ("values", f"rows {rows.start} to {rows.stop - 1}")
                for rows in row_blocks(grid)
                if not np.array_equal(_read(source, grid, rows), block(rows))
            ]
    if wrong:
        rule, fix = "a raster read back equals what was written", "export again; if it comes back, look at the disk"
        raise DataError(
            [error("E-RASTER-VERIFY", path.name, column=at, value=str(of), rule=rule, fix=fix) for at, of in wrong]
        )


@contextmanager
def reading(path: Path, grid: Grid) -> Iterator[Block]:
    """A function that gives any rows of a file; usable inside the block only."""
    with _opened(path) as source:
        yield lambda rows: _read(source, grid, rows)


def _opened(path: Path) -> DatasetReader:
    # The driver is named because GDAL would otherwise follow the content, and some contents name other files.
    return rasterio.open(path, driver="GTiff")


def _read(source: DatasetReader, grid: Grid, rows: slice) -> NDArray[np.generic]:
    values: NDArray[np.generic] = source.read(1, window=_window(grid, rows))
    return values


def _window(grid: Grid, rows: slice) -> Window:
    return Window(col_off=0, row_off=rows.start, width=grid.shape_yx[1], height=rows.stop - rows.start)


def _statistics(grid: Grid, band: Band, block: Block) -> dict[str, str]:
    """Minimum, maximum, mean and standard deviation of the cells that hold something, as GDAL names them."""
    count, total, squares, least, greatest = 0, 0.0, 0.0, np.inf, -np.inf
    for rows in row_blocks(grid):
        cells = block(rows).astype(np.float64)
        cells = cells[cells != band.nodata]
        if cells.size:
            least, greatest = min(least, float(cells.min())), max(greatest, float(cells.max()))
            # Blocks joined by their means: sums of squares of large numbers would lose the spread.
            mean, apart = float(cells.mean()), float(((cells - cells.mean()) ** 2).sum())
            shift = mean - total / count if count else 0.0
            squares += apart + shift**2 * count * cells.size / (count + cells.size)
            count, total = count + cells.size, total + float(cells.sum())
    if not count:
        return {}
    values = {"MINIMUM": least, "MAXIMUM": greatest, "MEAN": total / count, "STDDEV": np.sqrt(squares / count)}
    values["VALID_PERCENT"] = 100.0 * count / (grid.shape_yx[0] * grid.shape_yx[1])
    return {f"STATISTICS_{name}": f"{value:.17g}" for name, value in values.items()}
