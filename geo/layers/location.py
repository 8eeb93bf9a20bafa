"""Where on Earth shapes lie: the range of their CRS, their extent, and the way to longitude and latitude."""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs, datum
from geo.errors import Issue

from .records import Place

_HALF_WAY_ROUND = 180.0


@dataclass(frozen=True)
class Located:
    """Shapes brought to degrees.

    Attributes:
        degrees: Polygons in EPSG:4326 (lon, lat), shape (zones,).
        good: Which of them can be where they say, bool, shape (zones,); none where the whole layer is elsewhere.
        issues: What was found.
        rules: A sentence where a declared datum moved them.
    """

    degrees: NDArray[np.object_]
    good: NDArray[np.bool_]
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


def locate(shapes: NDArray[np.object_], system: pyproj.CRS, shifted: str | None, place: Place) -> Located:
    """Bring polygons to degrees, and judge whether they can lie there.

    Args:
        shapes: Polygons, shape (zones,), x before y.
        system: CRS of their coordinates.
        shifted: `datum` of the config.
        place: Where they stand.

    Returns:
        The polygons in WGS 84; E-AXIS-SWAP, E-CRS-RANGE, E-GEOM-EXTENT, E-CRS-MISMATCH and W-DATUM.
    """
    none_good = np.zeros(len(shapes), dtype=np.bool_)
    good, issues = _in_range(shapes, system, place)
    if not good.any():
        return Located(shapes, none_good, tuple(issues), ())
    degrees = shapes.copy()
    degrees[good] = crs.to_degrees(shapes[good], system)
    lost = good & ~np.isfinite(shapely.bounds(degrees)).all(axis=1)
    rule, fix = f"coordinates cannot be in {crs.name(system)}", "declare the CRS the coordinates are in"
    issues += [place.error("E-CRS-RANGE", int(at), rule, fix) for at in np.flatnonzero(lost)]
    good &= ~lost
    wide = _wide(degrees, good)
    issues += [_too_wide(place, int(at)) for at in np.flatnonzero(wide)]
    good &= ~wide
    if not good.any():
        return Located(degrees, none_good, tuple(issues), ())
    bounds = shapely.total_bounds(degrees[good])
    issues += crs.check_use(bounds, system, place.file) or datum.check(system, shifted, bounds, place.file)
    if shifted not in datum.SHIFTED:
        return Located(degrees, good, tuple(issues), ())
    degrees[good] = datum.to_wgs84(degrees[good], shifted)
    rule = f'polygons: all are moved from {shifted} to WGS 84 by the published formula (datum = "{shifted}").'
    return Located(degrees, good, tuple(issues), (rule,))


def swap(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Exchange x and y."""
    return np.asarray(shapely.transform(shapes, lambda xy: xy[:, ::-1]))


def _in_range(shapes: NDArray[np.object_], system: pyproj.CRS, place: Place) -> tuple[NDArray[np.bool_], list[Issue]]:
    """Judge the coordinates as they stand: all of them wrong is one problem, some of them is one each."""
    west, south, east, north = shapely.bounds(shapes).T
    out = np.maximum(-west, east) > 180.0
    out |= np.maximum(-south, north) > 90.0
    out &= bool(system.is_geographic)
    if out.any() and not out.all():
        rule = f"coordinates are outside of longitude and latitude, but the CRS is {crs.name(system)}"
        fix = "declare the CRS the coordinates are in, or draw it again"
        return ~out, [place.error("E-CRS-RANGE", int(at), rule, fix) for at in np.flatnonzero(out)]
    issues = crs.check_range(shapely.total_bounds(shapes), system, place.file) if len(shapes) else []
    return np.full(len(shapes), not issues), issues


def _wide(degrees: NDArray[np.object_], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find polygons with a part wider than half of the Earth; parts on both sides of the antimeridian are fine."""
    of = np.flatnonzero(good)  # the others may lie at infinity, which has no width
    parts, owner = shapely.get_parts(degrees[of], return_index=True)
    west, _, east, _ = shapely.bounds(parts).T
    wide = np.zeros_like(good)
    wide[of[owner[east - west > _HALF_WAY_ROUND]]] = True
    return wide


def _too_wide(place: Place, at: int) -> Issue:
    rule = "a zone is less than 180 degrees wide; this one runs round the Earth the wrong way"
    return place.error("E-GEOM-EXTENT", at, rule, "cut it at the antimeridian into two parts")
