"""Nine squares bent in a list of small ways: vertices, parts, records, codes, coordinate systems and declarations."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import strategies as st

from geo.coordinates import crs

Record = tuple[str, shapely.Geometry | None]
Edit = tuple[Any, ...]
SYSTEMS: dict[str, object] = {name: name for name in ("EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:32648", "EPSG:4796")}
SYSTEMS |= {"Albers": crs.china_albers()}
OPTIONS = ("repair", "dissolve", "gcj02", "wgs84", "own_position", "own_area", "integer_codes")
SWAPS = (
    [frozenset[str]()] * 6
    + [frozenset(("swapped", "swap_xy"))] * 2
    + [frozenset(("swapped",)), frozenset(("swap_xy",))]
)
PREFIXES = ("71", "710101", "110101", "12", "99")


@dataclass(frozen=True)
class Bent:
    """How a layer differs from the sound one.

    Attributes:
        edits: Changes of records, in order.
        options: What is declared, or done to the whole layer.
        system: CRS of the coordinates, the one the file names, and the declared one.
        exclude: Prefixes of codes to leave out.
    """

    edits: tuple[Edit, ...] = ()
    options: frozenset[str] = frozenset()
    system: tuple[str, str | None, str | None] = ("EPSG:4326", "EPSG:4326", None)
    exclude: tuple[str, ...] = ()

    @property
    def truthful(self) -> bool:
        """Whether the coordinates are in the system that the file names, or else the config."""
        true, labelled, declared = self.system
        return (labelled or declared) == true and ("swapped" in self.options) == ("swap_xy" in self.options)


def _system(name: str) -> st.SearchStrategy[tuple[str, str | None, str | None]]:
    other = st.sampled_from([*SYSTEMS, None])
    right = st.sampled_from([(name, name, None)] * 6 + [(name, None, name), (name, name, name)])
    return right | right | st.tuples(st.just(name), other, other)


_zone, _delta = st.integers(0, 11), st.sampled_from([1e-12, 1e-6, 1e-4, -1e-3, 0.01, -0.2, 0.5, 1.0, 7.0, 200.0])
_SINGLE = "null empty line point collection nan inf bowtie spike collapsed reverse z tiny wrap parts copy drop swap_one"
_EDITS = st.one_of(
    st.tuples(st.just("vertex"), _zone, st.integers(0, 3), _delta, _delta),
    st.tuples(st.just("shift"), _zone, _delta, _delta),
    st.tuples(st.just("grow"), _zone, st.sampled_from([1e-9, 1e-3, 0.5, 1 + 1e-9, 1.00001, 1.01, 3.0])),
    st.tuples(st.just("hole"), _zone, st.sampled_from([1e-6, 0.01, 0.5, 1.0, 1.5])),
    st.tuples(st.sampled_from(_SINGLE.split()), _zone),
    st.tuples(st.just("records"), _zone, st.sampled_from([0.0, 0.0, 0.1, -0.1])),
    st.tuples(st.just("code"), _zone, st.sampled_from(["", "11010", "110102", "120104", "１１０１０１", "110101 "])),
    st.tuples(st.just("add"), st.sampled_from(["710101", "120104", "110101"]), st.sampled_from([104.5, 110.0, 179.0])),
)
_HARMLESS = st.tuples(st.sampled_from(["parts", "reverse", "z", "wrap", "order"]), _zone)
BENT = st.builds(
    Bent,
    st.lists(_EDITS | _HARMLESS | _HARMLESS, max_size=3).map(tuple),
    st.builds(frozenset.union, st.frozensets(st.sampled_from(OPTIONS), max_size=4), st.sampled_from(SWAPS)),
    st.just(("EPSG:4326", "EPSG:4326", None)) | st.sampled_from(list(SYSTEMS)).flatmap(_system),
    st.sampled_from([()] * 8 + [(prefix,) for prefix in PREFIXES] + [("71", "12"), ("71", "710101")]),
) | st.builds(
    Bent,
    st.lists(_HARMLESS | _EDITS, max_size=1).map(lambda edits: (*edits, ("add", "710101", 110.0))),
    st.frozensets(st.sampled_from(OPTIONS), max_size=4),
    exclude=st.sampled_from([("71",), ("710101",), ()]),
)


def bend(records: Sequence[Record], edits: Sequence[Edit]) -> list[Record]:
    """Make the changes one after the other; a record that is not there is another one."""
    bent = list(records)
    for kind, *rest in edits:
        if not bent:
            break
        if kind == "add":
            bent.append((rest[0], shapely.box(rest[1], 30.0, rest[1] + 0.9, 31.0)))
            continue
        at = rest[0] % len(bent)
        code, shape = bent[at]
        if kind == "order":
            bent = bent[at:] + bent[:at]
        elif kind == "code":
            bent[at] = (rest[1], shape)
        elif kind == "drop":
            del bent[at]
        elif kind == "copy":
            bent.append(bent[at])
        elif isinstance(shape, shapely.Polygon) and shape.area > 0 and math.isfinite(shape.area):
            made = _SHAPES[kind](shape, *rest[1:])
            bent[at : at + 1] = [(code, part) for part in (made if isinstance(made, list) else [made])]
    return bent


def layer(records: Sequence[Record], bent: Bent) -> gpd.GeoDataFrame:
    """Make the layer that a file would hold: in its own system, under the one that it names."""
    true, labelled, _ = bent.system
    codes: list[Any] = [code for code, _ in records]
    if "integer_codes" in bent.options and all(code.isdecimal() for code in codes):
        codes = [int(code) for code in codes]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=[shape for _, shape in records], crs="EPSG:4326")
    if true != "EPSG:4326":
        frame = frame.to_crs(SYSTEMS[true])
    if "swapped" in bent.options:
        frame["geometry"] = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    frame = frame.set_crs(None, allow_override=True)
    return frame if labelled is None else frame.set_crs(SYSTEMS[labelled], allow_override=True)


def _vertex(shape: shapely.Polygon, at: int, dx: float, dy: float) -> shapely.Polygon:
    ring = shape.exterior.coords[:-1]
    ring[at % len(ring)] = (ring[at % len(ring)][0] + dx, ring[at % len(ring)][1] + dy)
    return shapely.Polygon(ring)


def _around(shape: shapely.Polygon, factor: float) -> shapely.Polygon:
    middle = np.array(shape.centroid.coords[0])
    return shapely.transform(shape, lambda xy: middle + factor * (xy - middle))


def _halves(shape: shapely.Polygon, lap: float) -> list[shapely.Polygon]:
    """Two boxes side by side, apart by `lap` where that is negative."""
    west, south, east, north = shape.bounds
    middle, share = (west + east) / 2, lap * (east - west)
    return [shapely.box(west, south, middle + share, north), shapely.box(middle, south, east, north)]


def _broken(value: float) -> Callable[[shapely.Polygon], shapely.Polygon]:
    return lambda shape: shapely.Polygon([*shape.exterior.coords[:2], (value, 35.0), *shape.exterior.coords[2:]])


def _bowtie(shape: shapely.Polygon) -> shapely.Polygon:
    west, south, east, north = shape.bounds
    return shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])


def _spike(shape: shapely.Polygon) -> shapely.Polygon:
    first, second, *rest = shape.exterior.coords[:-1]
    out = (first[0] - 0.3, first[1] - 0.3)
    return shapely.Polygon([first, out, first, second, *rest])


_SHAPES: dict[str, Callable[..., Any]] = {
    "vertex": _vertex,
    "shift": lambda shape, dx, dy: shapely.transform(shape, lambda xy: xy + np.array([dx, dy])),
    "grow": _around,
    "hole": lambda shape, size: shapely.Polygon(
        shapely.force_2d(shape).exterior, [_around(shapely.force_2d(shape), size).exterior]
    ),
    "parts": lambda shape: shapely.MultiPolygon(_halves(shape, -0.1)),
    "records": _halves,
    "null": lambda shape: None,
    "empty": lambda shape: shapely.Polygon(),
    "line": lambda shape: shapely.LineString(shape.exterior.coords),
    "point": lambda shape: shape.centroid,
    "collection": lambda shape: shapely.GeometryCollection([shape, shape.centroid]),
    "nan": _broken(float("nan")),
    "inf": _broken(float("inf")),
    "bowtie": _bowtie,
    "spike": _spike,
    "collapsed": lambda shape: shapely.Polygon([shape.exterior.coords[0]] * 4),
    "reverse": lambda shape: shape.reverse(),
    "z": lambda shape: shapely.force_3d(shape, 17.0),
    "tiny": lambda shape: _around(shape, 1e-7),
    "wrap": lambda shape: shapely.MultiPolygon([shape]),
    "swap_one": lambda shape: shapely.transform(shape, lambda xy: xy[:, ::-1]),
}
