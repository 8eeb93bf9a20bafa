"""Census tables as text: every cell as it stands in the file, with the line it stands in."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from geo import opening
from geo.config import FileConfig
from geo.errors import DataError, Issue, error
from geo.opening import Kind as FileKind

from . import columnar, delimited, workbook
from .cells import Grid, Kind, check_size

_ALLOWED = {FileKind.TEXT: (".csv",), FileKind.XLSX: (".xlsx",), FileKind.PARQUET: (".parquet",)}


@dataclass(frozen=True)
class Table:
    """A table before anything is believed about it.

    Attributes:
        file: Base name, for messages.
        columns: The cells of each column as text, "" where blank.
        lines: Line of each row (see `Issue.line`).
        kinds: What the file calls a column that is no text; numbers lose the zeros before them.
        thousands: Separator that its numbers may have between groups of three digits.
        missing: Texts that stand for an unknown number.
        where: Section of the config that names the file, for messages.
    """

    file: str
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    thousands: str | None = None
    missing: frozenset[str] = frozenset()
    where: str = "[zones.table]"

    @property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(self.lines)

    def blank(self, column: str) -> NDArray[np.bool_]:
        """Tell where a column of numbers has none: blank, or a declared text for unknown; shape (rows,)."""
        return np.array([not cell or cell in self.missing for cell in self.columns[column]], dtype=np.bool_)

    def only(self, rows: Sequence[int]) -> Self:
        """Give some of the rows, in the order named."""
        columns = {name: tuple(cells[row] for row in rows) for name, cells in self.columns.items()}
        return dataclasses.replace(self, columns=columns, lines=tuple(self.lines[row] for row in rows))

    def wrong_cell(self, code: str, row: int, column: str, rule: str, fix: str, people: float | None = None) -> Issue:
        """Report that a cell breaks `rule`: a warning where the code begins with W, else an error."""
        place = (self.file, self.lines[row], column, self.columns[column][row])
        return Issue(code, "warning" if code.startswith("W-") else "error", *place, rule, fix, people)


def read(config: FileConfig, where: str = "[zones.table]") -> Table:
    """Read a CSV, Excel or Parquet file without interpreting a cell.

    Columns without a name cannot be asked for and are left out; rows without any text are no rows.

    Args:
        config: The file and how it is written.
        where: Section of the config, for messages.

    Raises:
        DataError: What `geo.opening` raises; E-IO-CORRUPT, E-ENC, E-CSV-DELIM, E-CSV-RAGGED, E-COL-DUP,
            E-LAYER-AMBIGUOUS, E-LAYER-MISSING, E-XLS-MERGED, E-SIZE-LIMIT or E-EMPTY.
    """
    return _table(config, _read(config, where), where)


def _table(config: FileConfig, grid: Grid, where: str) -> Table:
    """A sheet of cells whose header names columns."""
    issues = [*_check_header(config, grid), *_check_rows(config, grid)]
    if issues:
        raise DataError(issues)
    cells = zip(*(row for _, row in grid.rows), strict=True)
    columns = {name: column for name, column in zip(grid.header, cells, strict=True) if name}
    lines, missing = tuple(line for line, _ in grid.rows), frozenset(config.missing_values)
    return Table(config.file.name, columns, lines, grid.kinds, config.thousands, missing, where)


def of_frame(frame: pd.DataFrame, config: FileConfig, where: str = "[zones.table]") -> Table:
    """A data frame as a table, as if it had been read from a Parquet file called as `config` says.

    Raises:
        DataError: E-SIZE-LIMIT, E-COL-DUP or E-EMPTY.
    """
    check_size(config.file.name, *frame.shape)
    typed = pa.Table.from_pandas(frame.set_axis(frame.columns.map(str), axis="columns"), preserve_index=False)
    cells = columnar.grid(typed)
    return _table(config, Grid(cells.header, [(line, row) for line, row in cells.rows if any(row)], cells.kinds), where)


def read_sheet(config: FileConfig, where: str) -> Grid:
    """Read the same files as a sheet of cells whose header is judged by the caller: labels, not names of columns.

    Args:
        config: The file and how it is written.
        where: Section of the config, for messages.

    Returns:
        All columns, and the rows that have any text.

    Raises:
        DataError: As `read`, but for E-COL-DUP.
    """
    grid = _read(config, where)
    if issues := _check_rows(config, grid):
        raise DataError(issues)
    return grid


def _read(config: FileConfig, where: str) -> Grid:
    """Read the rows that have any text."""
    grid = _open(config, where)
    return Grid(grid.header, [(line, row) for line, row in grid.rows if any(row)], grid.kinds)


def _open(config: FileConfig, where: str) -> Grid:
    """Open a file by the reader of its content; its name must not say otherwise."""
    path = config.file
    match opening.expect(path, f"{where} file", _ALLOWED):
        case FileKind.XLSX:
            opening.check_archive(path, f"{where} file")
            return workbook.read(path, config.sheet, config.header, where)
        case FileKind.PARQUET:
            return columnar.read(path)
        case _:
            return delimited.read(path, config.encoding, config.header, where)


def _check_header(config: FileConfig, grid: Grid) -> list[Issue]:
    fix = "rename all but one"
    return [
        error(
            "E-COL-DUP",
            config.file.name,
            line=config.header,
            column=name,
            value=name,
            rule=f"{times} columns have this name: columns {', '.join(_positions(grid.header, name))}",
            fix=fix,
        )
        for name, times in Counter(grid.header).items()
        if times > 1 and name
    ]


def _positions(header: Sequence[str], name: str) -> list[str]:
    return [str(at) for at, other in enumerate(header, start=1) if other == name]


def _check_rows(config: FileConfig, grid: Grid) -> list[Issue]:
    file, width = config.file.name, len(grid.header)
    if not grid.rows:
        return [error("E-EMPTY", file, rule="the table has no rows", fix="export it again")]
    return [
        error(
            "E-CSV-RAGGED",
            file,
            line=line,
            value=",".join(row)[:80],
            rule=f"the row has {len(row)} cells, the header {width}",
            fix="quote the cells that hold a separator",
        )
        for line, row in grid.rows
        if len(row) != width
    ]
