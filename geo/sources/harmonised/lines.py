"""The lines of the crosswalk: whole people of each unit in each zone, as shares."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from .borders import PlacedPeople
from .links import Reason


def of_census(
    year: int, people: Mapping[str, int], placed: Sequence[PlacedPeople], zone_of: Mapping[str, str]
) -> pd.DataFrame:
    """Write the lines of one census: residents by unit, their places in polygons, and the zone of each polygon.

    Returns:
        Columns from, to, share, year, reason.
    """
    moved: dict[tuple[str, str], int] = defaultdict(int)
    reasons: dict[tuple[str, str], set[str]] = defaultdict(set)
    for part in placed:
        line = part.row, zone_of[part.polygon]
        reasons[line].add(str(part.reason))
        # A unit whose people are not divided lies in one zone as a whole.
        moved[line] = people[part.row] if part.people is None else moved[line] + part.people
    return pd.DataFrame(
        {
            "from": [unit for unit, _ in moved],
            "to": [zone for _, zone in moved],
            "share": [count / people[unit] if people[unit] else 1.0 for (unit, _), count in moved.items()],
            "year": year,
            "reason": ["+".join(sorted(reasons[line])) for line in moved],
        }
    )


def of_map(mapped: pd.DataFrame, zone_of: Mapping[str, str], vintage: int, tabled: Collection[int]) -> pd.DataFrame:
    """Write which polygons make up a zone, and which of them have the residents of a census without a table.

    Residents by polygon have one column a census, NaN where the map has none; the censuses of `tabled` have a table.
    """
    frames = [pd.DataFrame({"from": mapped.index, "year": vintage})]
    for year in mapped.columns.astype(int).tolist():
        if year not in tabled:
            frames.append(pd.DataFrame({"from": mapped.index[mapped[year].notna()], "year": year}))
    lines = pd.concat(frames, ignore_index=True)
    return lines.assign(to=lines["from"].map(zone_of), share=1.0, reason=str(Reason.MAP))
