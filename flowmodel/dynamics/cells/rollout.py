"""The years of a grid, and their accounts by county."""

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel import runtime
from flowmodel.dynamics import closure
from flowmodel.dynamics.cells.downscaling import Field, Support
from flowmodel.dynamics.cells.operator import GridKernel
from flowmodel.dynamics.cells.year import CountyYear, GridYear, year
from flowmodel.dynamics.schedule import Calendar
from flowmodel.errors import ResourceError
from flowmodel.parameters.registry import Parameters

COLUMNS = tuple(field.name for field in dataclasses.fields(CountyYear))


def years(
    parameters: Parameters, support: Support, operator: GridKernel, population: Field, calendar: Calendar, first: int
) -> Iterator[tuple[int, GridYear]]:
    """Each year with its number, checked before the next year begins.

    Raises:
        NumericError: `check`.
    """
    for number in range(len(calendar.births)):
        now = jax.tree.map(lambda path, at=number: path[at], calendar)
        done = year(parameters, support, operator, population, now)
        check(done, first + number)
        yield first + number + 1, done
        population = done.residents


def check(done: GridYear, opening: int) -> None:
    """Refuses a year that loses or invents people.

    Inflow and outflow are summed from the two sides of the flow, each by a product of its own: over the nation they
    must agree to 1e-9 of its people, and no cell may end with a negative number of residents.

    Raises:
        NumericError: E-ACCOUNT-NATION, E-ACCOUNT-ZONE, E-ACCOUNT-NEGATIVE (`closure`).
    """
    of = {name: np.asarray(getattr(done.accounts, name)) for name in COLUMNS}
    residual = of["opening"] + of["births"] - of["deaths"] + of["inflow"] - of["outflow"] - of["closing"]
    expected = (of["opening"] + of["births"] - of["deaths"]).sum()
    nation = np.asarray([of["closing"].sum() / expected - 1])
    closure.check({"persons": residual[None]}, {}, nation, opening, lambda at: f"county {at[0]} of zones.nc", "")
    if not float(jnp.min(done.residents)) >= 0:
        fix = "set runtime.kernel = 'float64', or bound the departure rate or the death rate of its county"
        cells = {"residents": np.asarray(done.residents)[None]}
        closure.check({}, cells, nation, opening, lambda at: f"cell in row {at[0]}, column {at[1]}", fix)


def accounts_table(codes: np.ndarray, accounts: dict[int, CountyYear]) -> pd.DataFrame:
    """`accounts.csv`: one row per county and year (the year at whose end the closing is), persons, unrounded."""
    frames = [
        pd.DataFrame(
            {"zone": codes, "group": "all", "year": when}
            | {name: np.asarray(getattr(account, name)) for name in COLUMNS}
        )
        for when, account in accounts.items()
    ]
    return pd.concat(frames, ignore_index=True)


def need(parameters: Parameters, support: Support, operator: GridKernel, population: Field, calendar: Calendar) -> str:
    """The memory that the compiler predicts for a year, and the free memory: "needs 4.1 GB, 20 GB free".

    Raises:
        ResourceError: E-MEMORY, it does not fit; nothing has run.
    """
    now = jax.tree.map(lambda path: path[0], calendar)
    planned = year.compiled(parameters, support, operator, population, now)
    total, free = runtime.predicted(planned), runtime.available_bytes()
    sentence = runtime.sentence(total, free)
    if free is not None and total > runtime.SHARE * free:
        raise ResourceError(
            "E-MEMORY", f"a year of the grid {sentence}", "a larger cell, or a machine with more memory"
        )
    return sentence
