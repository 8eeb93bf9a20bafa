"""Writes the rasters and vectors of a finished run, for a GIS."""

from flowmodel.runs.command import Folder, cli


def export(run: Folder, crs: str | None = None, cell_m: float | None = None) -> None:
    """Writes RUN/rasters/*.tif (cloud-optimised GeoTIFF) and RUN/vectors/results.gpkg; of a grid run rasters alone.

    Args:
        run: the folder of a finished run.
        crs: china_albers, or the EPSG code of a projected system, such as EPSG:10594; china_albers if not given.
        cell_m: side of a cell, metres; 1000 if not given. A grid run has cells of its own: neither can be given.
    """
    import geo
    from flowmodel.runs.outputs import export

    export(run, maps=geo.Maps(), crs=crs, cell_m=cell_m)


if __name__ == "__main__":
    cli(export)
