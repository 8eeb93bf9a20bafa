"""What can be wrong with one polygon, found for all of them at once, and the declared repair."""

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import Issue

from .records import Checked, Place

# A repair that moves a border moves people: above a thousandth of the area a person decides, not a rule.
_REPAIR_SHARE = 1e-3
_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_DRAW_FIX = "draw it, or remove the record and its row of the table"


def check(shapes: NDArray[np.object_], place: Place, repair: str | None) -> Checked:
    """Find records whose geometry is not a valid polygon, and mend the crossed ones where that is declared.

    Args:
        shapes: Geometries as read, None where there is none, shape (records,).
        place: Where they stand.
        repair: `repair` of the config.

    Returns:
        The shapes; of each bad record the first of E-GEOM-NULL, E-GEOM-EMPTY, E-GEOM-TYPE, E-GEOM-NAN, E-GEOM-INVALID
        and E-GEOM-REPAIR-AREA; W-GEOM-REPAIRED for a mended one; and W-GEOM-3D once.
    """
    missing = shapely.is_missing(shapes)
    empty = shapely.is_empty(shapes)
    kinds = shapely.get_type_id(shapes)
    other = ~np.isin(kinds, _AREAS) & ~missing & ~empty
    not_finite = _not_finite(shapes) & ~missing & ~other
    issues = [place.issue("E-GEOM-NULL", at, "every record has a polygon", _DRAW_FIX) for at in _where(missing)]
    issues += [place.issue("E-GEOM-EMPTY", at, "a polygon has vertices", _DRAW_FIX) for at in _where(empty)]
    for at in _where(other):
        rule = f"a zone is a polygon, not a {_kind(shapes[at])}"
        issues.append(place.issue("E-GEOM-TYPE", at, rule, "give the layer of areas"))
    for at in _where(not_finite):
        issues.append(place.issue("E-GEOM-NAN", at, _where_not_finite(shapes[at]), "draw it again"))
    flat, found = _flatten(shapes, place)
    good = ~(missing | empty | other | not_finite)
    crossing = good.copy()
    crossing[good] = ~shapely.is_valid(flat[good])
    good &= ~crossing
    issues += found
    mended = []
    for at in _where(crossing):
        if repair:
            flat[at], issue = _repair(flat[at], at, place)
        else:  # why and where, in the coordinates of the file
            rule = f"a polygon must not cross itself: {shapely.is_valid_reason(flat[at])}"
            fix = 'declare repair = "make_valid", or repair it, e.g. with "Fix geometries"'
            issue = place.issue("E-GEOM-INVALID", at, rule, fix)
        issues.append(issue)
        if issue.severity == "warning":
            good[at] = True
            mended.append(place.codes[at])
    rule = (
        f"polygons: {len(mended)} that crossed themselves{place.counted(mended)} are mended, none by more than "
        f'{_REPAIR_SHARE:.1%} of its area (repair = "make_valid"); issues.csv lists them.'
    )
    return Checked(flat, good, tuple(issues), (rule,) if mended else ())


def _repair(shape: shapely.Geometry, at: int, place: Place) -> tuple[shapely.Geometry, Issue]:
    """Rebuild the rings that cross themselves; what they enclose may not change by more than a thousandth.

    Returns:
        The mended polygon and W-GEOM-REPAIRED, or the polygon as it is and E-GEOM-REPAIR-AREA.
    """
    reason = shapely.is_valid_reason(shape)
    repaired = shapely.make_valid(shape, method="structure", keep_collapsed=True)
    before, after = float(shapely.area(shape)), float(shapely.area(repaired))
    change = (after - before) / after if after > 0 else np.inf
    if shapely.get_type_id(repaired) not in _AREAS:
        rule = f"{reason}; a part of it has no area: make_valid leaves a {_kind(repaired)}"
    elif abs(change) > _REPAIR_SHARE:
        rule = f"{reason}; make_valid would change its area by {100 * change:+.2g} %, more than {_REPAIR_SHARE:.1%}"
    else:
        rule = f"{reason}; mended by make_valid, which changed its area by {100 * change:+.2g} %"
        return repaired, place.issue("W-GEOM-REPAIRED", at, rule, "none needed: the rule is declared")
    fix = "draw the polygon again: a rule cannot know what was meant"
    return shape, place.issue("E-GEOM-REPAIR-AREA", at, rule, fix)


def _flatten(shapes: NDArray[np.object_], place: Place) -> tuple[NDArray[np.object_], list[Issue]]:
    """Drop heights and measures; one warning says of how many records."""
    deep = shapely.has_z(shapes) | shapely.has_m(shapes)
    if not deep.any():
        return shapes.copy(), []
    first, count = int(np.flatnonzero(deep)[0]), int(deep.sum())
    rule = f"{count} records have heights or measures, which are dropped"
    return np.asarray(shapely.force_2d(shapes)), [place.issue("W-GEOM-3D", first, rule, "none needed")]


def _not_finite(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    found = np.zeros(len(shapes), dtype=np.bool_)
    found[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    return found


def _where_not_finite(shape: shapely.Geometry) -> str:
    bad = np.flatnonzero(~np.isfinite(shapely.get_coordinates(shape)).all(axis=1))
    return f"coordinates are finite numbers; vertex {bad[0]} (counted from 0) and {len(bad) - 1} more are not"


def _kind(shape: shapely.Geometry) -> str:
    return shapely.GeometryType(int(shapely.get_type_id(shape))).name.lower()


def _where(mask: NDArray[np.bool_]) -> list[int]:
    return [int(at) for at in np.flatnonzero(mask)]
