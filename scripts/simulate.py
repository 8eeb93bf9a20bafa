"""Runs the model of a configuration forward from given parameter values, without fitting, and closes its accounts.

A configuration with a section [grid] runs the cells of a raster with the parameters of a finished county run.
"""

from pathlib import Path

from flowmodel.runs.command import Config, Device, Out, Settings, cli


def simulate(
    config: Config, parameters: Path | None = None, set_: Settings = (), out: Out = None, device: Device = None
) -> None:
    """Runs CONFIG forward and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        parameters: a parameters.csv to take values from; else fixed values, the [truth], or the centres of the priors.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    import flowmodel
    import geo

    maps = geo.Maps()
    request = flowmodel.read_config(config, set_, device=device, maps=maps)
    flowmodel.simulate(request, parameters=parameters, maps=maps, out=out)


if __name__ == "__main__":
    cli(simulate)
