"""The account of the two sides of the divide: people, births, deaths and crossings, and what is left unexplained."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.results.run_folder import RunFolder

SIDES = ("east", "west")


@dataclass(frozen=True)
class SideYear:
    """One side of the divide in one year, or summed over years; persons.

    Attributes:
        label: the year in which `closing` stands, or the years summed.
        opening: residents at the beginning.
        births: children born.
        deaths: people who died.
        arrived: people who crossed the divide to this side.
        left: people who crossed it to the other.
        closing: residents at the end, read from the state and not from the account.
    """

    label: str
    opening: float
    births: float
    deaths: float
    arrived: float
    left: float
    closing: float

    @property
    def net(self) -> float:
        """Arrived less left."""
        return self.arrived - self.left

    @property
    def residual(self) -> float:
        """Closing less everything that explains it: zero but for rounding where the account adds up."""
        return self.closing - (self.opening + self.births - self.deaths + self.net)


def side_years(run: RunFolder, side: str) -> list[SideYear]:
    """The account of one side, a row a year and the whole period as the last row."""
    here = run.zone("east") == (1 if side == "east" else 0)
    way_in, way_out = ("west_east", "east_west") if side == "east" else ("east_west", "west_east")
    years = [int(year) for year in run.results["interval"].values]
    births, deaths = (_summed(run, name, here) for name in ("births", "deaths"))
    arrived, left = (run.results["cross_divide"].sel(direction=way).values.astype(float) for way in (way_in, way_out))
    people = _summed(run, "population", here)
    labels = [str(year) for year in years] + [f"{years[0]} to {years[-1]}"]
    spans = [slice(k, k + 1) for k in range(len(years))] + [slice(0, len(years))]
    return [
        SideYear(
            label=label,
            opening=float(people[span.start]),
            births=float(births[span].sum()),
            deaths=float(deaths[span].sum()),
            arrived=float(arrived[span].sum()),
            left=float(left[span].sum()),
            closing=float(people[span.stop]),
        )
        for label, span in zip(labels, spans, strict=True)
    ]


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
