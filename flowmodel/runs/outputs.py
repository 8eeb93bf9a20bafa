"""Maps and the report of a finished run."""

from pathlib import Path

from flowmodel.runs import console
from flowmodel.runs.folder import finished_folder
from flowmodel.runs.maps import Maps


def export(run: Path, *, maps: Maps, crs: str | None = None, cell_m: float | None = None) -> list[Path]:
    """Writes rasters and vectors of a finished run into its folder; of a grid run rasters alone.

    Args:
        run: the folder of a finished run.
        maps: writes them, such as `geo.Maps()`.
        crs: china_albers, or the EPSG code of a projected system; china_albers if not given.
        cell_m: side of a cell, metres; 1000 if not given. A grid run has cells of its own.

    Raises:
        ConfigError: E-RUN, the folder holds no finished run.
        DataError: the system or the cell does not serve.
    """
    with finished_folder(run) as folder, console.steps("rasters") as step:
        written = maps.export(folder.path, crs, cell_m, step)
        files = [path for paths in written.values() for path in paths]
        folder.log("exported", crs=crs, cell_m=cell_m, files=[path.name for path in files])
    for path in files:
        console.say(str(path))
    return files


def report(run: Path, *, maps: Maps) -> Path:
    """Writes report.html and figures/*.png of a finished run into its folder.

    Raises:
        ConfigError: E-RUN, the folder holds no finished run.
        DataError: a file of the run is not as a run writes it.
    """
    with finished_folder(run) as folder:
        page = folder.file("report.html")
        maps.report(folder.path, page)
        folder.log("reported")
    console.say(str(page))
    return page
