"""The zones of a run: built from sources, read from a ready file, or given in memory."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from flowmodel.config import Config
from flowmodel.config.paths import located
from flowmodel.errors import ConfigError
from flowmodel.runs import console
from flowmodel.runs.folder import RunFolder, run_folder
from flowmodel.runs.maps import Built, Maps, needed
from flowmodel.runs.reading import read
from flowmodel.runs.request import Request
from flowmodel.zones import table as labelled
from flowmodel.zones.table import ZoneTable

Zones = ZoneTable | xr.Dataset | Built
"""Zones in memory: a table, its dataset, or what `geo.build_zones` gives."""


def build_zones(config: Request[Config], *, maps: Maps, out: Path | str | None = None) -> ZoneTable:
    """Builds the zones of a configuration, and writes zones.nc, zones.gpkg and issues.csv to a run folder.

    Raises:
        ConfigError: `[zones]` is wrong.
        DataError: the sources are wrong; issues.csv lists every problem.
    """
    with run_folder(config.folder(out)) as folder:
        table = obtain(config, folder, maps)
    for year in map(int, table.data["year"].values):
        people = table.counted(year)
        missing = int(np.isnan(people).sum())
        rest = f", {missing} zones not counted" if missing else ""
        console.say(f"{year}: {len(people)} zones, {np.nansum(people):,.0f} residents{rest}")
    return table


def obtain(request: Request[Config], folder: RunFolder, maps: Maps | None, zones: Zones | None = None) -> ZoneTable:
    """The zones of a run, written to the folder as zones.nc with what belongs to them.

    Raises:
        ConfigError: `[zones]` is wrong or missing, or the run would overwrite a crosswalk that a user has edited.
        DataError: the sources are wrong; issues.csv lists every problem.
        ZonesError: the ready file is wrong.
    """
    folder.check_unedited()
    if zones is not None:
        return _given(request, folder, zones)
    if "file" in request.config.zones:
        return _ready(request, folder)
    if not request.config.zones:
        lines = '[zones] and source = "panel"'
        raise ConfigError("E-CONFIG-KEY", f"{request.source}: [zones] is missing", f"write {lines}, or pass zones=")
    with console.steps("building zones"):
        return _built(request, folder, needed(maps, "[zones]"))


def _given(request: Request[Config], folder: RunFolder, zones: Zones) -> ZoneTable:
    """Zones in memory, checked and kept in the run."""
    table = _completed(labelled.as_table(zones), request.config)
    folder.clear()
    _write(folder, table, zones)
    return table


def _ready(request: Request[Config], folder: RunFolder) -> ZoneTable:
    """The zones of a ready file, kept in the run with the polygons that lie beside it."""
    name = request.config.zones["file"]
    if set(request.config.zones) != {"file"} or not isinstance(name, str):
        raise ConfigError("E-CONFIG-KEY", "[zones] file is no path, or not alone", "give one file, or sources")
    file = located(request.base, name)
    table = _completed(labelled.read_zones(file), request.config)
    polygons = file.with_suffix(".gpkg")
    shapes = polygons.read_bytes() if polygons.is_file() else None
    folder.clear()
    folder.write("zones.nc", partial(labelled.write, table.data))
    if shapes is not None:
        folder.write("zones.gpkg", lambda path: path.write_bytes(shapes))
    return table


def _built(request: Request[Config], folder: RunFolder, maps: Maps) -> ZoneTable:
    """The zones of the sources that `[zones]` names."""
    tables, config = request.config.zones, request.config
    for file in request.inputs(maps, "zones", tables):
        folder.check_outside(file)

    def reading() -> _Checked:
        built = maps.zones(tables, request.base, config.run.seed)
        return _Checked(built, _completed(labelled.check(built.dataset, "zones.nc"), config))

    found = read(folder, maps, reading)
    _write(folder, found.table, found.built)
    for rule in found.table.rules:
        console.warn(f"declared rule: {rule}")
    return found.table


class _Checked:
    """Built zones whose table was checked before anything of an earlier run is removed."""

    def __init__(self, built: Built, table: ZoneTable) -> None:
        self.built, self.table, self.issues = built, table, built.issues


def _write(folder: RunFolder, table: ZoneTable, zones: Any) -> None:
    """zones.nc, and of zones that were built the polygons and the tables."""
    if hasattr(zones, "write_polygons"):
        folder.write("zones.gpkg", lambda path: zones.write_polygons(path, table.data))
        for name, frame in zones.tables.items():
            folder.write_csv(name, frame)
    folder.write("zones.nc", partial(labelled.write, table.data))


def _completed(table: ZoneTable, config: Config) -> ZoneTable:
    """`table`, with the last census that a `[truth]` makes."""
    if not config.truth:
        return table
    from flowmodel.estimation import synthetic
    from flowmodel.runs.start import prepare

    prepare(config.runtime)
    return synthetic.observe(table, config)
