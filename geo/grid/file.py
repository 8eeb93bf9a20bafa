"""`grid.nc`: the cells of a grid model in one labelled file, written band of rows by band of rows."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np

from geo.coordinates import crs, divide
from geo.raster.grid import Grid
from geo.raster.read import Read, reading
from geo.raster.zonal import NOBODY

from .align import CHUNK_ROWS, row_bands
from .covariates import Covariate
from .people import CellPopulation
from .places import Places, east

_LEVEL = 1


@contextmanager
def writing(path: Path, grid: Grid, kinds: Mapping[str, tuple[Any, Mapping[str, str]]]) -> Iterator[h5netcdf.File]:
    """Open a file of variables over (y, x), each chunked by bands of rows and lightly compressed."""
    rows, columns = grid.shape_yx
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"y": rows, "x": columns}
        x, _ = grid.centres(np.zeros(columns, np.int64), np.arange(columns))
        _, y = grid.centres(np.arange(rows), np.zeros(rows, np.int64))
        for name, values in (("y", y), ("x", x)):
            axis = file.create_variable(name, (name,), np.float64, data=values)
            attributes_of = {"units": "m", "long_name": f"{name} of the centre of a cell", "source": crs.name(grid.crs)}
            axis.attrs.update(attributes_of | {"standard_name": f"projection_{name}_coordinate"})
        file.create_variable("crs", (), np.int32, data=0).attrs.update(_system(grid))
        chunks = (min(CHUNK_ROWS, rows), columns)
        for name, (kind, attributes) in kinds.items():
            options = {"chunks": chunks, "compression": "gzip", "compression_opts": _LEVEL, "shuffle": True}
            variable = file.create_variable(name, ("y", "x"), kind, **options)
            variable.attrs.update({**attributes, "grid_mapping": "crs"})
        file.attrs.update({"crs_wkt": grid.crs.to_wkt(), "cell_m": grid.cell_m})
        yield file


def write(
    path: Path,
    places: Places,
    population: CellPopulation,
    covariates: Mapping[str, Covariate],
    attributes: Mapping[str, str | int],
    units: Mapping[str, str],
) -> float:
    """Write `grid.nc`.

    Args:
        path: The file; best a temporary name (`geo.results.whole_files.replacing`).
        places: Counties and mask.
        population: Residents of the cells.
        covariates: By name.
        attributes: Of the file.
        units: Of each covariate.

    Returns:
        Everybody in the cells, persons.
    """
    kinds = _kinds(population.source, covariates, units)
    total, (count, columns) = 0.0, places.grid.shape_yx
    with ExitStack() as stack:
        file = stack.enter_context(writing(path, places.grid, kinds))
        file.attrs.update(attributes)
        people = stack.enter_context(population.reading())
        reads: dict[str, Read] = {
            name: stack.enter_context(reading(covariate.aligned.raster)) for name, covariate in covariates.items()
        }
        for rows in row_bands(slice(0, count), columns, population.parts):
            zone = places.zone(rows)
            persons = people(rows, zone)
            total += float(persons.sum())
            file["population"][rows] = persons
            file["zone"][rows] = zone
            file["east"][rows] = east(places.grid, rows, zone)
            for name, covariate in covariates.items():
                file[f"covariate_{name}"][rows] = covariate.values(reads[name], zone, rows)[0].astype(np.float32)
    return total


def _kinds(
    source: str, covariates: Mapping[str, Covariate], units: Mapping[str, str]
) -> dict[str, tuple[Any, dict[str, str]]]:
    row = f"row of the county in zones.nc, {NOBODY} where the cell is no zone"
    side = "1 where the centre of a cell of a county is south-east of the divide"
    described: list[tuple[str, Any, str, str, str]] = [
        ("population", np.float64, "persons", "residents at the start", source),
        ("zone", np.int32, "1", row, "zones.gpkg, by the centre"),
        ("east", np.int8, "1", side, divide.DESCRIPTION),
    ]
    for name, covariate in covariates.items():
        long_name, file = f"{name.replace('_', ' ')} of a cell", covariate.aligned.raster.path.name
        described.append((f"covariate_{name}", np.float32, units[name], long_name, file))
    return {
        name: (kind, {"units": unit, "long_name": long_name, "source": of})
        for name, kind, unit, long_name, of in described
    }


def _system(grid: Grid) -> dict[str, str]:
    """What GDAL and CF programs look for."""
    wkt = grid.crs.to_wkt()
    attributes = {
        "units": "1",
        "long_name": "coordinate system",
        "source": "geo",
        "crs_wkt": wkt,
        "spatial_ref": wkt,
        "GeoTransform": " ".join(f"{number:.17g}" for number in grid.transform.to_gdal()),
    }
    name = grid.crs.to_cf().get("grid_mapping_name")
    return attributes | ({"grid_mapping_name": str(name)} if name else {})
