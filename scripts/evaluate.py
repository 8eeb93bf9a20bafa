"""Evaluates a configuration on what it has not seen: held-out time, space and pairs, placebos; writes a run folder."""

from flowmodel.runs.command import Config, Device, Out, Settings, cli


def evaluate(config: Config, set_: Settings = (), out: Out = None, device: Device = None) -> int:
    """Runs the evaluation CONFIG and writes its run folder.

    Args:
        config: the configuration of the evaluation, a TOML file.
        set_: overrides one value of it; may be repeated.
        out: the run folder; runs/NAME if not given.
        device: what computes, whatever the configuration that is evaluated says; one that is not there is an error.
    """
    import geo
    from flowmodel.config import Evaluation
    from flowmodel.runs.evaluate import evaluate
    from flowmodel.runs.request import read_config

    maps = geo.Maps()
    return evaluate(read_config(config, set_, maps=maps, form=Evaluation), maps=maps, out=out, device=device).status


if __name__ == "__main__":
    cli(evaluate)
