"""Development zones: units of a census with people but without a polygon on the map.

They were cut out of urban districts of their prefecture, but it is unknown of which. Where they have few people, these
are shared out over the districts in proportion to the districts' own; where they have many, the districts are one zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.checks.people import largest_remainder

from .borders import PlacedPeople
from .links import Reason

_DISTRICT = "区"


@dataclass(frozen=True)
class DistrictGroup:
    """The development zones of one prefecture with the districts they were cut from.

    Attributes:
        rows: Keys of the zones' rows.
        groups: Districts that already belong together, as positions in the list of groups.
        people: Residents of the zones together.
        residents: Residents of each group of districts, without the zones.
    """

    rows: tuple[str, ...]
    groups: tuple[int, ...]
    people: int
    residents: tuple[int, ...]

    def small(self, share: float) -> bool:
        """Whether the zones hold at most this share of the districts' residents."""
        return self.people <= share * sum(self.residents)


def is_district(names: pd.Series) -> pd.Series:
    """Tell by their names which units are urban districts of a city.

    Digits of codes do not: 01 to 20 stand for county-level cities as well where the prefecture is no city (西昌,
    513401), and districts founded lately have others (铜梁, 500151). On the map of China 神农架林区 and 六枝特区 pass,
    which are none; other names in 林区 and 矿区 are those of districts (碑林区, 峰峰矿区).
    """
    return names.str.endswith(_DISTRICT)


def districts(polygons: pd.DataFrame, prefecture: str) -> list[str]:
    """Give the urban districts of a prefecture (four digits), or its only polygon."""
    near = polygons[polygons["prefecture"] == prefecture]
    urban = near.index[is_district(near["name"])]
    return [str(code) for code in (urban if len(urban) or len(near) != 1 else near.index)]


def group_by_prefecture(
    floating: pd.DataFrame, polygons: pd.DataFrame, group_of: Mapping[str, int], residents: Mapping[int, int]
) -> list[DistrictGroup]:
    """Find the districts that the unplaced rows of a census (index key; columns prefecture, people) were cut from.

    Polygons belong to the groups of `group_of` so far, where `residents` are placed already.

    Returns:
        One entry a prefecture; without groups where the prefecture has no district.
    """
    found = []
    for prefecture, rows in floating.groupby("prefecture"):
        groups = tuple(sorted({group_of[code] for code in districts(polygons, str(prefecture))}))
        own = tuple(residents.get(group, 0) for group in groups)
        found.append(DistrictGroup(tuple(map(str, rows.index)), groups, int(rows["people"].sum()), own))
    return found


def share_out(cut: DistrictGroup, people: Mapping[str, int], first: Sequence[str]) -> list[PlacedPeople]:
    """Share the people of each zone over the groups of districts, in proportion to their residents, in whole persons.

    `first` is a polygon of each group.
    """
    weights = np.array(cut.residents, dtype=np.float64)
    weights = weights / weights.sum() if weights.any() else np.full(len(first), 1 / len(first))
    placed = [
        PlacedPeople(row, polygon, int(persons), Reason.ZONE_SHARED)
        for row in cut.rows
        for polygon, persons in zip(first, largest_remainder(weights * people[row]), strict=True)
        if persons > 0
    ]
    # A zone without residents is in the crosswalk as well.
    return placed + [PlacedPeople(row, first[0], 0, Reason.ZONE_SHARED) for row in cut.rows if people[row] == 0]
