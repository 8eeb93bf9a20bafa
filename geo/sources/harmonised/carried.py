"""Censuses carried to the zones: whole people, sums of counts, and weighted means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from geo.sources.yearbooks import DIMENSIONS, QUANTITIES, CensusTable, Quantity

from . import crosswalk
from .crosswalk import Crosswalk

# Counts that are computed from a rate: name, rate, what is counted.
_VITAL = (
    ("births", "birth_rate", "births"),
    ("deaths", "death_rate", "deaths"),
    ("natural_increase", "natural_increase_rate", "births less deaths"),
)
# Kept under another name: `population`.
_RESIDENTS = "residents"
RATES = tuple(rate for _, rate, _ in _VITAL)
"""Rates that are kept as the persons they make, too."""
_DIVIDED = "counts of a unit divided between zones are divided like its residents, so counts of zones have fractions"


@dataclass(frozen=True)
class CensusOnZones:
    """Every census on the zones.

    Attributes:
        population: Whole residents, index zone, one column a census; NaN where a zone was not counted.
        divided: Share of the residents of a zone who come from a unit that was divided between zones and whose make-up
            is taken for that of the whole unit; as `population`.
        quantities: What the year-books keep, over (zone, year) and their own dimensions; NaN where they do not tell.
    """

    population: pd.DataFrame
    divided: pd.DataFrame
    quantities: xr.Dataset


def carry(walk: Crosswalk, tables: Mapping[int, CensusTable], mapped: pd.DataFrame, zones: pd.Index) -> CensusOnZones:
    """Carry every census to the zones: those with a table, and those whose residents the map has by polygon."""
    population, divided, parts = {}, {}, []
    for year, table in sorted(tables.items()):
        lines = walk.of(year)
        persons = crosswalk.whole_shares(lines, table.places["people"])
        population[year] = persons.groupby(lines["to"]).sum().reindex(zones, fill_value=0).astype(np.float64)
        divided[year] = _divided_share(lines, persons, population[year])
        shares = crosswalk.operator(_by_persons(lines, persons, table.places["people"]), table.places.index, zones)
        parts.append(_quantities(table, shares, zones).expand_dims(year=[year], axis=1))
    for year in sorted(set(mapped.columns.astype(int)) - tables.keys()):
        population[year] = _from_map(walk, year, mapped[year], zones)
        divided[year] = population[year] * 0.0
    years = sorted(population)
    quantities = xr.concat(parts, dim="year", join="outer").reindex(year=years)
    for name in quantities.data_vars:
        files = [part[name].attrs["source"] for part in parts if name in part]
        quantities[name].attrs["source"] = ", ".join(files)
    return CensusOnZones(pd.DataFrame(population)[years], pd.DataFrame(divided)[years], quantities)


def _by_persons(lines: pd.DataFrame, persons: pd.Series, people: pd.Series) -> pd.DataFrame:
    """Use the shares of whole persons, so that every quantity is divided like the residents."""
    total = lines["from"].map(people).astype(np.float64)
    return lines.assign(share=(persons / total).where(total > 0, lines["share"]))


def _divided_share(lines: pd.DataFrame, persons: pd.Series, population: pd.Series) -> pd.Series:
    """Give the share of each zone's residents who come from units that went to several zones."""
    several = lines.groupby("from")["to"].transform("nunique") > 1
    people = persons[several].groupby(lines["to"][several]).sum().reindex(population.index, fill_value=0)
    return (people / population).where(population > 0, 0.0)


def _from_map(walk: Crosswalk, year: int, mapped: pd.Series, zones: pd.Index) -> pd.Series:
    """Sum the residents of the map; a zone with a polygon without residents was not counted."""
    lines = walk.of(year)
    counted = mapped.dropna()
    persons = crosswalk.whole_shares(lines, counted)
    sums = persons.groupby(lines["to"]).sum().reindex(zones).astype(np.float64)
    known, members = set(lines["from"]), walk.members
    whole = [all(code in known for code in members[str(zone)]) for zone in zones]
    return sums.where(np.array(whole))


def _quantities(table: CensusTable, shares: csr_array, zones: pd.Index) -> xr.Dataset:
    """Carry what a year-book keeps; births and deaths become persons in a year."""
    carried = {}
    for name, quantity in QUANTITIES.items():
        if name in table.quantities and name != _RESIDENTS:
            values = table.quantities[name].transpose("row", *quantity.dims).to_numpy()
            mean = quantity.kind == "mean"
            on_zones = _mean(quantity, values, table, shares) if mean else crosswalk.to_zones(shares, values)
            carried[name] = (("zone", *quantity.dims), on_zones, _attributes(quantity, table))
    residents = table.quantities[_RESIDENTS].to_numpy()
    for name, rate, counted in _VITAL:
        if rate in carried:
            persons = crosswalk.to_zones(shares, table.quantities[rate].to_numpy() / 1000.0 * residents)
            period = {table.year: f"{counted} in the twelve months before the day of the census"}
            made = Quantity(name, f"{counted} in the year before the census", "persons", "count", definition=period)
            attributes = _attributes(made, table)
            carried[name] = (("zone",), persons, attributes | {"estimated": f"{rate} times residents"})
    labels = {dim: list(categories) for dim, categories in DIMENSIONS.items()}
    used = {dim for dims, *_ in carried.values() for dim in dims}
    coords = {"zone": zones.to_numpy(dtype=np.str_), **{dim: labels[dim] for dim in labels if dim in used}}
    return xr.Dataset(carried, coords=coords)


def _mean(
    quantity: Quantity, values: NDArray[np.float64], table: CensusTable, shares: csr_array
) -> NDArray[np.float64]:
    """Average a quantity with the people it is a mean of; units without such people do not count."""
    weight = _total(table.quantities[str(quantity.weight)])
    product = np.where(weight == 0, 0.0, values * weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: NDArray[np.float64] = crosswalk.to_zones(shares, product) / crosswalk.to_zones(shares, weight)
    return mean


def _total(quantity: xr.DataArray) -> NDArray[np.float64]:
    """Sum a quantity over its categories that the census has."""
    dims = [dim for dim in quantity.dims if dim != "row"]
    known = quantity.where(quantity.notnull().any("row"), 0.0)
    return np.asarray(known.sum(dims, skipna=False).to_numpy())


def _attributes(quantity: Quantity, table: CensusTable) -> dict[str, str]:
    """Describe a variable, and what of it does not compare between the censuses."""
    divided = {"divided": _DIVIDED} if quantity.kind == "count" else {}
    return {
        **divided,
        "units": quantity.units,
        "long_name": quantity.long_name,
        "source": table.file,
        "role": "census",
        "kind": quantity.kind,
        "definition": json.dumps(dict(quantity.definition), ensure_ascii=False),
        "not_comparable": json.dumps(dict(quantity.not_comparable), ensure_ascii=False),
    }
