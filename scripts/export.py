"""Writes the rasters and vectors of a finished run, for a GIS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from flowmodel.runs.folder import cli, finished_run, run_folder

if TYPE_CHECKING:
    from flowmodel.runs.folder import RunFolder


def export(run: Annotated[Path, tyro.conf.Positional], crs: str | None = None, cell_m: float | None = None) -> None:
    """Writes RUN/rasters/*.tif (cloud-optimised GeoTIFF) and RUN/vectors/results.gpkg; of a grid run rasters alone.

    Args:
        run: the folder of a finished run.
        crs: china_albers, or the EPSG code of a projected system, such as EPSG:10594; china_albers if not given.
        cell_m: side of a cell, metres; 1000 if not given. A grid run has cells of its own: neither can be given.
    """
    from geo.maps import grid_run

    finished_run(run)
    with run_folder(run) as folder:
        if grid_run.is_grid(folder.path):
            _own_cells(crs, cell_m)
            written = _cells(folder)
        else:
            written = _counties(folder, crs or "china_albers", 1000.0 if cell_m is None else cell_m)
    for path in written:
        print(path)


def _own_cells(crs: str | None, cell_m: float | None) -> None:
    from flowmodel.errors import ConfigError

    if crs is not None or cell_m is not None:
        raise ConfigError("E-EXPORT", "a grid run is exported on its own cells", "leave out --crs and --cell-m")


def _cells(folder: RunFolder) -> list[Path]:
    from flowmodel.runs import console
    from geo.maps import grid_rasters

    with console.steps("rasters") as step:
        written = grid_rasters.write(folder.path, folder.file("rasters"), step)
    folder.log("exported", rasters=[path.name for path in written])
    return written


def _counties(folder: RunFolder, crs: str, cell_m: float) -> list[Path]:
    from flowmodel.runs import console
    from geo.maps import rasters, vectors

    layers = folder.file("vectors") / "results.gpkg"
    with console.steps("rasters") as step:
        written = rasters.write(folder.path, folder.file("rasters"), crs, cell_m, step)
        vectors.write(folder.path, layers)
    folder.log("exported", crs=crs, cell_m=cell_m, rasters=[path.name for path in written])
    return [*written, layers]


if __name__ == "__main__":
    cli(export)
