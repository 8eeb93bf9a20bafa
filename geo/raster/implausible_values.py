"""Numbers that no cell can have measured: undeclared fill values, infinities, blocks that were never written."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geo.config import BandConfig
from geo.errors import Issue, error

from .cells import Window
from .read import Raster, Read, opened

# What writers fill empty cells with. Of a quantity that may be negative, a fill value shows in many cells or in none.
_FILL_VALUES = frozenset(
    {-9999.0, -99999.0, -999.0, -9999999.0, -32768.0, -32767.0, -2147483648.0, 65535.0, 9999.0, 99999.0}
)
_HUGE_NUMBER = 1e30
_MIN_FILL_SHARE = 0.01
# Rows of nothing but zeros at the end of a file look like one whose writer was stopped.
_LONG_TAIL = 0.1


@dataclass(frozen=True)
class Extreme:
    """The least or greatest number of some cells, in how many it stands, and the first of these in the file, from 0."""

    value: float
    cells: int
    row: int
    column: int


@dataclass(frozen=True)
class CellSummary:
    """What the cells of a raster hold, as far as they were read.

    Attributes:
        cells: Cells with finite data.
        low: Least number, None without any.
        high: Greatest number.
        infinite: An infinite number, None where there is none.
        rows: Rows read.
        zero_tail: Of those, how many at the end hold nothing but zeros.
        negative: Sum of the quantity in cells below zero.
    """

    cells: int = 0
    low: Extreme | None = None
    high: Extreme | None = None
    infinite: Extreme | None = None
    rows: int = 0
    zero_tail: int = 0
    negative: float = 0.0

    def joined_with(self, south: "CellSummary") -> "CellSummary":
        """Join with the summary of the rows south of these."""
        return CellSummary(
            self.cells + south.cells,
            _joined(self.low, south.low, lower=True),
            _joined(self.high, south.high, lower=False),
            self.infinite or south.infinite,
            self.rows + south.rows,
            south.zero_tail + (self.zero_tail if south.zero_tail == south.rows else 0),
            self.negative + south.negative,
        )


@dataclass
class CheckedRaster:
    """A raster, and the summary of its cells as far as they were read."""

    raster: Raster
    summary: CellSummary = field(default_factory=CellSummary)

    def reading_through(self, read: Read) -> Read:
        """Give a function that reads as `read` does and adds what it reads to the summary."""

        def read_and_add(block: Window) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
            raw, data = read(block)
            self.summary = self.summary.joined_with(_summarise(self.raster, block, raw, data))
            return raw, data

        return read_and_add


def _summarise(raster: Raster, block: Window, raw: NDArray[np.float64], data: NDArray[np.bool_]) -> CellSummary:
    """Summarise one block: numbers as they stand in the file, and where they are data."""
    finite = data & np.isfinite(raw)
    # A row without data holds no zeros: missing data have errors of their own.
    not_zero = np.flatnonzero((data & (raw != 0.0)).any(axis=1) | ~data.any(axis=1))
    measured = raster.measured(raw[finite])
    return CellSummary(
        cells=int(finite.sum()),
        low=_extreme(raster, block, raw, finite, np.min),
        high=_extreme(raster, block, raw, finite, np.max),
        infinite=_extreme(raster, block, raw, data & ~finite, np.max),
        rows=raw.shape[0],
        zero_tail=raw.shape[0] - 1 - int(not_zero[-1]) if not_zero.size else raw.shape[0],
        negative=float(measured[measured < 0.0].sum()),
    )


def check(checked: CheckedRaster, config: BandConfig, *, amount: bool) -> list[Issue]:
    """Find what the summary of all cells shows: E-NUM-INF, E-NODATA-SUSPECT, E-NEG, W-RASTER-ZEROS."""
    raster, found, issues = checked.raster, checked.summary, []
    if found.infinite is not None:
        rule, fix = "a cell holds a finite number", "declare it: nodata = ..., or write the raster again"
        issues.append(_cell_error("E-NUM-INF", raster, found.infinite, rule, fix))
    for extreme in (found.low, found.high if found.high != found.low else None):
        if extreme is not None and _is_fill(raster, config, extreme, found.cells, amount=amount):
            rule = (
                f"{raster.name} holds measured numbers alone; this one stands in {extreme.cells:,} of {found.cells:,} "
                "cells and looks like a mark for no data that nobody declared"
            )
            fix = f'declare it: nodata = {_format_number(extreme.value)} (or nodata = "none" if cells did measure it)'
            issues.append(_cell_error("E-NODATA-SUSPECT", raster, extreme, rule, fix))
        elif extreme is found.low and extreme is not None and amount and extreme.value < 0:
            rule = f"an amount is not negative; {raster.name} says it counts one"
            issues.append(_cell_error("E-NEG", raster, extreme, rule, 'correct the cells, or say quantity = "mean"'))
    if amount and found.rows > found.zero_tail > _LONG_TAIL * found.rows:
        rule = f"the last {found.zero_tail:,} of {found.rows:,} rows read hold nothing but zeros, as in a file cut off"
        fix = f"compare it with its source, and keep its hash beside it as {raster.path.name}.sha256"
        issues.append(Issue("W-RASTER-ZEROS", "warning", raster.path.name, None, None, "0", rule, fix, None))
    return issues


def missing_blocks(raster: Raster, whole: Window | None = None) -> list[Issue]:
    """Find blocks that the file does not have: GDAL reads them as no data, or as zeros where none is declared.

    Returns:
        At most one issue: E-RASTER-HOLES, or W-RASTER-HOLES where the missing blocks read as no data.
    """
    whole = whole or raster.cells.whole
    rows, (height, width) = raster.file_rows(whole.rows), raster.block_yx
    with opened(raster.path) as source:
        names = [
            f"BLOCK_OFFSET_{column}_{row}"
            for row in range(rows.start // height, -(-rows.stop // height))
            for column in range(whole.columns.start // width, -(-whole.columns.stop // width))
        ]
        absent = [name for name in names if source.get_tag_item(name, "TIFF", bidx=raster.band) is None]
    if not absent:
        return []
    value = f"{len(absent):,} of {len(names):,} blocks"
    rule = "every block of cells is in the file; a writer that was stopped leaves some out"
    fix = "get the file again"
    if raster.zero_is == "missing" or not (np.isnan(raster.nodata) or raster.nodata == 0):
        rule += " (these read as no data)"
        return [Issue("W-RASTER-HOLES", "warning", raster.path.name, None, None, value, rule, fix, None)]
    fix += "; if they are true zeros, write them: gdal_translate -co SPARSE_OK=FALSE"
    return [error("E-RASTER-HOLES", raster.path.name, value=value, rule=f"{rule} (these read as 0)", fix=fix)]


def _is_fill(raster: Raster, config: BandConfig, extreme: Extreme, cells: int, *, amount: bool) -> bool:
    value, share = extreme.value, extreme.cells / cells
    if abs(value) >= _HUGE_NUMBER:
        return True
    if config.nodata == "none":
        return False
    many = share >= _MIN_FILL_SHARE
    if amount and value < 0 and raster.scale > 0 and raster.offset == 0:
        # No amount is negative: a round mark or a number that repeats is a fill, another is a mistake.
        return value in _FILL_VALUES or value == -1.0 or many
    return value in _FILL_VALUES and many


def _extreme(
    raster: Raster,
    block: Window,
    raw: NDArray[np.float64],
    mask: NDArray[np.bool_],
    edge: Callable[[NDArray[np.float64]], np.float64],
) -> Extreme | None:
    """Find the least or greatest of the numbers under a mask; None under an empty one."""
    if not mask.any():
        return None
    value = float(edge(raw[mask]))
    at = mask & (raw == value)
    row, column = divmod(int(np.argmax(at)), at.shape[1])
    row = raster.file_rows(slice(block.rows.start + row, block.rows.start + row + 1)).start
    return Extreme(value, int(at.sum()), row, block.columns.start + column)


def _joined(one: Extreme | None, other: Extreme | None, *, lower: bool) -> Extreme | None:
    if one is None or other is None:
        return one or other
    if one.value == other.value:
        return Extreme(one.value, one.cells + other.cells, one.row, one.column)
    return one if (one.value < other.value) == lower else other


def _cell_error(code: str, raster: Raster, extreme: Extreme, rule: str, fix: str) -> Issue:
    """The error that stands in a cell: row and column of the file, from 1."""
    line, column = extreme.row + 1, str(extreme.column + 1)
    return error(
        code, raster.path.name, line=line, column=column, value=_format_number(extreme.value), rule=rule, fix=fix
    )


def _format_number(value: float) -> str:
    """Write a number so that TOML reads the same one: short where single precision is enough."""
    if abs(value) < 1e15 and value == round(value):
        return f"{value:.0f}"
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else repr(value)
