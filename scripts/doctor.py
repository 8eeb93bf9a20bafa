"""Prints what this machine has: packages and where they load from, devices and memory, cache, variables, data."""

from itertools import chain
from pathlib import Path

from flowmodel.runs.command import Device, cli

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "dev.lock"


def doctor(device: Device = None) -> None:
    """Prints one fact a line; send them along with a question.

    Args:
        device: is looked for, as every command that computes does; exit status 6 if it is not there.
    """
    from flowmodel.runtime import installation
    from geo.opening import drivers

    maps, computer = drivers.facts(), installation.machine(device)
    for fact, value in chain(installation.packages(LOCK), maps, installation.variables(), computer):
        print(f"{fact:14} {value}", flush=True)


if __name__ == "__main__":
    cli(doctor)
