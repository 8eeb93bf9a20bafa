"""What a run of residents needs besides parameter values: zones, pairs of zones, years, and the list of parameters."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from flowmodel.config import Config
from flowmodel.dynamics import schedule
from flowmodel.dynamics.residents.zones import Zones, zones
from flowmodel.dynamics.schedule import Calendar
from flowmodel.errors import ConfigError
from flowmodel.gravity import storage
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.chosen_law import chosen
from flowmodel.gravity.decay import Law
from flowmodel.gravity.operator import AllPairs
from flowmodel.gravity.storage import Storage
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registry import Registry
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Setup:
    """Everything a run needs besides parameter values."""

    table: ZoneTable
    years: tuple[int, int]
    zones: Zones
    pairs: AllPairs
    storage: Storage
    calendar: Calendar
    registry: Registry

    @property
    def covariates(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the covariates of attraction, and of those of departure."""
        attraction, departure = (
            tuple(entry.name.partition(":")[2] for entry in self.registry.entries if entry.name.startswith(f"{kind}:"))
            for kind in ("attraction", "departure")
        )
        return attraction, departure


def build(table: ZoneTable, config: Config, dtype: Any) -> Setup:
    """The model of `config` on the zones of `table`, its pair kernel in `dtype`.

    Raises:
        ConfigError: a parameter override is wrong, there is no such decay law.
        ResourceError: the pairs do not fit in memory in the storage asked for.
        ZonesError: the table lacks a year or a covariate the configuration names.
    """
    law = chosen(config.model.law)
    names = registry(config.model, config.parameters, law.parameters)
    offset_km = names["offset_km"].fixed
    if offset_km is None:
        raise ConfigError("E-PARAMETER-OFFSET", "offset_km is free", "hold it at a value; distances are computed once")
    first, last = config.model.years
    # Every year leaves two outer products for the contraction.
    size = storage.Size(len(table.codes), rank=2 * (last - first))
    stored = storage.choose(size, dtype, config.runtime.storage, config.runtime.tile)
    return Setup(
        table=table,
        years=config.model.years,
        zones=zones(table, config.model.years[0], config.model.attraction, config.model.departure),
        pairs=pairs(table, offset_km, dtype, stored, law),
        storage=stored,
        calendar=schedule.calendar(config.model, config.model.years),
        registry=names,
    )


def pairs(table: ZoneTable, offset_km: float, dtype: Any, stored: Storage, law: Law) -> AllPairs:
    """The pairs of the table's zones, their S in `dtype`, in the storage given."""
    return storage.pairs(table.values("lon"), table.values("lat"), place(table), offset_km, dtype, stored, law)


def place(table: ZoneTable) -> Place:
    """Where the table's zones lie, as far as borders go."""
    return Place(
        index=jnp.arange(len(table.codes), dtype=jnp.int32),
        province=jnp.asarray(table.indices("province")),
        prefecture=jnp.asarray(table.indices("prefecture")),
        east=jnp.asarray(table.values("east").astype(bool)),
    )
