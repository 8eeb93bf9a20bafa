"""Writes the rasters and vectors of a finished run, for a GIS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from _command import cli, finished_run, run_folder


def export(run: Annotated[Path, tyro.conf.Positional], crs: str = "china_albers", cell_m: float = 1000.0) -> None:
    """Writes RUN/rasters/*.tif (cloud-optimised GeoTIFF) and RUN/vectors/results.gpkg.

    Args:
        run: the folder of a finished run.
        crs: china_albers, or the EPSG code of a projected system, such as EPSG:10594.
        cell_m: side of a cell, metres.
    """
    import _show

    from geo.export import rasters, vectors

    finished_run(run)
    with run_folder(run) as folder, _show.steps("rasters") as step:
        written = rasters.write(folder.path, folder.file("rasters"), crs, cell_m, step)
        vectors.write(folder.path, folder.file("vectors") / "results.gpkg")
        folder.log("exported", crs=crs, cell_m=cell_m, rasters=[path.name for path in written])
    for path in (*written, folder.file("vectors") / "results.gpkg"):
        print(path)


if __name__ == "__main__":
    cli(export)
