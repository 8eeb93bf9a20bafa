"""The margins of the initial stock: the counts of a census, adjusted to agree, with a list of every adjustment.

A census counts residents, registered people, and residents registered elsewhere in three bands. Residents and
registered people need not agree: some registered people live in no zone (abroad, or undetermined), and some zones
report fewer registered people than residents who live there at home.
"""

import dataclasses

import numpy as np
import pandas as pd

from flowmodel.config import Stock
from flowmodel.dynamics.registered.census.within import Within, within
from flowmodel.zones.table import ZoneTable


@dataclasses.dataclass(frozen=True)
class Margins:
    """Persons by zone, float64. sum(out) = sum(near) + sum(far); residents = home + within + near + far.

    Attributes:
        home: registered in the zone and living there at home.
        within: registered in another township or member of the zone and living in it.
        near: living there, registered in another zone of the province.
        far: living there, registered in another province.
        out: registered there, living in another zone.
        elsewhere: registered there, living in no zone.
        hidden: share of `within` that crossed the borders of a zone's members, which a census counts with `near`.
        registered: registered people as counted.
        province: index of the province.
        assumed: the assumptions that make the two sides agree: zone, name, what, counted, assumed (persons).
    """

    home: np.ndarray
    within: np.ndarray
    near: np.ndarray
    far: np.ndarray
    out: np.ndarray
    elsewhere: np.ndarray
    hidden: np.ndarray
    registered: np.ndarray
    province: np.ndarray
    assumed: pd.DataFrame


def margins(table: ZoneTable, year: int, stock: Stock) -> Margins:
    """The margins of the stock at the census of `year`.

    Raises:
        ZonesError: the table lacks residents, registered people or bands of that year.
    """
    residents = table.population(year)
    registered = table.census("registered", year)
    inside = within(table, year, stock)
    near, far = inside.near, table.census("in_migrants", year, band="other_province")
    home = residents - inside.within - near - far
    counted = registered - home - inside.within
    raised = np.maximum(counted, stock.least_away * registered)
    province = table.indices("province")
    enough = raised * _raise_of_provinces(raised, near, province, stock.least_far)[province]
    out = _abroad_left_out(enough, near, far, province)
    return Margins(
        home=home,
        within=inside.within,
        near=near,
        far=far,
        out=out,
        elsewhere=enough - out,
        hidden=inside.hidden,
        registered=registered,
        province=province,
        assumed=_assumptions(table, inside, registered, registered + enough - counted, raised - counted),
    )


def _raise_of_provinces(out: np.ndarray, near: np.ndarray, province: np.ndarray, least: float) -> np.ndarray:
    """The factor on the people away of a province with which at least the share `least` lives in other provinces."""
    away, inside = np.bincount(province, out), np.bincount(province, near)
    return np.maximum(1.0, inside / ((1 - least) * np.where(away > 0, away, 1.0)))


def _abroad_left_out(out: np.ndarray, near: np.ndarray, far: np.ndarray, province: np.ndarray) -> np.ndarray:
    """The people away who live in zones: those in other provinces are scaled to the arrivals, alike for all provinces.

    The remaining people away live in no zone.
    """
    away, inside = np.bincount(province, out), np.bincount(province, near)
    beyond = away - inside
    inside_share = inside / np.where(away > 0, away, 1.0)
    beyond_share = beyond / np.where(away > 0, away, 1.0) * (far.sum() / beyond.sum())
    return np.asarray(out * (inside_share + beyond_share)[province])


def _assumptions(
    table: ZoneTable, inside: Within, counted: np.ndarray, assumed: np.ndarray, by_zone: np.ndarray
) -> pd.DataFrame:
    """One line for each zone whose registered people are assumed to exceed the count, and one for each capped band."""
    whats = {
        "registered: fewer counted than live there at home": by_zone > 0,
        "registered: the province's people away are fewer than its own in-migrants": (by_zone <= 0)
        & (assumed > counted * (1 + 1e-12)),
    }
    rows = [
        (table.codes[i], table.values("name")[i], what, counted[i], assumed[i])
        for what, where in whats.items()
        for i in np.flatnonzero(where)
    ]
    rows += [
        (table.codes[i], table.values("name")[i], "within: moves between members capped by the band", had, kept)
        for i, had, kept in inside.capped
    ]
    return pd.DataFrame(rows, columns=["zone", "name", "what", "counted", "assumed"])
