"""Parquet files: columns with a type, each cell as text."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from geo.errors import DataError, error

from .cells import Grid, Kind, check_size, text


def read(path: Path) -> Grid:
    """Read a Parquet file without interpreting a cell; NaN, which pandas writes for a blank, is blank.

    Raises:
        DataError: E-IO-CORRUPT or E-SIZE-LIMIT.
    """
    try:
        # One file, opened by its own reader: a data set would take values from the names of the folders around it.
        with pq.ParquetFile(path) as file:
            check_size(path.name, file.metadata.num_rows, file.metadata.num_columns)
            table = file.read()
    except (pa.ArrowException, OSError) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not a Parquet file: {failure}", fix="export it again")
        raise DataError([issue]) from failure
    return grid(table)


def grid(table: pa.Table) -> Grid:
    """The cells of a typed table as text, with the kinds of its columns."""
    columns = [[text(cell) for cell in column.to_pylist()] for column in table.columns]
    kinds = {field.name: _kind(field.type) for field in table.schema}
    return Grid(
        table.column_names,
        [(line, list(row)) for line, row in enumerate(zip(*columns, strict=True), start=1)],
        kinds,
    )


def _kind(type_: pa.DataType) -> Kind:
    if pa.types.is_integer(type_):
        return "integer"
    return "float" if pa.types.is_floating(type_) or pa.types.is_decimal(type_) else "text"
