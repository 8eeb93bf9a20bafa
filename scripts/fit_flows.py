"""Calibrates a spatial interaction model on an observed origin-destination table, and writes the run folder."""

from flowmodel.runs.command import Config, Device, Out, Settings, cli


def fit_flows(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Calibrates CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    import geo
    from flowmodel.config import FlowsRun
    from flowmodel.runs.fit_flows import fit_flows
    from flowmodel.runs.request import read_config

    maps = geo.Maps()
    request = read_config(config, set_, device=device, maps=maps, form=FlowsRun)
    return fit_flows(request, maps=maps, out=out).status


if __name__ == "__main__":
    cli(fit_flows)
