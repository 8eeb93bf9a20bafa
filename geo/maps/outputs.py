"""Maps and the report of a finished run, for Python."""

from pathlib import Path

from geo.maps.interface import Maps


def export(run: Path | str, *, crs: str | None = None, cell_m: float | None = None) -> list[Path]:
    """Write rasters and vectors of a finished run into its folder; of a grid run rasters alone.

    Args:
        run: The folder of a finished run.
        crs: china_albers, or the EPSG code of a projected system; china_albers if not given.
        cell_m: Side of a cell, metres; 1000 if not given. A grid run has cells of its own.

    Returns:
        The files.

    Raises:
        DataError: The folder holds no finished run, or the system or the cell does not serve.
    """
    written = Maps().export(Path(run), crs, cell_m, lambda step: None)
    return [path for paths in written.values() for path in paths]


def report(run: Path | str) -> Path:
    """Write `report.html` and the pictures in `figures/` of a fitted run into its folder.

    Returns:
        The page.

    Raises:
        DataError: A file of the run is missing or not as a fit writes it.
    """
    page = Path(run) / "report.html"
    Maps().report(Path(run), page)
    return page
