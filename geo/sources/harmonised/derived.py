"""Rates and covariates of the censuses and the map: shares, means, logarithms and differences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geo.checks.missing import Filled, Rows, fill
from geo.config import OF_MAP, HarmonisedConfig, OfQuantity
from geo.errors import Issue, error
from geo.sources.yearbooks import DIMENSIONS, QUANTITIES, Quantity

from .carried import CensusOnZones

_PEOPLE = "residents"
# Key of the config of each rate of `zones.nc`.
_RATES = {"birth_rate": "birth", "death_rate": "death"}
# Quantities of the map are summed over places like counts, and have no categories.
_KNOWN = QUANTITIES | {name: Quantity(name, name, units, "count") for name, units in OF_MAP.items()}


@dataclass(frozen=True)
class ZoneNumbers:
    """What covariates are made from.

    Attributes:
        carried: The censuses on the zones.
        of_map: What the zones have from the map, one column for each of `OF_MAP`, in its unit.
    """

    carried: CensusOnZones
    of_map: pd.DataFrame

    def series(self, name: str, year: int) -> xr.DataArray:
        """Give a quantity over zones and its own dimensions; one of the map is the same in every year."""
        if name in OF_MAP:
            return xr.DataArray(self.of_map[name].to_numpy(dtype=np.float64), dims="zone")
        if name == _PEOPLE:
            return xr.DataArray(self.carried.population[year].to_numpy(), dims="zone")
        return self.carried.quantities[name].sel(year=year)


@dataclass(frozen=True)
class Derived:
    """Rates and covariates without gaps.

    Attributes:
        rates: Columns birth_rate and death_rate, per year.
        covariates: One column each.
        imputed: Which zones have a value that a declared rule has put there, 0 or 1, shape (zones,).
        rules: A sentence for each rule that was used.
        issues: What was found.
    """

    rates: pd.DataFrame
    covariates: pd.DataFrame
    imputed: NDArray[np.int8]
    rules: tuple[str, ...]
    issues: tuple[Issue, ...]


def derive(config: HarmonisedConfig, numbers: ZoneNumbers, provinces: Sequence[str]) -> Derived:
    """Compute every rate and covariate that the config names, for zones with their provinces.

    Returns:
        Values; E-QUANTITY for a quantity, category or year that does not exist or cannot be used in this way,
        E-DEF-MIX for a difference of numbers whose definitions differ, E-MISSING where a zone has none and no rule is
        declared.
    """
    wanted = {"birth_rate": config.rates.birth, "death_rate": config.rates.death, **config.covariates}
    population = numbers.carried.population
    found: dict[str, Filled] = {}
    issues: list[Issue] = []
    for name, of in wanted.items():
        wrong = _wrong_requests(name, of, config, numbers)
        if wrong:
            issues += wrong
            continue
        values = _values(of, numbers)
        rows = _rows(of, config, population, provinces)
        found[name] = fill(values, np.isnan(values), of.missing, name=name, column=of.quantity, rows=rows)
    issues += [issue for filled in found.values() for issue in filled.issues]
    frame = pd.DataFrame({name: filled.values for name, filled in found.items()}, index=population.index)
    vital = [name for name in ("birth_rate", "death_rate") if name in frame]
    imputed = np.any([np.zeros(len(population), dtype=np.bool_), *(one.imputed for one in found.values())], axis=0)
    rules = tuple(rule for one in found.values() for rule in one.rules)
    return Derived(frame[vital] / 1000.0, frame.drop(columns=vital), imputed.astype(np.int8), rules, tuple(issues))


def _rows(of: OfQuantity, config: HarmonisedConfig, population: pd.DataFrame, provinces: Sequence[str]) -> Rows:
    """Give zones and file for the messages about a number; for one of the map, with the people of the last census."""
    year = max(_years(of) or population.columns.astype(int).tolist())
    file = config.polygons.file if of.quantity in OF_MAP else config.census[year].file
    codes = list(map(str, population.index))
    return Rows(file.name, [None] * len(codes), codes, provinces, population[year].to_numpy(), year)


def _years(of: OfQuantity) -> tuple[int, ...]:
    return of.change or ((of.year,) if of.year is not None else ())


def _wrong_requests(name: str, of: OfQuantity, config: HarmonisedConfig, numbers: ZoneNumbers) -> list[Issue]:
    """Find quantities, years and categories that the censuses do not have, or that must not be used so."""
    if name in _RATES and of.quantity != name:
        return [_quantity_error(name, of.quantity, f"{name} is a rate per mille of its own", f"choose {name}")]
    issues = []
    for wanted in filter(None, (of.quantity, of.per)):
        if wanted not in _KNOWN:
            issues.append(_unknown(name, wanted, f"no census has {wanted}", _KNOWN))
            continue
        for year in () if wanted in OF_MAP else _years(of):
            if year not in config.census or numbers.series(wanted, year).isnull().all():
                issues.append(_unknown(name, str(year), f"the census of {year} has no {wanted}", config.census))
    if issues:
        return issues
    issues = _no_counts(name, of) or _no_categories(name, of, numbers)
    return issues + (_not_comparable(name, of) if of.change else [])


def _no_counts(name: str, of: OfQuantity) -> list[Issue]:
    """Refuse to divide means, or by a mean: the result is not a share."""
    fix = "leave per out, or choose counts"
    return [
        _quantity_error(name, wanted, f"{wanted} is a mean, and only counts are divided by counts", fix)
        for wanted in ((of.quantity, of.per) if of.per else ())
        if _KNOWN[wanted].kind != "count"
    ]


def _no_categories(name: str, of: OfQuantity, numbers: ZoneNumbers) -> list[Issue]:
    """Find categories that the quantity, or a census, does not have."""
    dim_of = {label: dim for dim in _KNOWN[of.quantity].dims for label in DIMENSIONS[dim]}
    unknown = [label for label in of.select if label not in dim_of]
    if unknown and not dim_of:
        return [_quantity_error(name, unknown[0], f"{of.quantity} has no categories", "leave select out")]
    if unknown:
        return [_unknown(name, label, f"{of.quantity} has no category {label}", dim_of) for label in unknown]
    # The people of a category that a census does not have may be in another one; no one is lost if both are added.
    mixed = _KNOWN[of.quantity].not_comparable.keys()
    together = mixed if mixed <= set(of.select) else set()
    issues = []
    for label in of.select:
        others = [other for other in dim_of if other != label]
        for year in () if label in together else _years(of):
            if numbers.series(of.quantity, year).sel({dim_of[label]: label}).isnull().all():
                issues.append(_unknown(name, label, f"the census of {year} has no {label} in {of.quantity}", others))
    return issues


def _unknown(name: str, value: str, rule: str, known: Iterable[object]) -> Issue:
    return _quantity_error(name, value, rule, f"choose among {', '.join(map(str, known))}")


def _quantity_error(name: str, value: str, rule: str, fix: str) -> Issue:
    section, column = ("[zones.rates]", _RATES[name]) if name in _RATES else ("[zones.covariates]", name)
    return error("E-QUANTITY", section, column=column, value=value, rule=rule, fix=fix)


def _not_comparable(name: str, of: OfQuantity) -> list[Issue]:
    """Refuse the difference of numbers that count different things.

    Categories whose borders differ between the censuses compare again where all of them are added up.
    """
    issues = []
    for wanted, chosen in ((of.quantity, set(of.select)), (of.per, set[str]())):
        reasons = _KNOWN[wanted].not_comparable if wanted is not None else {}
        mixed = chosen & reasons.keys()
        for category, reason in reasons.items():
            if category == "*" or (category in mixed and mixed != reasons.keys()):
                rule = f"{wanted} of {' and '.join(map(str, of.change or ()))} cannot be compared: {reason}"
                fix = "use one year, or choose a comparable quantity"
                issues.append(error("E-DEF-MIX", "[zones.covariates]", column=name, value=category, rule=rule, fix=fix))
    return issues


def _values(of: OfQuantity, numbers: ZoneNumbers) -> NDArray[np.float64]:
    if of.change is None:
        return _of_year(of, int(of.year or 0), numbers)
    first, last = of.change
    return _of_year(of, last, numbers) - _of_year(of, first, numbers)


def _of_year(of: OfQuantity, year: int, numbers: ZoneNumbers) -> NDArray[np.float64]:
    """Give the number of one census, or its logarithm; NaN where that is undefined."""
    value = _ratio(of, year, numbers)
    return np.log(value, out=np.full_like(value, np.nan), where=value > 0) if of.log else value


def _ratio(of: OfQuantity, year: int, numbers: ZoneNumbers) -> NDArray[np.float64]:
    """Sum the selected categories of one census, and divide by all of another quantity; NaN where that is zero."""
    quantity = numbers.series(of.quantity, year)
    for dim in _KNOWN[of.quantity].dims:
        chosen = [label for label in DIMENSIONS[dim] if label in of.select]
        quantity = quantity.sel({dim: chosen}) if chosen else quantity
    value = _total(quantity)
    if of.per is None:
        return value
    base = _total(numbers.series(of.per, year))
    return np.divide(value, base, out=np.full_like(value, np.nan), where=base > 0)


def _total(quantity: xr.DataArray) -> NDArray[np.float64]:
    """Sum over all categories that the census has."""
    dims = [dim for dim in quantity.dims if dim != "zone"]
    known = quantity.where(quantity.notnull().any("zone"), 0.0)
    return np.asarray(known.sum(dims, skipna=False).to_numpy(), dtype=np.float64)
