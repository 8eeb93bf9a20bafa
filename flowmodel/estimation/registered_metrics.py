"""Scores of the registered population against census counts at the start and at the end. NumPy on the host."""

from typing import Any

import numpy as np
from scipy.stats import spearmanr

from flowmodel.dynamics.registered.accounts import RegisteredAccounts
from flowmodel.dynamics.registered.setup import RegisteredSetup
from flowmodel.estimation import metrics
from flowmodel.estimation.registered_census import BANDS
from flowmodel.estimation.registered_census import bands as census_bands

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


def placed(closed: RegisteredAccounts) -> np.ndarray:
    """Residents from other zones at the start, summed over the pairs themselves, persons [zone]."""
    return closed.placed_start


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
    names = dict(zip(BANDS, predicted, strict=True))
    return {
        "bands": {
            name: {"fitted": float(names[name]), "counted": float(c)} for name, c in zip(BANDS, counted, strict=True)
        },
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
    residents = m.home + m.within + placed(closed)
    registered = closed.registered_opening[0].sum(axis=0)
    assumed = m.assumed
    return {
        "residents_largest_error": float(np.abs(residents - model.table.population(model.years[0])).max()),
        "from_elsewhere_error": _quantiles(placed(closed) / (m.near + m.far) - 1),
        "registered_error": _quantiles(registered / m.registered - 1),
        "registered_in_no_zone": float(m.elsewhere.sum()),
        "assumed": {
            str(what): {"zones": len(rows), "people": float((rows["assumed"] - rows["counted"]).sum())}
            for what, rows in assumed.groupby("what", sort=False)
        },
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {f"{100 * q:g}": float(v) for q, v in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True)}
