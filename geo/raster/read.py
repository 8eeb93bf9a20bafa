"""A GeoTIFF of anybody's: judged by its metadata before a cell is read, then read by window, always masked."""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from geo import opening
from geo.config import BandConfig
from geo.coordinates import crs
from geo.errors import DataError, Issue, error

from .cells import Cells, Window
from .georeference import find_cells

_ALLOWED = {opening.Kind.GEOTIFF: (".tif", ".tiff")}
# One block is unpacked whole, so it bounds the memory of a read whatever window is asked for.
_BLOCK_BYTES = 2**28


@dataclass(frozen=True)
class Raster:
    """One band of a file that may be read.

    Attributes:
        name: Name in the config.
        path: The file.
        band: From 1.
        cells: Its cells, row 0 in the north.
        south_up: Whether row 0 of the file is in the south instead.
        block_yx: Rows and columns that the file stores together.
        nodata: Value of cells without data, NaN where there is none; NaN cells never hold data.
        zero_is: What a zero means where the config says so.
        scale: Multiplies the number in the file.
        offset: Is added to the product.
        sha256: Of the file.
    """

    name: str
    path: Path
    band: int
    cells: Cells
    south_up: bool
    block_yx: tuple[int, int]
    nodata: float
    zero_is: str | None
    scale: float
    offset: float
    sha256: str

    def file_rows(self, rows: slice) -> slice:
        """Give the rows of the file that are the rows counted from the north."""
        count = self.cells.shape_yx[0]
        return slice(count - rows.stop, count - rows.start) if self.south_up else rows

    def as_input(self) -> dict[str, object]:
        """Give the entry of the file in the attribute `inputs` of zones.nc and grid.nc."""
        rows, system = self.cells.shape_yx[0], crs.name(self.cells.crs)
        return {"file": self.path.name, "sha256": self.sha256, "rows": rows, "crs": system}

    def measured(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the quantity that a number in the file stands for."""
        return raw * self.scale + self.offset


Read = Callable[[Window], tuple[NDArray[np.float64], NDArray[np.bool_]]]


def inspect(name: str, config: BandConfig, section: str | None = None) -> tuple[Raster | None, list[Issue]]:
    """Judge a file by everything but its cells.

    Returns:
        The raster, None where there is an error; and what was found: E-PATH, E-IO-*, E-SIZE-LIMIT, E-BAND, E-CRS-*,
        E-GRID-*, E-NODATA-*.
    """
    path = config.file
    try:
        opening.expect(path, f"[{section or f'zones.rasters.{name}'}] file", _ALLOWED)
        sha256, issues = _check_hash(path)
        with opened(path) as source:
            issues += _sizes(path, source)
            if issues:
                return None, issues
            return _combine(name, config, source, sha256)
    except DataError as failure:
        return None, list(failure.issues)


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """Open a GeoTIFF alone: no files beside it are looked at, and no driver but the one is tried.

    Raises:
        DataError: E-IO-CORRUPT where GDAL cannot open or read it.
    """
    try:
        with rasterio.Env(**opening.drivers.RASTER_OPTIONS), warnings.catch_warnings():
            # A file without georeference is an error of ours, with a code; the library's warning says less.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as source:
                yield source
    except RasterioError as failure:
        rule = f"not a readable GeoTIFF: {opening.shown(str(failure.__cause__ or failure), 120)}"
        raise DataError([error("E-IO-CORRUPT", path.name, rule=rule, fix="copy or export the file again")]) from failure


@contextmanager
def reading(raster: Raster) -> Iterator[Read]:
    """Give a function that reads any window; usable inside the block only.

    The function returns the numbers as they stand in the file (float64, row 0 in the north, before scale and offset)
    and where they are data; both of the window's shape.

    Raises:
        DataError: E-IO-CORRUPT where a part of the file cannot be read.
    """
    with opened(raster.path) as source:
        yield lambda block: _read(raster, source, block)


def _read(raster: Raster, source: DatasetReader, block: Window) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows, columns = raster.file_rows(block.rows), block.columns
    place = rasterio.windows.Window.from_slices((rows.start, rows.stop), (columns.start, columns.stop))
    cells = source.read(raster.band, window=place, masked=True)
    numbers = cells.data
    # The file's own number for "no data" keeps its type: -3.4e38 is another number in double precision.
    empty = numbers == np.asarray(raster.nodata).astype(numbers.dtype) if not np.isnan(raster.nodata) else False
    absent = np.ma.getmaskarray(cells) | empty
    if raster.zero_is == "data":
        absent &= numbers != 0
    elif raster.zero_is == "missing":
        absent |= numbers == 0
    raw = numbers.astype(np.float64)
    data = ~(absent | np.isnan(raw))
    return (raw[::-1], data[::-1]) if raster.south_up else (raw, data)


def _check_hash(path: Path) -> tuple[str, list[Issue]]:
    """Hash the file, and compare with the hash that lies beside it, if one does."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    beside = path.with_name(f"{path.name}.sha256")
    if not beside.is_file():
        return sha256, []
    with beside.open("rb") as file:
        stated = file.read(1024).decode("ascii", "replace").split()
    if stated and stated[0].lower() == sha256:
        return sha256, []
    rule = f"the file's SHA-256 is the one in {beside.name}: {opening.shown(stated[0] if stated else 'nothing')}"
    return sha256, [error("E-IO-HASH", path.name, value=sha256, rule=rule, fix="copy the file again")]


def _sizes(path: Path, source: DatasetReader) -> list[Issue]:
    """Bound what reading would take, from the header alone."""
    pixels = source.width * source.height
    item = np.dtype(source.dtypes[0]).itemsize if "complex" not in source.dtypes[0] else 16
    height, width = source.block_shapes[0]
    block_bytes = height * width * item * source.count
    issues = []
    if pixels > opening.limits.PIXELS:
        value, rule = f"{source.height:,} x {source.width:,}", f"a raster has at most {opening.limits.PIXELS:,} cells"
        issues.append(error("E-SIZE-LIMIT", path.name, value=value, rule=rule, fix="cut it to the country"))
    if block_bytes > _BLOCK_BYTES:
        value, rule = f"{block_bytes:,} bytes", f"a block of cells has at most {_BLOCK_BYTES:,} bytes"
        issues.append(error("E-SIZE-LIMIT", path.name, value=value, rule=rule, fix="write it in tiles of 512 x 512"))
    return issues


def _combine(name: str, config: BandConfig, source: DatasetReader, sha256: str) -> tuple[Raster | None, list[Issue]]:
    """Take band, cells and nodata from what the file and the config say together."""
    file = config.file.name
    cells, south_up, issues = find_cells(source, config.crs, file)
    band, found = _band(config, source)
    issues += found
    nodata, found = _nodata(config, source, band)
    issues += found
    if issues or cells is None:
        return None, issues
    return Raster(
        name=name,
        path=config.file,
        band=band,
        cells=cells,
        south_up=south_up,
        block_yx=source.block_shapes[band - 1],
        nodata=nodata,
        zero_is=config.zero_is,
        scale=float(source.scales[band - 1]),
        offset=float(source.offsets[band - 1]),
        sha256=sha256,
    ), []


def _band(config: BandConfig, source: DatasetReader) -> tuple[int, list[Issue]]:
    file = config.file.name
    if config.band is None and source.count > 1:
        rule = f"the file has {source.count} bands, and none is guessed"
        return 1, [error("E-BAND", file, rule=rule, fix="say which: band = 1")]
    band = config.band or 1
    if band > source.count:
        rule = f"the file has {source.count} band{'s' if source.count > 1 else ''}"
        return 1, [error("E-BAND", file, value=str(band), rule=rule, fix="correct band")]
    if np.dtype(source.dtypes[band - 1]).kind not in "iuf":
        rule, fix = "a cell holds one real number", "export it as float32"
        return band, [error("E-IO-FORMAT", file, value=source.dtypes[band - 1], rule=rule, fix=fix)]
    return band, []


def _nodata(config: BandConfig, source: DatasetReader, band: int) -> tuple[float, list[Issue]]:
    """Decide which number means "no data", NaN where none does; a zero that may mean both is refused."""
    in_file = source.nodatavals[band - 1]
    declared = None if config.nodata == "none" else config.nodata
    file = config.file.name
    if in_file is not None and config.nodata is not None and (declared is None or not _alike(in_file, declared)):
        rule = f"the file says its nodata is {in_file:g}, the config says {config.nodata}"
        fix = "remove nodata from the config, or correct the file"
        return np.nan, [error("E-NODATA-MISMATCH", file, value=f"{in_file:g}", rule=rule, fix=fix)]
    nodata = in_file if in_file is not None else declared
    if nodata is None:
        return np.nan, []
    kind = np.dtype(source.dtypes[band - 1])
    if kind.kind in "iu" and not (np.isfinite(nodata) and np.iinfo(kind).min <= nodata <= np.iinfo(kind).max):
        # Files of whole numbers often carry such a mark; no cell can hold it, so none is lost by leaving it out.
        if in_file is not None:
            return np.nan, []
        rule = f"cells are {kind.name}, which cannot hold it"
        return np.nan, [error("E-NODATA-RANGE", file, value=f"{nodata:g}", rule=rule, fix="correct nodata")]
    if nodata == 0 and config.zero_is is None:
        rule = "nodata is 0, so a 0 may be a true zero or no data"
        fix = 'say which: zero_is = "data" or zero_is = "missing"'
        return 0.0, [error("E-NODATA-ZERO", file, value="0", rule=rule, fix=fix)]
    return float(nodata), []


def _alike(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other)) or np.float32(one) == np.float32(other)
