"""The account of the two sides of the divide: people, births, deaths and crossings, and what is left unexplained."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.results.run_folder import RunFolder

SIDES = ("east", "west")


def side_years(run: RunFolder, side: str) -> pd.DataFrame:
    """The account of one side, persons: a row a year, and the whole period as the last row.

    Returns:
        Columns label (the year at whose end `closing` stands, or the years summed), opening, births, deaths, arrived
        and left (across the divide), closing (read from the state and not from the account), net (arrived less left),
        and residual: closing less everything that explains it, zero but for rounding where the account adds up.
    """
    here = run.zone("east") == (1 if side == "east" else 0)
    way_in, way_out = ("west_east", "east_west") if side == "east" else ("east_west", "west_east")
    years = [int(year) for year in run.results["interval"].values]
    crossed = {way: run.results["cross_divide"].sel(direction=way).values.astype(float) for way in (way_in, way_out)}
    flows = {"births": _summed(run, "births", here), "deaths": _summed(run, "deaths", here)}
    flows |= {"arrived": crossed[way_in], "left": crossed[way_out]}
    people = _summed(run, "population", here)
    spans = [slice(k, k + 1) for k in range(len(years))] + [slice(0, len(years))]
    account = pd.DataFrame({"label": [*map(str, years), f"{years[0]} to {years[-1]}"]})
    account["opening"] = [people[span.start] for span in spans]
    for name, values in flows.items():
        account[name] = [values[span].sum() for span in spans]
    account["closing"] = [people[span.stop] for span in spans]
    account["net"] = account["arrived"] - account["left"]
    explained = account["opening"] + account["births"] - account["deaths"] + account["net"]
    account["residual"] = account["closing"] - explained
    return account


def worst_zone(accounts: pd.DataFrame) -> float:
    """Largest closing residual of any zone and year of accounts.csv, persons."""
    explained = accounts["opening"] + accounts["births"] - accounts["deaths"] + accounts["inflow"] - accounts["outflow"]
    return float((accounts["closing"] - explained).abs().max())


def east_share(run: RunFolder, amount: NDArray[np.float64]) -> float:
    """Share of `amount` in the zones counted east of the divide."""
    return float(amount[run.zone("east") == 1].sum() / amount.sum())


def _summed(run: RunFolder, variable: str, here: NDArray[np.bool_]) -> NDArray[np.float64]:
    summed: NDArray[np.float64] = run.results[variable].values.astype(np.float64)[here].sum(axis=0)
    return summed
