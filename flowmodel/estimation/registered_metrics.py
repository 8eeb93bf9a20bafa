"""Scores of registered people against census counts, and of children against published numbers. NumPy on the host."""

from typing import Any

import numpy as np
from scipy.stats import spearmanr

from flowmodel.dynamics.registered.accounts import RegisteredAccounts
from flowmodel.dynamics.registered.census.families import Families
from flowmodel.dynamics.registered.children import Children
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import metrics
from flowmodel.estimation.census import BANDS
from flowmodel.estimation.census import bands as census_bands

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def bands(model: RegisteredSetup, closed: RegisteredAccounts) -> np.ndarray:
    """Modelled residents registered elsewhere at the end, in the bands of a census, persons [band, zone]."""
    within, near, far = (part[-1].sum(axis=0) for part in (closed.within, closed.near, closed.far))
    hidden = model.margins.hidden * within
    return np.stack([within - hidden, near + hidden, far])


def counted_bands(model: RegisteredSetup) -> np.ndarray:
    """The same as counted by the census, persons [band, zone]; NaN if the last census did not ask."""
    table, last = model.table, model.years[1]
    if "census_in_migrants" not in table.data or not table.asked("in_migrants", last):
        return np.full((len(BANDS), len(table.codes)), np.nan)
    return census_bands(table, last)


def scores(predicted: np.ndarray, counted: np.ndarray) -> dict[str, float]:
    """Scores of one band over zones: sums, and `metrics.of_logarithms`."""
    sums = {"fitted": float(predicted.sum()), "counted": float(counted.sum())}
    return sums | metrics.of_logarithms(counted, predicted)


def national(model: RegisteredSetup, closed: RegisteredAccounts) -> dict[str, Any]:
    """National sums at the end, fitted and counted: bands, their sum, moves inside cities, the floating population.

    The floating population excludes people who moved between districts of one city. A census by counties does not
    separate them, so the floating population has a fitted number only.
    """
    predicted, counted = bands(model, closed).sum(axis=1), counted_bands(model).sum(axis=1)
    in_districts = model.table.values("districts") > 0
    inside = float(closed.within[-1].sum(axis=0)[in_districts].sum() + closed.in_city.sum())
    by_band = zip(BANDS, predicted, counted, strict=True)
    return {
        "bands": {name: {"fitted": float(fitted), "counted": float(seen)} for name, fitted, seen in by_band},
        "apart": {"fitted": float(predicted.sum()), "counted": float(counted.sum())},
        "inside_city": {"fitted": inside},
        "floating": {"fitted": float(predicted.sum()) - inside},
        "other_province_share": {
            "fitted": float(predicted[2] / predicted[1:].sum()),
            "counted": float(counted[2] / counted[1:].sum()),
        },
        "other_province_share_by_province": _by_province(model, closed),
    }


def _by_province(model: RegisteredSetup, closed: RegisteredAccounts) -> dict[str, float]:
    """Rank correlation over provinces of the share of other provinces among migrants from other counties."""
    province = model.table.indices("province")

    def share(of: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(province, of[2]) / np.bincount(province, of[1] + of[2]))

    predicted, counted = share(bands(model, closed)), share(counted_bands(model))
    return {"rank_correlation": float(spearmanr(predicted, counted).statistic)}


def initial(model: RegisteredSetup, closed: RegisteredAccounts) -> dict[str, Any]:
    """The population at the start compared with the census: errors of sums, and the assumptions about the census."""
    m = model.margins
    residents = m.home + m.within + closed.placed_start
    registered = closed.registered_opening[0].sum(axis=0)
    return {
        "residents_largest_error": float(np.abs(residents - model.table.population(model.years[0])).max()),
        "from_elsewhere_error": _quantiles(closed.placed_start / (m.near + m.far) - 1),
        "registered_error": _quantiles(registered / m.registered - 1),
        "registered_in_no_zone": float(m.elsewhere.sum()),
        "assumed": {
            str(what): {"zones": len(rows), "people": float((rows["assumed"] - rows["counted"]).sum())}
            for what, rows in m.assumed.groupby("what", sort=False)
        },
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {f"{100 * q:g}": float(v) for q, v in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True)}


def children_by_zone(found: Children, families: Families) -> dict[str, np.ndarray]:
    """Persons [start and end, zone], summed over groups; left-behind children are urban in proportion to residents."""
    names = ("living", "adults", "migrant", "left_behind")
    children, adults, migrant, left = (getattr(found, name).sum(axis=1) for name in names)
    return {
        "children": children,
        "adults": adults,
        "migrant_children": migrant,
        "left_behind": left,
        "left_behind_rural": left * (1 - families.urban),
        "left_behind_town": left * families.urban,
    }


def national_children(model: RegisteredSetup, found: Children) -> dict[str, Any]:
    """National sums by year and, for the year of the published numbers, these and the ratio of modelled to published.

    `zones_beyond` counts zones with more migrant children than children. There the share of children, taken from the
    first census, is too low for the migrants who have arrived since.
    """
    assert model.stock.children is not None
    assert model.families is not None
    zones, published = children_by_zone(found, model.families), model.stock.children.published
    figures = {
        "children": published.children,
        "migrant_children": published.migrant,
        "migrant_share": published.migrant_share,
        "left_behind": sum(published.left_behind) / 2,
        "left_behind_rural": published.left_behind_rural,
        "left_behind_town": published.left_behind_town,
    }
    report: dict[str, Any] = {}
    for when, year in enumerate(model.years):
        sums = {name: float(values[when].sum()) for name, values in zones.items()}
        sums["migrant_share"] = sums["migrant_children"] / sums["children"]
        report[str(year)] = {name: {"modelled": value} for name, value in sums.items()}
        report[str(year)]["zones_beyond"] = int((zones["migrant_children"][when] > zones["children"][when]).sum())
        if year == published.year:
            for name, figure in figures.items():
                report[str(year)][name] |= {"published": figure, "ratio": sums[name] / figure}
            report[str(year)]["left_behind"] |= {"published_range": list(published.left_behind)}
    return report
