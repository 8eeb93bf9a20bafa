"""The zones of a configuration, without a model."""

from pathlib import Path

import numpy as np

from flowmodel.config import Config
from flowmodel.runs import console
from flowmodel.runs.folder import run_folder
from flowmodel.runs.maps import Maps
from flowmodel.runs.request import Request
from flowmodel.runs.zones import obtain
from flowmodel.zones.table import ZoneTable


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
