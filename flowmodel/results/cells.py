"""`results.nc` of a grid run, written year by year in bands of rows. No JAX here."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5netcdf
import numpy as np

from flowmodel.zones.cells import GridCells

_BAND = 256
_SOURCE = "flowmodel"
_VARIABLES = {
    "residents": ("year", "persons", "residents"),
    "inflow": ("flow_year", "persons per year", "arrivals in the year that ends with flow_year"),
    "outflow": ("flow_year", "persons per year", "departures in the year that ends with flow_year"),
}


@dataclasses.dataclass(frozen=True)
class ResultsFile:
    """An open `results.nc`."""

    file: h5netcdf.File

    def put(self, name: str, year: int, values: np.ndarray) -> None:
        """Writes one year of a variable, persons [y, x]."""
        variable = self.file[name]
        years = list(np.asarray(self.file[variable.dimensions[0]][...]))
        at = years.index(year)
        for first in range(0, values.shape[0], _BAND):
            rows = slice(first, first + _BAND)
            variable[at, rows, :] = values[rows]


@contextmanager
def writing(path: Path, cells: GridCells, years: list[int], flow_years: list[int]) -> Iterator[ResultsFile]:
    """Opens `results.nc`.

    Args:
        path: the file.
        cells: the grid.
        years: whose residents are kept.
        flow_years: whose moves are kept, each named by its end.
    """
    rows, columns = cells.shape
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"year": len(years), "flow_year": len(flow_years), "y": rows, "x": columns}
        for name, values, units in (
            ("year", np.asarray(years, np.int32), "1"),
            ("flow_year", np.asarray(flow_years, np.int32), "1"),
            ("y", cells.y, "m"),
            ("x", cells.x, "m"),
        ):
            axis = file.create_variable(name, (name,), values.dtype, data=values)
            axis.attrs.update({"units": units, "long_name": name, "source": _SOURCE})
        for name, (when, units, meaning) in _VARIABLES.items():
            chunks = (1, min(_BAND, rows), columns)
            options = {"chunks": chunks, "compression": "gzip", "compression_opts": 1, "shuffle": True}
            variable = file.create_variable(name, (when, "y", "x"), np.float64, **options)
            variable.attrs.update({"units": units, "long_name": meaning, "source": _SOURCE})
        file.attrs.update({"crs_wkt": cells.crs_wkt, "cell_m": cells.cell_km * 1000})
        yield ResultsFile(file)
