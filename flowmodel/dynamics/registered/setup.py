"""A model with registration, ready to run: margins, groups, pairs, years, path and storage."""

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from flowmodel import runtime
from flowmodel.config import Config, Stock
from flowmodel.dynamics import schedule
from flowmodel.dynamics.registered import initial
from flowmodel.dynamics.registered.census.families import Families, families
from flowmodel.dynamics.registered.census.groups import Groups, groups
from flowmodel.dynamics.registered.census.margins import Margins, margins
from flowmodel.dynamics.registered.census.zones import registered_zones
from flowmodel.dynamics.registered.country import PAIR_TERMS, Country, country
from flowmodel.dynamics.registered.factored.cohorts import columns
from flowmodel.dynamics.residents import setup
from flowmodel.errors import ConfigError
from flowmodel.gravity import storage
from flowmodel.gravity.bands import banded
from flowmodel.gravity.chosen_law import chosen
from flowmodel.gravity.storage import Size, Storage
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registry import Registry
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Plan:
    """The path that computes the registered stock, and why."""

    path: Literal["factored", "pairwise"]
    why: str

    def __str__(self) -> str:
        """One line, for a person."""
        return f"stock: {self.path} path ({self.why})"


@dataclasses.dataclass(frozen=True)
class RegisteredSetup:
    """Everything a run with registration needs besides parameter values."""

    table: ZoneTable
    years: tuple[int, int]
    stock: Stock
    margins: Margins
    groups: Groups
    country: Country
    registry: Registry
    plan: Plan
    storage: Storage
    families: Families | None = None


def build(table: ZoneTable, config: Config, dtype: Any) -> RegisteredSetup:
    """The model of `config` on the zones of `table`, its pairs in `dtype`.

    Raises:
        ConfigError: a parameter override is wrong, there is no such decay law, or tiles are asked for with a process
            that needs every pair.
        ResourceError: the pairs do not fit in memory in the storage asked for.
        ZonesError: the table lacks a year, a covariate or a count that the stock needs, or no stock of pairs has its
            margins.
    """
    stock = config.model.stock
    assert stock is not None
    law = chosen(config.model.law)
    names = registry(config.model, config.parameters, law.parameters, config.fit.targets)
    offset_km = names["offset_km"].fixed
    if offset_km is None:
        raise ConfigError("E-PARAMETER-OFFSET", "offset_km is free", "hold it at a value; distances are computed once")
    stored = _storage(table, config, dtype)
    first = config.model.years[0]
    of_census, of_people = margins(table, first, stock), groups(table, first, stock)
    # Tiles in float64 take sixteen times as long, and `away_by_group` corrects the last digits in any case.
    exact = setup.pairs(table, offset_km, jnp.float64 if stored.kind == "dense" else dtype, stored, law)
    away = initial.away_by_group(table, of_census, banded(exact), of_people.share)
    zones = registered_zones(table, config.model, stock, of_census, of_people, away)
    pairs = setup.pairs(table, offset_km, dtype, stored, law)
    calendar = schedule.calendar(config.model, config.model.years)
    return RegisteredSetup(
        table=table,
        years=config.model.years,
        stock=stock,
        margins=of_census,
        groups=of_people,
        country=country(zones, pairs, calendar, stock, offset_km),
        registry=names,
        plan=planned(stock),
        storage=stored,
        families=None if stock.children is None else families(table, config.model, stock.children, of_census),
    )


def planned(stock: Stock) -> Plan:
    """The path of a stock, from the processes that are switched on."""
    reasons = stock.needs_pairs()
    if reasons:
        return Plan("pairwise", "needed by " + ", ".join(reasons))
    if stock.path == "pairwise":
        return Plan("pairwise", "asked for")
    return Plan("factored", "everything switched on factors into zones")


def _storage(table: ZoneTable, config: Config, dtype: Any) -> Storage:
    """The storage of S; the pairwise path needs matrices of all pairs."""
    stock, asked = config.model.stock, config.runtime.storage
    assert stock is not None
    years = config.model.years[1] - config.model.years[0]
    kernels = len(stock.names()) if PAIR_TERMS & set(stock.by_group) else 1
    province = table.indices("province")
    rank = 2 + years * sum(columns(stock.returning, years))
    size = Size(
        zones=len(province),
        rank=rank * len(stock.names()) // kernels,
        provinces=(int(province.max()) + 1, int(np.bincount(province).max())),
        kernels=kernels,
    )
    if planned(stock).path == "factored":
        return storage.choose(size, dtype, asked, config.runtime.tile)
    if asked == "tiled":
        off = ", ".join(stock.needs_pairs()) or "model.stock.path = 'pairwise'"
        raise ConfigError(
            "E-STORAGE",
            f"runtime.storage = 'tiled' with {off}, which needs a matrix of all pairs",
            f"switch off {off}, or leave runtime.storage out",
        )
    return _pairwise_storage(size, len(stock.names()), years, dtype)


def _pairwise_storage(size: Size, count: int, years: int, dtype: Any) -> Storage:
    """Dense; a derivative on the pairwise path holds a stock of every group and year."""
    need = size.zones**2 * np.dtype(dtype).itemsize * (size.kernels + count * (years + 8))
    sentence = runtime.sentence(need, runtime.available_bytes())
    return Storage("dense", 0, f"{size.zones:,} zones: a derivative {sentence}")
