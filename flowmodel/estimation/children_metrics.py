"""Modelled national numbers of children compared with published ones. NumPy on the host."""

from typing import Any

import numpy as np

from flowmodel.config.stock import Published
from flowmodel.dynamics.registered.census.families import Families
from flowmodel.dynamics.registered.children import Children
from flowmodel.dynamics.registered.setup import RegisteredSetup


def by_zone(found: Children, families: Families) -> dict[str, np.ndarray]:
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


def national(model: RegisteredSetup, found: Children) -> dict[str, Any]:
    """National sums by year and, for the year of the published numbers, these and the ratio of modelled to published.

    `zones_beyond` counts zones with more migrant children than children. There the share of children, taken from the
    first census, is too low for the migrants who have arrived since.
    """
    assert model.stock.children is not None
    assert model.families is not None
    zones, published = by_zone(found, model.families), model.stock.children.published
    report: dict[str, Any] = {}
    for when, year in enumerate(model.years):
        sums = {name: float(values[when].sum()) for name, values in zones.items()}
        sums["migrant_share"] = sums["migrant_children"] / sums["children"]
        report[str(year)] = {name: {"modelled": value} for name, value in sums.items()}
        report[str(year)]["zones_beyond"] = int((zones["migrant_children"][when] > zones["children"][when]).sum())
        if year == published.year:
            for name, figure in _figures(published).items():
                report[str(year)][name] |= {"published": figure, "ratio": sums[name] / figure}
            report[str(year)]["left_behind"] |= {"published_range": list(published.left_behind)}
    return report


def _figures(published: Published) -> dict[str, float]:
    return {
        "children": published.children,
        "migrant_children": published.migrant,
        "migrant_share": published.migrant_share,
        "left_behind": sum(published.left_behind) / 2,
        "left_behind_rural": published.left_behind_rural,
        "left_behind_town": published.left_behind_town,
    }
