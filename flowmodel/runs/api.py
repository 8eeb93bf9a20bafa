"""A model in Python without a run folder."""

from typing import Any

import xarray as xr

from flowmodel import models, runtime
from flowmodel.config import Config
from flowmodel.models.model import Model
from flowmodel.runs.request import Request
from flowmodel.zones import table as labelled
from flowmodel.zones.table import ZoneTable


def build(config: Request[Config], zones: ZoneTable | xr.Dataset | Any) -> Model:
    """The model of a configuration on zones in memory; nothing is written.

    Args:
        config: of `read_config`.
        zones: a table of `read_zones`, its dataset, or what `geo.build_zones` gives.

    Returns:
        The model; `model.run(natural)` gives closed accounts, `model.residents(natural)` residents at the end, which
        can be differentiated, and `model.registry` the parameters.

    Raises:
        ConfigError: a parameter override is wrong.
        ResourceError: a device is missing, or the pairs do not fit in memory.
        ZonesError: the zones lack what the configuration names.
    """
    runtime.configure(config.config.runtime)
    table = labelled.as_table(zones)
    return models.of_counties(table, config.config, config.base, runtime.kernel_dtype(config.config.runtime))
