"""The start of a run: the device, and a model that fits in memory; and a model in Python without a run folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from flowmodel import models, runtime
from flowmodel.config import Config, Runtime
from flowmodel.models.model import Model
from flowmodel.runs import console
from flowmodel.runs.request import Request
from flowmodel.zones import table as labelled
from flowmodel.zones.table import ZoneTable

_SMALLEST_TILE = 16

Done = TypeVar("Done")


def prepare(asked: Runtime) -> None:
    """Prepares the device that a configuration asks for, before any array, and reports once which device computes.

    Raises:
        ResourceError: E-DEVICE, it is not there.
    """
    runtime.configure(asked, console.warn_once)


def with_model(
    table: ZoneTable, config: Config, base: Path, dtype: Any, work: Callable[[Model], Done]
) -> tuple[Model, Done]:
    """The model of a configuration, announced, and what `work` makes of it.

    Where the kernel is made in tiles and memory runs out all the same, the model is built again with tiles of half the
    size.

    Raises:
        ResourceError: E-MEMORY, the smallest tiles do not fit either.
    """
    model = models.of_counties(table, config, base, dtype)
    for line in model.announce():
        console.warn(line)
    side = model.tile
    if not side:
        return model, work(model)

    def attempt(tile: int) -> tuple[Model, Done]:
        smaller = model if tile == side else models.of_counties(table, _with_tile(config, tile), base, dtype)
        return smaller, work(smaller)

    return runtime.retrying(attempt, side, _SMALLEST_TILE, console.warn)


def _with_tile(config: Config, tile: int) -> Config:
    return config.model_copy(update={"runtime": config.runtime.model_copy(update={"storage": "tiled", "tile": tile})})


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
