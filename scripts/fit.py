"""Fits the model of a configuration to what the censuses observed, and writes the run folder."""

from flowmodel.runs.command import Config, Device, Out, Settings, cli


def fit(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Fits CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    import flowmodel
    import geo

    maps = geo.Maps()
    return flowmodel.fit(flowmodel.read_config(config, set_, device=device, maps=maps), maps=maps, out=out).status


if __name__ == "__main__":
    cli(fit)
