"""Gravity models of people moving between zones, year by year, fitted to what censuses observed.

    from flowmodel import read_config, read_zones, build, simulate, fit, load_run

The names below are loaded when they are first used: importing the package touches no device and takes no time. Counties
become zones (`zones`), zones a kernel (`gravity`), the kernel moves people (`dynamics`), the census judges
(`estimation`, `evaluation`), and results (`results`, `runs`) go back on the map, which is the package `geo`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowmodel.runs.fit import fit as fit
    from flowmodel.runs.request import Request as Request
    from flowmodel.runs.request import read_config as read_config
    from flowmodel.runs.run import Run as Run
    from flowmodel.runs.run import load_run as load_run
    from flowmodel.runs.simulate import simulate as simulate
    from flowmodel.runs.start import build as build
    from flowmodel.zones.table import ZoneTable as ZoneTable
    from flowmodel.zones.table import read_zones as read_zones

_HOMES = {
    "Request": "runs.request",
    "Run": "runs.run",
    "ZoneTable": "zones.table",
    "build": "runs.start",
    "fit": "runs.fit",
    "load_run": "runs.run",
    "read_config": "runs.request",
    "read_zones": "zones.table",
    "simulate": "runs.simulate",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
