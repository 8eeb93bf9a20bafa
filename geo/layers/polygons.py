"""One polygon layer: read as it stands, then brought to one sound polygon for each zone, in degrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geo.config.polygons import PolygonsConfig, ShapesConfig
from geo.coordinates import crs
from geo.errors import Issue, error, failed

from . import location, records, shapes, topology
from .layer_bytes import too_many
from .layer_file import open_layer
from .layer_file import parts as parts
from .records import Place


@dataclass(frozen=True)
class Outlines:
    """The zones of a layer after every check and declared repair.

    Attributes:
        codes: Zone code of each; where an error stands, of each record that is not left out.
        lines: Its (first) record in the file, from 1.
        shapes: Valid polygons in EPSG:4326 (lon, lat), shape (zones,); None where an error stands.
        issues: What was found.
        rules: A sentence for each declared rule that changed something.
    """

    codes: tuple[str, ...]
    lines: tuple[int, ...]
    shapes: NDArray[np.object_] | None
    issues: tuple[Issue, ...]
    rules: tuple[str, ...]


def read(config: PolygonsConfig, where: str = "[zones.polygons]") -> tuple[gpd.GeoDataFrame, pyproj.CRS]:
    """Read the layer as it stands, and decide its CRS.

    Returns:
        The layer in its own coordinates, one row for each record in file order; and the CRS of the coordinates.

    Raises:
        DataError: E-IO-*, E-LAYER-*, E-ENC, E-SIZE-LIMIT or E-CRS-*, of the file.
    """
    layer = open_layer(config, where)
    system = crs.resolve(layer.crs, config.crs, config.file.name)
    return layer.set_crs(system, allow_override=True), system


def sound(
    layer: gpd.GeoDataFrame,
    system: pyproj.CRS,
    codes: Sequence[str],
    options: ShapesConfig,
    file: str,
    people: Mapping[str, float],
    *,
    borders: bool = True,
) -> Outlines:
    """Check every shape of a layer, use the declared repairs, and give one polygon in degrees for each zone.

    In this order: number of vertices, `exclude`, shapes and `repair`, `swap_xy`, records of one code and `dissolve`,
    the range of the CRS, extent, `datum`, topology. A record with an error takes no part in the later checks, so that
    one pass finds all there is.

    Returns:
        The outlines; E-SIZE-LIMIT, E-EMPTY, E-EXCLUDE, E-GEOM-*, E-CODE-DUP, E-AXIS-SWAP, E-CRS-RANGE, E-CRS-MISMATCH,
        E-TOPO-OVERLAP and their warnings are among the issues.
    """
    geometry = np.asarray(layer.geometry.array)
    every = Place(file, options.code, codes, range(1, len(codes) + 1), people)
    too_large = too_many(int(shapely.get_num_coordinates(geometry).sum()), options.max_vertices, file)
    if too_large or not codes:
        empty = error("E-EMPTY", file, rule="the layer has no records", fix="export it again, or name another layer")
        return Outlines(tuple(codes), tuple(every.lines), None, tuple(too_large) or (empty,), ())
    kept, issues, rules = records.exclude(every, options.exclude)
    named = every.only(kept)
    checked = shapes.check(geometry[kept], named, options.repair)
    outlines, place = checked.shapes[checked.good], named.only(np.flatnonzero(checked.good).tolist())
    outlines = location.swap(outlines) if options.swap_xy else outlines
    if options.dissolve:
        outlines, place, united = records.dissolve(outlines, place)
    else:
        issues, united = issues + records.repeated(named), []
    located = location.locate(outlines, system, options.datum, place)
    issues += [*checked.issues, *located.issues]
    of = np.flatnonzero(located.good).tolist()
    if borders and of:
        whole = bool(checked.good.all() and located.good.all())
        issues += topology.check(outlines[of], system, place.only(of), whole=whole)
    rules += [*checked.rules, *united, *located.rules]
    if failed(issues):
        return Outlines(tuple(named.codes), tuple(named.lines), None, tuple(issues), tuple(rules))
    return Outlines(tuple(place.codes), tuple(place.lines), located.shapes, tuple(issues), tuple(rules))
