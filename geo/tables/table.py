"""Census tables as text: every cell as the file has it, with its line."""

import dataclasses
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
    """A table as read, before any check.

    Attributes:
        file: Base name, for messages.
        columns: The cells of each column as text, "" where blank.
        lines: Line of each row (see `Issue.line`).
        kinds: Type in the file of a column that is not text; numbers lose the zeros before them.
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

    Columns without a name and rows without any text are left out.

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
    """A data frame as a table, as if it had been read from a Parquet file with the name in `config`.

    Raises:
        DataError: E-SIZE-LIMIT, E-COL-DUP or E-EMPTY.
    """
    check_size(config.file.name, *frame.shape)
    typed = pa.Table.from_pandas(frame.set_axis(frame.columns.map(str), axis="columns"), preserve_index=False)
    return _table(config, columnar.grid(typed).filled(), where)


def read_sheet(config: FileConfig, where: str) -> Grid:
    """Read all columns of the same files, and the rows that have any text; the header may be labels.

    Raises:
        DataError: As `read`, except E-COL-DUP.
    """
    grid = _read(config, where)
    if issues := _check_rows(config, grid):
        raise DataError(issues)
    return grid


def _read(config: FileConfig, where: str) -> Grid:
    """Read the rows that have any text by the reader of the file's content, which its name must not contradict."""
    path = config.file
    match opening.expect(path, f"{where} file", _ALLOWED):
        case FileKind.XLSX:
            opening.check_archive(path, f"{where} file")
            return workbook.read(path, config.sheet, config.header, where).filled()
        case FileKind.PARQUET:
            return columnar.read(path).filled()
        case _:
            return delimited.read(path, config.encoding, config.header, where).filled()


def _check_header(config: FileConfig, grid: Grid) -> list[Issue]:
    places: dict[str, list[str]] = {}
    for at, name in enumerate(grid.header, start=1):
        places.setdefault(name, []).append(str(at))
    rules = {
        name: f"{len(at)} columns have this name: columns {', '.join(at)}"
        for name, at in places.items()
        if name and len(at) > 1
    }
    file, line, fix = config.file.name, config.header, "rename all but one"
    return [
        error("E-COL-DUP", file, line=line, column=name, value=name, rule=rule, fix=fix) for name, rule in rules.items()
    ]


def _check_rows(config: FileConfig, grid: Grid) -> list[Issue]:
    file, width = config.file.name, len(grid.header)
    if not grid.rows:
        return [error("E-EMPTY", file, rule="the table has no rows", fix="export it again")]
    issues = []
    for line, row in grid.rows:
        if len(row) != width:
            rule, fix = f"the row has {len(row)} cells, the header {width}", "quote the cells that hold a separator"
            issues.append(error("E-CSV-RAGGED", file, line=line, value=",".join(row)[:80], rule=rule, fix=fix))
    return issues
