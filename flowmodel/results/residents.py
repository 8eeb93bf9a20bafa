"""What a finished run is written as: `results.nc`, `accounts.csv`, `zones.csv` and the blocks of `metrics.json`."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from flowmodel.dynamics.residents.accounts import Accounts
from flowmodel.dynamics.residents.setup import Setup
from flowmodel.dynamics.schedule import Calendar
from flowmodel.estimation import metrics
from flowmodel.zones.table import ZoneTable

FLOWS = {
    "births": "births of the year",
    "deaths": "deaths of the year",
    "inflow": "arrivals from other zones",
    "outflow": "departures to other zones",
}


class Timed(Protocol):
    """A model of whichever kind: its table, and the first and last year."""

    @property
    def table(self) -> ZoneTable:
        """The zones."""

    @property
    def years(self) -> tuple[int, int]:
        """First and last year."""


def dataset(model: Setup, closed: Accounts) -> xr.Dataset:
    """`results.nc`: states at the end of every year, movements of every year, and the censuses, persons."""
    states = np.concatenate([closed.opening[:1], closed.closing]).T
    data = labelled(model, states, {name: getattr(closed, name) for name in FLOWS})
    data["cross_divide"] = variable(
        ("direction", "interval"), closed.cross_divide.T, "persons per year", "moves across the divide"
    )
    return data


def labelled(model: Timed, states: np.ndarray, flows: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Residents [zone, year], movements by name [interval, zone] and what was counted, under their labels."""
    first, last = model.years
    data = xr.Dataset(
        coords={
            "zone": model.table.codes,
            "year": np.arange(first, last + 1),
            "interval": np.arange(first + 1, last + 1),
            "census": census_years(model),
            "direction": ["east_west", "west_east"],
        },
        attrs=model.table.data.attrs,
    )
    data["population"] = variable(("zone", "year"), states, "persons", "residents, fitted")
    for name, meaning in FLOWS.items():
        data[name] = variable(("zone", "interval"), flows[name].T, "persons per year", meaning)
    observed = np.stack([model.table.population(year) for year in census_years(model)], axis=1)
    data["population_observed"] = variable(("zone", "census"), observed, "persons", "residents, counted")
    return data


def variable(dims: tuple[str, ...], values: np.ndarray, units: str, long_name: str) -> xr.Variable:
    """A variable with its unit, its meaning, and whether it was counted or computed."""
    source = "census" if "counted" in long_name else "flowmodel"
    return xr.Variable(dims, values, {"units": units, "long_name": long_name, "source": source})


def census_years(model: Timed) -> list[int]:
    """The years of the run that were counted."""
    return [int(year) for year in model.table.data["year"].values if int(year) in model.years]


def accounts_table(model: Setup, closed: Accounts) -> pd.DataFrame:
    """`accounts.csv`: one row a zone and year (the one in which closing stands), persons, unrounded."""
    years = np.arange(model.years[0] + 1, model.years[1] + 1)
    codes = model.table.codes
    columns = {name: getattr(closed, name).ravel() for name in ("opening", *FLOWS, "closing")}
    index = {"zone": np.tile(codes, len(years)), "group": "all", "year": np.repeat(years, len(codes))}
    return pd.DataFrame(index | columns)


def zones_table(table: ZoneTable) -> pd.DataFrame:
    """`zones.csv`: what the model knows of a zone, one row each, and `population_YEAR`, blank where nobody counted."""
    names = [name for name, variable in table.data.data_vars.items() if variable.dims == ("zone",)]
    frame = table.data[names].to_dataframe()
    for year in table.data["year"].values:
        frame[f"population_{int(year)}"] = table.counted(int(year))
    return frame.rename_axis("zone").reset_index()


def growth_scores(
    model: Timed, fitted: np.ndarray, natural: np.ndarray, known: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(scores of the model, of every baseline), by interval, over zones inhabited at both dates; all in sample.

    Args:
        model: the table and the years.
        fitted: residents at the end, persons [zone].
        natural: residents at the end if nobody moved, persons [zone].
        known: what the model knows of a zone besides residents [zone, covariate].
    """
    first, last = model.years
    start, end = model.table.population(first), model.table.population(last)
    inhabited = (start > 0) & (end > 0)
    start, end, label = start[inhabited], end[inhabited], f"{first}_{last}"
    predicted = metrics.baselines(start, end, natural[inhabited], known[inhabited])
    scores = {name: {label: metrics.growth(start, end, values)} for name, values in predicted.items()}
    return {label: metrics.growth(start, end, fitted[inhabited])}, scores


def natural_only(table: ZoneTable, first: int, calendar: Calendar) -> np.ndarray:
    """Residents at the end if nobody moved and births were not adjusted, persons [zone]."""
    births, deaths = table.values("birth_rate"), table.values("death_rate")
    multipliers = zip(np.asarray(calendar.births), np.asarray(calendar.deaths), strict=True)
    growth = [1 + births * more - deaths * dying for more, dying in multipliers]
    return np.asarray(table.population(first) * np.prod(growth, axis=0))


def known(model: Setup) -> np.ndarray:
    """What the model knows of a zone besides residents: vital rates, side of the divide, every covariate once."""
    z = model.zones
    blocks = (*np.asarray(z.attraction).T, *np.asarray(z.departure).T)
    return distinct([z.birth_rate, z.death_rate, model.pairs.place.east, *blocks])


def distinct(columns: Sequence[Any]) -> np.ndarray:
    """Columns over zones, each once [zone, column]."""
    return np.unique(np.stack([np.asarray(column, float) for column in columns]), axis=0).T


def growth_table(model: Timed, fitted: np.ndarray) -> pd.DataFrame:
    """`growth.csv`: residents counted and fitted, one row a zone, and after its zones one a prefecture (zone blank)."""
    first, last = model.years
    people = {
        f"counted_{first}": model.table.population(first),
        f"counted_{last}": model.table.population(last),
        f"fitted_{last}": fitted,
    }
    prefecture = model.table.values("prefecture").astype(str)
    zones = pd.DataFrame(
        {"prefecture": prefecture, "zone": model.table.codes, "name": model.table.values("name")} | people
    )
    sums = zones.groupby("prefecture", as_index=False)[list(people)].sum().assign(zone="", name="")
    both = pd.concat([zones.assign(_last=0), sums.assign(_last=1)]).sort_values(["prefecture", "_last", "zone"])
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in ("counted", "fitted"):
            both[f"growth_{name}"] = np.log(both[f"{name}_{last}"] / both[f"counted_{first}"])
    return both.drop(columns="_last").reset_index(drop=True)


def without_growth(model: Timed) -> dict[str, float]:
    """Zones empty at one of the dates: in no growth term and no score, but in every account and total."""
    start, end = (model.table.population(year) for year in model.years)
    empty = (start == 0) | (end == 0)
    return {"zones": int(empty.sum()), "people": float((start + end)[empty].sum())}


def divide_shares(model: Timed, fitted: np.ndarray) -> dict[str, dict[str, float]]:
    """Shares of residents and land east of the divide by the position of the zone, census and model."""
    east = model.table.values("east").astype(bool)
    area = model.table.values("area")

    def share(values: np.ndarray) -> float:
        return float(values[east].sum() / values.sum())

    counted = {
        str(year): {"population_east_share": share(model.table.population(year)), "area_east_share": share(area)}
        for year in census_years(model)
    }
    counted[str(model.years[1])]["population_east_share_fitted"] = share(fitted)
    return counted
