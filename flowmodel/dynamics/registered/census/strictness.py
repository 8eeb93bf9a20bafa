"""How strictly a city grants registration: a step function of its urban residents, as in the rules since 2014."""

import numpy as np

from flowmodel.config import Stock
from flowmodel.zones.table import ZoneTable


def strictness(table: ZoneTable, year: int, stock: Stock) -> np.ndarray:
    """κ of every zone, 0 (open) to 1 (closed), from the urban residents of its city in the census of `year`.

    A zone with districts belongs to the city of its prefecture, any other zone counts as a town by itself.

    Raises:
        ZonesError: the table has no urban residents of that year.
    """
    urban, prefecture = table.census("urban", year), table.indices("prefecture")
    of_city = table.values("districts") > 0
    city = np.bincount(prefecture, np.where(of_city, urban, 0.0))[prefecture]
    people = np.where(of_city, city, urban)
    thresholds = [float(least) for least in stock.strictness]
    levels = np.asarray([0.0, *map(float, stock.strictness.values())])
    return np.asarray(levels[np.searchsorted(thresholds, people, side="right")])
