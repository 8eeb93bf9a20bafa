"""Covariates computed from the residents of one census and the map alone. NumPy on the host."""

from collections.abc import Callable

import numpy as np

from flowmodel.gravity.distance import great_circles_km
from flowmodel.zones.table import ZoneTable

_OFFSET_KM = 10.0
_NEAR_KM = 150.0


def covariates(table: ZoneTable, year: int, sources: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Covariates by name [zone, covariate]: those of `GEOMETRY` from the residents of `year`, others from the table.

    Args:
        table: the zones.
        year: the census.
        sources: zones that count in sums over zones, the same at every census [zone].
        names: names of the covariates.

    Raises:
        ZonesError: a name is neither in `GEOMETRY` nor a covariate of the table.
    """
    people = np.where(np.isfinite(table.counted(year)), table.counted(year), 0.0)
    columns = [GEOMETRY[n](table, people, sources) if n in GEOMETRY else table.covariate(n) for n in names]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table.codes), 0))


def _log(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(values, 1e-9)))


def _residents(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    del table, sources
    return _log(np.maximum(people, 1.0))


def _density(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    del sources
    return _log(np.maximum(people, 1.0) / np.asarray(table.values("area")))


def _of_prefecture(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Residents of the zone's prefecture, including the zone."""
    prefecture = table.indices("prefecture")
    total = np.bincount(prefecture, np.where(sources, people, 0.0))[prefecture]
    return np.asarray(np.where(sources, total, total + people))


def _share(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    return np.asarray(people / np.maximum(_of_prefecture(table, people, sources), 1.0))


def _prefecture(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    return _log(np.maximum(_of_prefecture(table, people, sources), 1.0))


def _density_in_prefecture(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Log density of the zone less that of its prefecture: positive in city districts, negative in rural counties."""
    prefecture, area = table.indices("prefecture"), table.values("area")
    around = np.bincount(prefecture, np.where(sources, area, 0.0))[prefecture]
    around = np.where(sources, around, around + area)
    total = np.maximum(_of_prefecture(table, people, sources), 1.0)
    return np.asarray(_density(table, people, sources) - _log(total / around))


def _potential(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Population potential: log of the sum of other zones' residents divided by distance."""
    weight = np.where(sources, people, 0.0)
    near = 1 / (distances(table) + _OFFSET_KM)
    return _log(near @ weight - weight / _OFFSET_KM)


def _around(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Log of residents weighted by exp(−distance / 150 km)."""
    return _log(np.exp(-distances(table) / _NEAR_KM) @ np.where(sources, people, 0.0))


def _divide(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    del people, sources
    return table.values("divide_distance")


def _area(table: ZoneTable, people: np.ndarray, sources: np.ndarray) -> np.ndarray:
    del people, sources
    return _log(table.values("area"))


GEOMETRY: dict[str, Callable[[ZoneTable, np.ndarray, np.ndarray], np.ndarray]] = {
    "log_residents": _residents,
    "log_density_then": _density,
    "prefecture_share": _share,
    "log_prefecture": _prefecture,
    "density_in_prefecture": _density_in_prefecture,
    "log_potential": _potential,
    "log_around": _around,
    "divide_distance_km": _divide,
    "log_area": _area,
}
"""Covariates by name; a covariate of the table must not have one of these names."""


def distances(table: ZoneTable) -> np.ndarray:
    """Great-circle distances of zones, km [zone, zone]."""
    return great_circles_km(table.values("lon"), table.values("lat"))
