"""What a finished run is written as: `results.nc`, `accounts.csv`, `zones.csv` and the blocks of `metrics.json`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from flowmodel.dynamics.accounts import Accounts
from flowmodel.fit import baselines, metrics
from flowmodel.model import Model
from flowmodel.store import ZoneTable

_FLOWS = {
    "births": "births of the year",
    "deaths": "deaths of the year",
    "inflow": "arrivals from other zones",
    "outflow": "departures to other zones",
}


def dataset(model: Model, closed: Accounts) -> xr.Dataset:
    """`results.nc`: states at the end of every year, movements of every year, and the censuses, persons."""
    first, last = model.years
    states = np.concatenate([closed.opening[:1], closed.closing]).T
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
    data["population"] = _variable(("zone", "year"), states, "persons", "residents, fitted")
    for name, meaning in _FLOWS.items():
        data[name] = _variable(("zone", "interval"), getattr(closed, name).T, "persons per year", meaning)
    data["cross_divide"] = _variable(
        ("direction", "interval"), closed.cross_divide.T, "persons per year", "moves across the divide"
    )
    observed = np.stack([model.table.population(year) for year in census_years(model)], axis=1)
    data["population_observed"] = _variable(("zone", "census"), observed, "persons", "residents, counted")
    return data


def _variable(dims: tuple[str, ...], values: np.ndarray, units: str, long_name: str) -> xr.Variable:
    source = "census" if "counted" in long_name else "flowmodel"
    return xr.Variable(dims, values, {"units": units, "long_name": long_name, "source": source})


def census_years(model: Model) -> list[int]:
    """The years of the run that were counted."""
    return [int(year) for year in model.table.data["year"].values if int(year) in model.years]


def accounts_table(model: Model, closed: Accounts) -> pd.DataFrame:
    """`accounts.csv`: one row a zone and year (the one in which closing stands), persons, unrounded."""
    years = np.arange(model.years[0] + 1, model.years[1] + 1)
    codes = model.table.codes
    columns = {name: getattr(closed, name).ravel() for name in ("opening", *_FLOWS, "closing")}
    index = {"zone": np.tile(codes, len(years)), "group": "all", "year": np.repeat(years, len(codes))}
    return pd.DataFrame(index | columns)


def zones_table(table: ZoneTable) -> pd.DataFrame:
    """`zones.csv`: what the model knows of a zone, one row each, and `population_YEAR`, blank where nobody counted."""
    names = [name for name, variable in table.data.data_vars.items() if variable.dims == ("zone",)]
    frame = table.data[names].to_dataframe()
    for year in table.data["year"].values:
        frame[f"population_{int(year)}"] = table.counted(int(year))
    return frame.rename_axis("zone").reset_index()


def growth_scores(model: Model, closed: Accounts) -> tuple[dict[str, Any], dict[str, Any]]:
    """(scores of the model, of every baseline), by interval, over zones inhabited at both dates; all in sample."""
    first, last = model.years
    start, end = model.table.population(first), model.table.population(last)
    inhabited = (start > 0) & (end > 0)
    start, end, label = start[inhabited], end[inhabited], f"{first}_{last}"
    predicted = baselines.predictions(start, end, _natural_only(model)[inhabited], _known(model)[inhabited])
    scores = {name: {label: metrics.growth(start, end, values)} for name, values in predicted.items()}
    return {label: metrics.growth(start, end, closed.closing[-1][inhabited])}, scores


def _natural_only(model: Model) -> np.ndarray:
    """Residents at the end if nobody moved and births were not adjusted."""
    zones, multipliers = model.zones, zip(model.calendar.births, model.calendar.deaths, strict=True)
    growth = [1 + np.asarray(zones.birth_rate * births - zones.death_rate * deaths) for births, deaths in multipliers]
    return np.asarray(np.asarray(zones.population) * np.prod(growth, axis=0))


def _known(model: Model) -> np.ndarray:
    """What the model knows of a zone besides residents: vital rates, side of the divide, every covariate once."""
    z = model.zones
    columns = [
        z.birth_rate,
        z.death_rate,
        model.pairs.place.east,
        *np.asarray(z.attraction).T,
        *np.asarray(z.departure).T,
    ]
    return np.unique(np.stack([np.asarray(column, float) for column in columns]), axis=0).T


def without_growth(model: Model) -> dict[str, float]:
    """Zones empty at one of the dates: in no growth term and no score, but in every account and total."""
    start, end = (model.table.population(year) for year in model.years)
    empty = (start == 0) | (end == 0)
    return {"zones": int(empty.sum()), "people": float((start + end)[empty].sum())}


def divide_shares(model: Model, closed: Accounts) -> dict[str, dict[str, float]]:
    """Shares of residents and land east of the divide by the position of the zone, census and model."""
    east = model.table.values("east").astype(bool)
    area = model.table.values("area")

    def share(values: np.ndarray) -> float:
        return float(values[east].sum() / values.sum())

    counted = {
        str(year): {"population_east_share": share(model.table.population(year)), "area_east_share": share(area)}
        for year in census_years(model)
    }
    counted[str(model.years[1])]["population_east_share_fitted"] = share(closed.closing[-1])
    return counted
