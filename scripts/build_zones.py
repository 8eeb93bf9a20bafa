"""Builds zones.nc from the sources a configuration names: polygons, census tables, rules for what is missing."""

from flowmodel.runs.command import Config, Out, Settings, cli


def build_zones(config: Config, set_: Settings = (), out: Out = None) -> None:
    """Builds the zones of CONFIG and writes zones.nc, zones.gpkg and issues.csv.

    Of raw censuses it also writes crosswalk.csv, audit.csv and unallocated.csv.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the folder to write to; runs/NAME if not given.
    """
    import geo
    from flowmodel.config import Config
    from flowmodel.runs.request import read_config
    from flowmodel.runs.zones import build_zones

    maps = geo.Maps()
    build_zones(read_config(config, set_, maps=maps, form=Config), maps=maps, out=out)


if __name__ == "__main__":
    cli(build_zones)
