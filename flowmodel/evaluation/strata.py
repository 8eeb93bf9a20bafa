"""Strata: groups of zones for which scores are reported separately. NumPy on the host."""

import numpy as np

from flowmodel.zones.table import ZoneTable

_SIZES = (200_000, 500_000, 1_000_000)
_GROWTHS = (-0.1, 0.0, 0.1)


def strata(table: ZoneTable, start: np.ndarray, end: np.ndarray) -> dict[str, np.ndarray]:
    """Masks over zones by name: all; by residents at the start; by observed log growth; districts; sides of the divide.

    Args:
        table: the zones.
        start: residents at the start, persons [zone].
        end: residents counted at the end, persons [zone].
    """
    inhabited = (start > 0) & (end > 0)
    growth = np.log(np.where(inhabited, end, 1.0) / np.where(inhabited, start, 1.0))
    east = table.values("east").astype(bool)
    found = {"all": np.ones(len(start), bool)}
    found |= _classes("residents", start, _SIZES, lambda value: f"{value:,.0f}")
    found |= _classes("log growth", growth, _GROWTHS, lambda value: f"{value:+g}")
    if "districts" in table.data:
        district = table.values("districts") > 0
        found |= {"city districts": district, "counties": ~district}
    return {name: mask & inhabited for name, mask in (found | {"east": east, "west": ~east}).items()}


def _classes(what: str, values: np.ndarray, limits: tuple[float, ...], text: object) -> dict[str, np.ndarray]:
    assert callable(text)
    at = np.searchsorted(np.asarray(limits, float), values, side="right")
    names = [f"{what} below {text(limits[0])}"]
    names += [f"{what} {text(low)} to {text(high)}" for low, high in zip(limits, limits[1:], strict=False)]
    names.append(f"{what} from {text(limits[-1])}")
    return {name: at == i for i, name in enumerate(names)}
