"""Worlds in which there is nothing to find: growth dealt out anew among zones, a divide that nobody drew. NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from flowmodel.zones.table import ZoneTable, check

HEIHE, TENGCHONG = (127.53, 50.24), (98.49, 25.02)
"""The ends of the divide, degrees east and north."""


def shuffled(goal: Any, natural: np.ndarray, seed: int) -> Any:
    """`goal` with the growth of inhabited zones dealt out anew, and with it the errors of their bands.

    A zone's new bands are what the fit at `natural` says of it, times the ratio of counted to said of the zone whose
    growth it has got. One factor keeps the national total, which the same growths on other sizes would change.
    """
    of = goal.census
    start, end = np.asarray(of.start), np.asarray(of.end)
    counted = np.flatnonzero((start > 0) & (end > 0))
    from_zone = np.arange(len(start))
    from_zone[counted] = np.random.default_rng(seed).permutation(counted)
    dealt = end.copy()
    dealt[counted] = start[counted] * (end / np.where(start > 0, start, 1.0))[from_zone[counted]]
    dealt[counted] *= end[counted].sum() / dealt[counted].sum()
    return goal.with_growth(dealt, from_zone, natural)


def turned(table: ZoneTable, degrees: float) -> ZoneTable:
    """`table` with the sides of a divide turned about the middle of the real one, counter-clockwise by `degrees`.

    The great circle through the middle m with the normal n turns into that with the normal n cos a + (m × n) sin a.

    Raises:
        ZonesError: see `store.check`.
    """
    heihe, tengchong = _unit(*HEIHE), _unit(*TENGCHONG)
    normal = np.cross(heihe, tengchong)
    normal /= np.linalg.norm(normal)
    middle = (heihe + tengchong) / np.linalg.norm(heihe + tengchong)
    angle = np.radians(degrees)
    around = normal * np.cos(angle) + np.cross(middle, normal) * np.sin(angle)
    east = (_unit(table.values("lon"), table.values("lat")) @ around > 0).astype(np.int8)
    old = table.data["east"]
    return check(table.data.assign(east=old.copy(data=east.astype(old.dtype))), f"a divide turned by {degrees:g}")


def _unit(lon: Any, lat: Any) -> np.ndarray:
    """Points of the unit sphere [..., 3] of degrees."""
    east, north = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
