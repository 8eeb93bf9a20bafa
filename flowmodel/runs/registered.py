"""A run with registration, as the scripts go through it: the same steps as `_residents`, and the stock's own files."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.config import Config
from flowmodel.dynamics.registered import run as registered_run
from flowmodel.dynamics.registered import setup as registered
from flowmodel.estimation import children_metrics, registered_census, registered_metrics, registered_objective
from flowmodel.parameters.registered import stock_parameters
from flowmodel.results import registered as stock_results
from flowmodel.results import residents
from flowmodel.runs import request
from flowmodel.zones.table import ZoneTable

if TYPE_CHECKING:
    import pandas as pd

    from flowmodel.dynamics.registered.factored.accounts import StockAccounts
    from flowmodel.dynamics.registered.setup import RegisteredSetup
    from flowmodel.estimation.registered_objective import StockObjective
    from flowmodel.runs.folder import RunFolder
    from flowmodel.runs.request import Request


def build(table: ZoneTable, config: Config, dtype: Any) -> RegisteredSetup:
    """The model of a configuration."""
    return registered.build(table, config, dtype)


def tile(model: RegisteredSetup) -> int:
    """The stock's kernel is always stored."""
    return 0


def announce(model: RegisteredSetup) -> None:
    """Says which path carries the stock, and what was assumed of the first census."""
    print(model.plan, file=sys.stderr)
    assumed = model.margins.assumed
    for what, rows in assumed.groupby("what", sort=False):
        people = (rows["assumed"] - rows["counted"]).sum()
        print(f"assumed: {what}: {len(rows)} zones, {people:+,.0f} people (assumptions.csv)", file=sys.stderr)


def objective(model: RegisteredSetup, asked: Request) -> StockObjective:
    """What is minimised."""
    of = asked.config.fit.interprovincial
    between = None
    if of is not None:
        between = registered_census.provinces(model.table, str(request.located(asked.base, of.file)), of)
    return registered_objective.objective(model, asked.config.fit, between)


def run(model: RegisteredSetup, natural: Float[Array, " free"]) -> StockAccounts:
    """The closed accounts at natural values."""
    parameters = stock_parameters(model.registry, jnp.asarray(natural), model.groups.names)
    return registered_run.run(model, parameters)


def write(folder: RunFolder, model: RegisteredSetup, closed: StockAccounts) -> None:
    """What every run leaves behind."""
    from flowmodel.zones import table as store

    folder.write("results.nc", lambda path: store.write(stock_results.dataset(model, closed), path))
    for name, table in _tables(model, closed).items():
        folder.write(name, partial(table.to_csv, index=False))


def _tables(model: RegisteredSetup, closed: StockAccounts) -> dict[str, pd.DataFrame]:
    tables = {
        "accounts.csv": stock_results.accounts_table(model, closed),
        "registered.csv": stock_results.registered_table(model, closed),
        "stock.csv": stock_results.stock_table(model, closed),
        "provinces.csv": stock_results.provinces_table(model, closed),
        "assumptions.csv": model.margins.assumed,
    }
    if closed.children is not None:
        tables["children.csv"] = stock_results.children_table(model, closed)
    return tables


def end(closed: StockAccounts) -> Any:
    """Residents at the end, persons [zone]."""
    return closed.closing[-1].sum(axis=0)


def report(model: RegisteredSetup, closed: StockAccounts) -> dict[str, Any]:
    """The blocks of metrics.json that both kinds have, and those of the stock."""
    natural = residents.natural_only(model.table, model.years[0], model.country.calendar)
    growth, baselines = residents.growth_scores(model, end(closed), natural, stock_results.known(model))
    residual = max(abs(closed.residual()).max(), abs(closed.registered_residual()).max())
    said, counted = registered_metrics.bands(model, closed), registered_metrics.counted_bands(model)
    kids = {} if closed.children is None else {"children": children_metrics.national(model, closed.children)}
    return {
        "growth": growth,
        "baselines": baselines,
        "accounts": {
            "largest_residual_persons": float(residual),
            "largest_national_residual": float(abs(closed.national_residual()).max()),
        },
        "path": str(model.plan),
        "bands": {
            name: registered_metrics.scores(said[i], counted[i]) for i, name in enumerate(registered_census.BANDS)
        },
        "names": registered_metrics.national(model, closed),
        "initial": registered_metrics.initial(model, closed),
        **kids,
    }
