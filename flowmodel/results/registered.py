"""What a finished run with registration is written as, beside what every run has (`results`)."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from flowmodel.dynamics.registered.accounts import RegisteredAccounts
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import registered_metrics
from flowmodel.estimation.census import BANDS
from flowmodel.results.residents import FLOWS, distinct, labelled, variable

_POOLS = {
    "within": "residents registered in another township of the zone",
    "near": "residents registered in another zone of the province",
    "far": "residents registered in another province",
    "away": "people registered here and living in another zone",
}
_REGISTERED = {
    "opening": "registered_opening",
    "births": "births_registered",
    "deaths": "deaths_registered",
    "converted_in": "converted_in",
    "converted_out": "converted_out",
    "regrouped": "regrouped_registered",
    "closing": "registered_closing",
}


def dataset(model: RegisteredSetup, closed: RegisteredAccounts) -> xr.Dataset:
    """`results.nc`: residents and their registration at the end of every year, movements, and the censuses, persons."""
    states = _with_start(closed.opening[0], closed.closing)
    data = labelled(model, states.sum(axis=0), {name: getattr(closed, name).sum(axis=1) for name in FLOWS})
    for name, meaning in _POOLS.items():
        values = _with_start(getattr(closed, f"{name}_start"), getattr(closed, name)).sum(axis=0)
        data[name] = variable(("zone", "year"), values, "persons", meaning)
    registered = _with_start(closed.registered_opening[0], closed.registered_closing).sum(axis=0)
    data["registered"] = variable(("zone", "year"), registered, "persons", "people registered here")
    data["cross_divide"] = variable(
        ("direction", "interval"), closed.cross_divide.T, "persons per year", "moves across the divide"
    )
    provinces = [str(code) for code in np.unique(model.table.values("province"))]
    data = data.assign_coords(origin=provinces, residence=provinces, group=list(model.groups.names))
    first, last = model.years
    for year, stock in ((first, closed.stock_start), (last, closed.stock)):
        meaning = f"people of a province living away from their zone, by province of residence, {year}"
        data[f"stock_{year}"] = variable(("origin", "residence"), stock, "persons", meaning)
    if len(model.groups.names) > 1:
        data["population_by_group"] = variable(("group", "zone", "year"), states, "persons", "residents by group")
    return data


def _with_start(start: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """[group, zone, year] from the start [group, zone] and the ends of years [year, group, zone]."""
    return np.moveaxis(np.concatenate([start[None], ends]), 0, -1)


def accounts_table(model: RegisteredSetup, closed: RegisteredAccounts) -> pd.DataFrame:
    """`accounts.csv`: one row a zone, group and year (the one in which closing stands), persons, unrounded.

    With several groups there is a column `regrouped`: who became part of the group, less who left it, without moving.
    """
    names = ["opening", *FLOWS, *(["regrouped"] if len(model.groups.names) > 1 else []), "closing"]
    return _table(model, {name: getattr(closed, name) for name in names})


def registered_table(model: RegisteredSetup, closed: RegisteredAccounts) -> pd.DataFrame:
    """`registered.csv`: the accounts of registered people, one row a zone, group and year, persons, unrounded."""
    return _table(model, {name: getattr(closed, source) for name, source in _REGISTERED.items()})


def _table(model: RegisteredSetup, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    years = np.arange(model.years[0] + 1, model.years[1] + 1)
    codes, groups = model.table.codes, np.asarray(model.groups.names)
    shape = (len(years), len(groups), len(codes))
    index = {
        "zone": np.broadcast_to(codes, shape).ravel(),
        "group": np.broadcast_to(groups[:, None], shape).ravel(),
        "year": np.broadcast_to(years[:, None, None], shape).ravel(),
    }
    return pd.DataFrame(index | {name: values.ravel() for name, values in columns.items()})


def stock_table(model: RegisteredSetup, closed: RegisteredAccounts) -> pd.DataFrame:
    """`stock.csv`: one row a zone: the initial stock beside the census, and the last year's bands beside theirs."""
    m, (first, last) = model.margins, model.years
    columns: dict[str, Any] = {
        "zone": model.table.codes,
        "name": model.table.values("name"),
        f"residents_{first}": closed.opening[0].sum(axis=0),
        f"residents_placed_{first}": m.home + m.within + closed.placed_start,
        f"registered_{first}": closed.registered_opening[0].sum(axis=0),
        f"registered_counted_{first}": m.registered,
        f"registered_elsewhere_{first}": m.elsewhere,
    }
    for name in ("within", "near", "far", "away"):
        columns[f"{name}_{first}"] = getattr(closed, f"{name}_start").sum(axis=0)
        columns[f"{name}_{last}"] = getattr(closed, name)[-1].sum(axis=0)
    fitted, counted = registered_metrics.bands(model, closed), registered_metrics.counted_bands(model)
    for i, band in enumerate(BANDS):
        columns[f"{band}_{last}"] = fitted[i]
        columns[f"{band}_counted_{last}"] = counted[i]
    columns[f"in_city_{last}"] = closed.in_city
    return pd.DataFrame(columns)


def provinces_table(model: RegisteredSetup, closed: RegisteredAccounts) -> pd.DataFrame:
    """`provinces.csv`: people away from their zone by province of registration and of residence, start and end."""
    codes = [str(code) for code in np.unique(model.table.values("province"))]
    pairs = pd.MultiIndex.from_product([codes, codes], names=["origin", "residence"])
    first, last = model.years
    stocks = {f"stock_{first}": closed.stock_start.ravel(), f"stock_{last}": closed.stock.ravel()}
    return pd.DataFrame(stocks, index=pairs).reset_index()


def children_table(model: RegisteredSetup, closed: RegisteredAccounts) -> pd.DataFrame:
    """`children.csv`: one row a zone and year, the first and the last, persons under 18 and adults, unrounded."""
    assert closed.children is not None
    assert model.families is not None
    zones, count = registered_metrics.children_by_zone(closed.children, model.families), len(model.years)
    index = {
        "zone": np.tile(model.table.codes, count),
        "name": np.tile(model.table.values("name"), count),
        "year": np.repeat(model.years, len(model.table.codes)),
    }
    return pd.DataFrame(index | {name: values.ravel() for name, values in zones.items()})


def known(model: RegisteredSetup) -> np.ndarray:
    """What the model knows of a zone besides residents, each once [zone, column].

    Vital rates, side of the divide, the first census's bands and registered people, strictness, covariates.
    """
    z, m = model.country.zones, model.margins
    people = np.asarray(z.residents.sum(axis=0))
    shares = [part / np.where(people > 0, people, 1.0) for part in (m.within, m.near, m.far, m.out)]
    blocks = (z.attraction, z.departure, z.returning, z.returning_origin, z.moving_within)
    covariates = [column for block in blocks for column in np.asarray(block).T]
    rates = (model.table.values("birth_rate"), model.table.values("death_rate"))
    return distinct([*rates, model.table.values("east"), *shares, z.strictness, *covariates])
