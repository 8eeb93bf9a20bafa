"""Finds the flows nearest to a prior table that have target totals, and writes the run folder."""

from flowmodel.runs.command import Config, Device, Out, Settings, cli


def balance_flows(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Balances the flows of CONFIG and writes its run folder.

    Args:
        config: the configuration, a TOML file.
        set_: overrides one value of the configuration; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration says; one that is not there is an error.
    """
    import geo
    from flowmodel.config import BalanceRun
    from flowmodel.runs.balance_flows import balance_flows
    from flowmodel.runs.request import read_config

    maps = geo.Maps()
    return balance_flows(
        read_config(config, set_, device=device, maps=maps, form=BalanceRun), maps=maps, out=out
    ).status


if __name__ == "__main__":
    cli(balance_flows)
