"""Builds zones.nc from the sources a configuration names: polygons, census tables, rules for what is missing."""

from __future__ import annotations

from flowmodel.runs.folder import Config, Out, Settings, cli, run_folder


def build_zones(config: Config, set_: Settings = (), out: Out = None) -> None:
    """Builds the zones of CONFIG and writes zones.nc, zones.gpkg and issues.csv.

    Of raw censuses it also writes crosswalk.csv, audit.csv and unallocated.csv.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the folder to write to; runs/NAME if not given.
    """
    import numpy as np

    from flowmodel.runs import request

    asked = request.request(config, set_, out)
    with run_folder(asked.out) as folder:
        table = request.obtain(asked, folder)
    for year in map(int, table.data["year"].values):
        people = table.counted(year)
        missing = int(np.isnan(people).sum())
        rest = f", {missing} zones not counted" if missing else ""
        print(f"{year}: {len(people)} zones, {np.nansum(people):,.0f} residents{rest}")


if __name__ == "__main__":
    cli(build_zones)
