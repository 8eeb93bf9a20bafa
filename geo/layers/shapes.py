"""What can be wrong with one polygon, found for all of them at once, and the declared repair."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import Issue

from .records import Place

# A repair that moves a border moves people: above a thousandth of the area a person decides, not a rule.
_REPAIR_SHARE = 1e-3
_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_DRAW_FIX = "draw it, or remove the record and its row of the table"


@dataclass(frozen=True)
class Checked:
    """Shapes after their checks.

    Attributes:
        shapes: The geometries in two dimensions, repaired where declared, shape (records,).
        good: Where they are polygons with finite coordinates and a valid ring, bool, shape (records,).
        issues: What was found.
        rules: A sentence for each declared rule that changed something.
    """

    shapes: NDArray[np.object_]
    good: NDArray[np.bool_]
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


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
    issues = [place.error("E-GEOM-NULL", at, "every record has a polygon", _DRAW_FIX) for at in _where(missing)]
    issues += [place.error("E-GEOM-EMPTY", at, "a polygon has vertices", _DRAW_FIX) for at in _where(empty)]
    for at in _where(other):
        rule = f"a zone is a polygon, not a {_kind(shapes[at])}"
        issues.append(place.error("E-GEOM-TYPE", at, rule, "give the layer of areas"))
    issues += [
        place.error("E-GEOM-NAN", at, _where_not_finite(shapes[at]), "draw it again") for at in _where(not_finite)
    ]
    areas = ~(missing | empty | other | not_finite)
    flat, found = _flatten(shapes, place)
    crossing = np.zeros_like(areas)
    crossing[areas] = ~shapely.is_valid(flat[areas])
    checked = (
        _repair(flat, crossing, place)
        if repair
        else Checked(flat, ~crossing, tuple(_crossing_issues(flat, crossing, place)), ())
    )
    return Checked(
        checked.shapes,
        areas & checked.good,
        (*issues, *found, *checked.issues),
        checked.rules,
    )


def _crossing_issues(shapes: NDArray[np.object_], crossing: NDArray[np.bool_], place: Place) -> list[Issue]:
    """Say of each polygon that crosses itself why and where, in the coordinates of the file."""
    fix = 'declare repair = "make_valid", or repair it, e.g. with "Fix geometries"'
    return [
        place.error(
            "E-GEOM-INVALID", at, f"a polygon must not cross itself: {shapely.is_valid_reason(shapes[at])}", fix
        )
        for at in _where(crossing)
    ]


def _repair(shapes: NDArray[np.object_], crossing: NDArray[np.bool_], place: Place) -> Checked:
    """Rebuild the rings that cross themselves; what they enclose may not change by more than a thousandth."""
    checked = shapes.copy()
    good = np.ones_like(crossing)
    issues: list[Issue] = []
    for at in _where(crossing):
        reason = shapely.is_valid_reason(shapes[at])
        repaired = shapely.make_valid(shapes[at], method="structure", keep_collapsed=True)
        before, after = float(shapely.area(shapes[at])), float(shapely.area(repaired))
        change = (after - before) / after if after > 0 else np.inf
        if shapely.get_type_id(repaired) not in _AREAS or abs(change) > _REPAIR_SHARE:
            good[at] = False
            issues.append(_not_repairable(place, at, reason, repaired, change))
            continue
        checked[at] = repaired
        text = f"{reason}; mended by make_valid, which changed its area by {100 * change:+.2g} %"
        issues.append(place.warning("W-GEOM-REPAIRED", at, text, "none needed: the rule is declared"))
    repairs = [issue for issue in issues if issue.code == "W-GEOM-REPAIRED"]
    if not repairs:
        return Checked(checked, good, tuple(issues), ())
    people = place.counted([issue.value or "" for issue in repairs])
    rule = (
        f"polygons: {len(repairs)} that crossed themselves{people} are mended, none by more than "
        f'{_REPAIR_SHARE:.1%} of its area (repair = "make_valid"); issues.csv lists them.'
    )
    return Checked(checked, good, tuple(issues), (rule,))


def _not_repairable(place: Place, at: int, reason: str, repaired: shapely.Geometry, change: float) -> Issue:
    """Say why a polygon cannot be mended by rule: a part has no area, or too much area comes or goes."""
    if shapely.get_type_id(repaired) in _AREAS:
        rule = f"{reason}; make_valid would change its area by {100 * change:+.2g} %, more than {_REPAIR_SHARE:.1%}"
    else:
        rule = f"{reason}; a part of it has no area: make_valid leaves a {_kind(repaired)}"
    return place.error("E-GEOM-REPAIR-AREA", at, rule, "draw the polygon again: a rule cannot know what was meant")


def _flatten(shapes: NDArray[np.object_], place: Place) -> tuple[NDArray[np.object_], list[Issue]]:
    """Drop heights and measures; one warning says of how many records."""
    deep = shapely.has_z(shapes) | shapely.has_m(shapes)
    if not deep.any():
        return shapes, []
    first, count = int(np.flatnonzero(deep)[0]), int(deep.sum())
    rule = f"{count} records have heights or measures, which are dropped"
    return np.asarray(shapely.force_2d(shapes)), [place.warning("W-GEOM-3D", first, rule, "none needed")]


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
