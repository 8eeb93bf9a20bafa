"""Builds zones.nc from the sources a configuration names: polygons, census tables, rules for what is missing."""

from __future__ import annotations

from _command import Config, Out, Settings, cli, run_folder


def build_zones(config: Config, set_: Settings = (), out: Out = None) -> None:
    """Builds the zones of CONFIG and writes zones.nc, zones.gpkg and issues.csv.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the folder to write to; runs/NAME if not given.
    """
    import _inputs

    asked = _inputs.request(config, set_, out)
    with run_folder(asked.out) as folder:
        table = _inputs.obtain(asked, folder)
    for year in table.data["year"].values:
        print(f"{year}: {len(table.codes)} zones, {table.population(int(year)).sum():,.0f} residents")


if __name__ == "__main__":
    cli(build_zones)
