"""How polygons lie beside each other: overlaps count land twice, gaps and slivers not at all."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.coordinates import crs
from geo.errors import Issue, error

from .location import geodesic_area_km2
from .records import Place

# Digitised borders meet within the width of a pen: less than this share of the smaller zone is not worth a stop.
_OVERLAP_SHARE = 1e-4
# A gap this small beside its smallest neighbour is a sliver between two drawings of one border, not land.
_SLIVER_SHARE = 1e-4


def check(shapes: NDArray[np.object_], system: pyproj.CRS, place: Place, *, whole: bool) -> list[Issue]:
    """Find zones that lie partly on one another, and land enclosed by zones that belongs to none.

    Edges are straight in the layer's own coordinates, so pieces are cut there and only measured on the ellipsoid.
    A gap that opens to the outside of the layer cannot be told from its outline, and is not found.

    Args:
        shapes: Valid polygons, shape (zones,).
        system: CRS of their coordinates.
        place: Where they stand.
        whole: Whether these are all zones; a missing one would look like a gap.

    Returns:
        E-TOPO-OVERLAP for each pair above 0.01 % of the smaller zone, W-TOPO-GAP for each hole with its area and
        neighbours, W-TOPO-SLIVER once for all overlaps and once for all holes too small to matter.
    """
    # One sweep marks the edges that a neighbour does not share vertex by vertex; unmarked, a layer is proved sound.
    marked = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    issues = _overlaps(shapes, marked, system, place)
    if whole:
        union = shapely.union_all(shapes) if marked.any() else shapely.coverage_union_all(shapes)
        issues += _gaps(shapes, union, system, place)
    return issues


def _overlaps(shapes: NDArray[np.object_], marked: NDArray[np.bool_], system: pyproj.CRS, place: Place) -> list[Issue]:
    first, second = _candidate_pairs(shapes, marked, place)
    pieces = shapely.intersection(shapes[first], shapes[second])
    real = shapely.area(pieces) > 0
    if not real.any():
        return []
    first, second, pieces = first[real], second[real], pieces[real]
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    shares = shapely.area(pieces) / smaller
    large = shares > _OVERLAP_SHARE
    km2 = _km2(pieces, system)
    issues = [
        _overlap(place, int(first[at]), int(second[at]), float(km2[at]), float(shares[at]))
        for at in np.flatnonzero(large)
    ]
    if not large.all():
        total_area = f"{km2[~large].sum():.3g} km2 in all"
        rule = f"{(~large).sum()} pairs of zones overlap by less than {_OVERLAP_SHARE:.2%} of the smaller, {total_area}"
        issues.append(_warning(place, "W-TOPO-SLIVER", None, rule))
    return issues


def _gaps(shapes: NDArray[np.object_], union: shapely.Geometry, system: pyproj.CRS, place: Place) -> list[Issue]:
    rings = [ring for part in shapely.get_parts(union) for ring in part.interiors]
    if not rings:
        return []
    holes = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    hole, zone = shapely.STRtree(shapes).query(holes, predicate="intersects")
    least = np.full(len(holes), np.inf)
    np.minimum.at(least, hole, shapely.area(shapes[zone]))
    sliver = shapely.area(holes) < _SLIVER_SHARE * least
    km2 = _km2(holes, system)
    points = crs.to_degrees(shapely.point_on_surface(holes), system)
    count = int((~sliver).sum())
    issues: list[Issue] = []
    for at in np.flatnonzero(~sliver):
        neighbours = sorted({place.codes[other] for other in zone[hole == at]})
        around = ", ".join(neighbours[:6])
        rule = f"gap {len(issues) + 1} of {count}: {km2[at]:.3g} km2 enclosed by {around} belong to none"
        issues.append(_warning(place, "W-TOPO-GAP", _position(points[at]), rule))
    if sliver.any():
        rule = f"{sliver.sum()} slivers between zones belong to none, {km2[sliver].sum():.3g} km2 in all"
        issues.append(_warning(place, "W-TOPO-SLIVER", _position(points[sliver][0]), rule))
    return issues


def _candidate_pairs(
    shapes: NDArray[np.object_], marked: NDArray[np.bool_], place: Place
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the pairs of zones that may overlap, each once, in the order of the file.

    Of a zone inside another only the inner one is marked, so one mark makes a pair suspect.
    """
    candidates = np.flatnonzero(marked)
    at, second = shapely.STRtree(shapes).query(shapes[candidates])
    first = candidates[at]
    codes = np.asarray(place.codes)
    # Records of one zone are told of as such. A pair of two marked zones is found from both sides.
    keep = (codes[first] != codes[second]) & (~marked[second] | (first < second))
    low, high = np.minimum(first[keep], second[keep]), np.maximum(first[keep], second[keep])
    order = np.lexsort((high, low))
    return low[order], high[order]


def _overlap(place: Place, first: int, second: int, km2: float, share: float) -> Issue:
    codes = place.codes[first], place.codes[second]
    people = [place.people[code] for code in codes if code in place.people]
    rule = (
        f"zones {codes[0]} and {codes[1]} (record {place.lines[second]}) overlap by {km2:.3g} km2, "
        f"{share:.2%} of the smaller"
    )
    return error(
        "E-TOPO-OVERLAP",
        place.file,
        rule=rule,
        fix="draw their border once and use it for both, or correct the code of one",
        line=place.lines[first],
        column=place.column,
        value=", ".join(codes),
        people=sum(people) if people else None,
    )


def _warning(place: Place, code: str, value: str | None, rule: str) -> Issue:
    fix = "look there in a map; draw shared borders once"
    return Issue(code, "warning", place.file, None, None, value, rule, fix, None)


def _km2(pieces: NDArray[np.object_], system: pyproj.CRS) -> NDArray[np.float64]:
    """Measure pieces on the ellipsoid; an intersection may hold lines and points, which have no area."""
    return geodesic_area_km2(crs.to_degrees(_areas(pieces), system))


def _areas(pieces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep the polygons of each piece."""
    parts, owner = shapely.get_parts(pieces, return_index=True)
    areal = shapely.get_dimensions(parts) == 2
    return np.asarray(shapely.multipolygons(parts[areal], indices=owner[areal]))


def _position(point: shapely.Point) -> str:
    return f"{point.x:.5f}, {point.y:.5f}"
