"""A run of residents alone, without registration, as the scripts go through it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.config import Config
from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.run import run as run_residents
from flowmodel.estimation import objective as objectives
from flowmodel.results import residents
from flowmodel.zones.table import ZoneTable

if TYPE_CHECKING:
    from flowmodel.dynamics.residents.accounts import Accounts
    from flowmodel.dynamics.residents.setup import Setup
    from flowmodel.estimation.objective import Objective
    from flowmodel.runs.folder import RunFolder
    from flowmodel.runs.request import Request


def build(table: ZoneTable, config: Config, dtype: Any) -> Setup:
    """The model of a configuration."""
    return setup.build(table, config, dtype)


def announce(model: Setup) -> None:
    """How the kernel is held, and what that takes."""
    print(model.way, file=sys.stderr)


def tile(model: Setup) -> int:
    """Zones of a side of a tile of the kernel; 0 where it is stored."""
    return model.way.tile


def objective(model: Setup, asked: Request) -> Objective:
    """What is minimised."""
    return objectives.objective(model, asked.config.fit)


def run(model: Setup, natural: Float[Array, " free"]) -> Accounts:
    """The closed accounts at natural values."""
    return run_residents(model, model.registry.parameters(jnp.asarray(natural)))


def write(folder: RunFolder, model: Setup, closed: Accounts) -> None:
    """What every run leaves behind."""
    from flowmodel.zones import table as store

    folder.write("results.nc", lambda path: store.write(residents.dataset(model, closed), path))
    folder.write("accounts.csv", lambda path: residents.accounts_table(model, closed).to_csv(path, index=False))


def end(closed: Accounts) -> Any:
    """Residents at the end, persons [zone]."""
    return closed.closing[-1]


def report(model: Setup, closed: Accounts) -> dict[str, Any]:
    """The blocks of metrics.json that both kinds have."""
    natural = residents.natural_only(model.table, model.years[0], model.calendar)
    growth, baselines = residents.growth_scores(model, end(closed), natural, residents.known(model))
    return {
        "growth": growth,
        "baselines": baselines,
        "accounts": {
            "largest_residual_persons": float(abs(closed.residual()).max()),
            "largest_national_residual": float(abs(closed.national_residual()).max()),
        },
    }
