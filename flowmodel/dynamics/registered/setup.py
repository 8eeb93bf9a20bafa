"""A model with registration, ready to run: margins, groups, pairs, years, and the path its processes allow."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from flowmodel.config import Config, Stock
from flowmodel.dynamics import schedule
from flowmodel.dynamics.registered import initial
from flowmodel.dynamics.registered.census.families import Families, families
from flowmodel.dynamics.registered.census.groups import Groups, groups
from flowmodel.dynamics.registered.census.margins import Margins, margins
from flowmodel.dynamics.registered.census.zones import registered_zones
from flowmodel.dynamics.registered.factored.rollout import Country
from flowmodel.dynamics.residents import setup
from flowmodel.errors import ConfigError
from flowmodel.gravity.bands import banded
from flowmodel.gravity.chosen_law import chosen
from flowmodel.parameters.catalogue import registry
from flowmodel.parameters.registry import Registry
from flowmodel.zones.table import ZoneTable

_PAIR_TERMS = frozenset({"distance"})


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which path carries the stock, why, and about how much memory a derivative will take, GB."""

    path: Literal["factored", "pairwise"]
    why: str
    memory_gb: float

    def __str__(self) -> str:
        """One line, for a person."""
        return f"stock: {self.path} path ({self.why}), about {self.memory_gb:.1f} GB"


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
    families: Families | None = None


def build(table: ZoneTable, config: Config, dtype: Any) -> RegisteredSetup:
    """The model of `config` on the zones of `table`, its pairs in `dtype`.

    Raises:
        ConfigError: a parameter override is wrong, there is no such decay law, or tiles are asked for.
        ZonesError: the table lacks a year, a covariate or a count that the stock needs, or its margins cannot be met.
    """
    stock = config.model.stock
    assert stock is not None
    if config.runtime.storage == "tiled":
        raise ConfigError(
            "E-STORAGE", "runtime.storage = 'tiled' with [model.stock]", "leave it out: bands of pairs are stored"
        )
    law = chosen(config.model.law)
    names = registry(config.model, config.parameters, law.parameters, config.fit.targets)
    offset_km = names["offset_km"].fixed
    if offset_km is None:
        raise ConfigError("E-PARAMETER-OFFSET", "offset_km is free", "hold it at a value; distances are computed once")
    first = config.model.years[0]
    of_census, of_people = margins(table, first, stock), groups(table, first, stock)
    exact = banded(setup.dense_pairs(table, offset_km, jnp.float64, law))
    away = initial.away_by_group(table, of_census, exact, of_people.share)
    country = Country(
        zones=registered_zones(table, config.model, stock, of_census, of_people, away),
        banded=banded(setup.dense_pairs(table, offset_km, dtype, law)),
        calendar=schedule.calendar(config.model, config.model.years),
        stock=stock,
        offset_km=offset_km,
        shared=not _PAIR_TERMS & set(stock.by_group),
    )
    plan = planned(stock, len(table.codes), np.dtype(dtype).itemsize, country.years)
    home = None if stock.children is None else families(table, config.model, stock.children, of_census)
    return RegisteredSetup(table, config.model.years, stock, of_census, of_people, country, names, plan, home)


def planned(stock: Stock, zones: int, bytes_a_number: int, years: int) -> Plan:
    """The path of a stock, from what is switched on, and the memory of its derivative."""
    reasons = stock.needs_pairs()
    count = len(stock.names())
    kernels = count if _PAIR_TERMS & set(stock.by_group) else 1
    matrix = zones**2 * bytes_a_number / 1e9
    if reasons or stock.path == "pairwise":
        why = "needed by " + ", ".join(reasons) if reasons else "asked for"
        return Plan("pairwise", why, matrix * (kernels + count * (years + 8)))
    return Plan("factored", "everything switched on factors into zones", matrix * (3 * kernels + 4))
