"""One polygon layer, read whole, checked shape by shape and brought to longitude and latitude."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from geo import crs
from geo.config import PolygonsConfig
from geo.errors import DataError, Issue, error

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".shp": "ESRI Shapefile"}
_SIDECARS = (".shx", ".dbf")


def read(config: PolygonsConfig) -> tuple[gpd.GeoDataFrame, pyproj.CRS]:
    """Read the layer as it stands, and decide its CRS.

    Returns:
        The layer in its own coordinates, one row for each record in file order; and the CRS of the coordinates.

    Raises:
        DataError: E-IO-*, E-LAYER-*, E-CRS-* or E-AXIS-SWAP, as the file deserves.
    """
    path = config.file
    if not path.is_file():
        fix = "correct [zones.polygons] file"
        raise DataError([error("E-IO-MISSING", path.name, rule=f"no such file: {path}", fix=fix)])
    layer = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_vector(path, config)
    system = crs.resolve(layer, config.crs, path.name)
    bounds = layer.total_bounds
    issues = crs.check_range(bounds, system, path.name) if np.isfinite(bounds).all() else []
    if issues:
        raise DataError(issues)
    return layer.set_crs(system, allow_override=True), system


def parts(path: Path) -> list[Path]:
    """List the files a layer consists of: a Shapefile has several."""
    if path.suffix.lower() != ".shp":
        return [path]
    return [path, *(side for side in map(path.with_suffix, (".shx", ".dbf", ".prj", ".cpg")) if side.is_file())]


def check_shapes(
    layer: gpd.GeoDataFrame, codes: list[str], column: str, file: str, people: Mapping[str, float]
) -> list[Issue]:
    """Find records whose geometry is not a valid polygon.

    Args:
        layer: N records.
        codes: Zone code of each record.
        column: Column with the code.
        file: Base name, for the messages.
        people: Residents of a zone, by code.

    Returns:
        E-GEOM-NULL, E-GEOM-EMPTY, E-GEOM-TYPE, E-GEOM-NAN and E-GEOM-INVALID, at most one for each record.
    """
    shapes = np.asarray(layer.geometry.array)
    faults = [_fault(shape) for shape in shapes]
    return [
        error(fault[0], file, line=row, column=column, value=code, rule=fault[1], fix=fault[2], people=people.get(code))
        for row, (code, fault) in enumerate(zip(codes, faults, strict=True), start=1)
        if fault is not None
    ]


def to_degrees(shapes: NDArray[np.object_], system: pyproj.CRS, file: str) -> NDArray[np.object_]:
    """Bring polygons to EPSG:4326, x before y.

    Args:
        shapes: N polygons.
        system: CRS of their coordinates.
        file: Base name, for the message.

    Returns:
        N polygons in degrees (lon, lat).

    Raises:
        DataError: E-CRS-RANGE where a coordinate lies outside the area of the CRS.
    """
    moved = shapes if system.equals(crs.WGS84, ignore_axis_order=True) else crs.project(shapes, system, crs.WGS84)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        rule = f"some coordinates cannot be in {crs.name(system)}"
        raise DataError([error("E-CRS-RANGE", file, rule=rule, fix="declare the CRS the coordinates are in")])
    return moved


def _fault(shape: shapely.Geometry | None) -> tuple[str, str, str] | None:
    """Give code, rule and fix of what is wrong with one geometry, or None."""
    if shape is None:
        return "E-GEOM-NULL", "every record has a polygon", "draw it, or remove the record and its row of the table"
    if shapely.is_empty(shape):
        return "E-GEOM-EMPTY", "a polygon has vertices", "draw it, or remove the record and its row of the table"
    kind = shapely.GeometryType(int(shapely.get_type_id(shape)))
    if kind not in {shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON}:
        return "E-GEOM-TYPE", f"a zone is a polygon, not a {kind.name.lower()}", "give the layer of areas"
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return "E-GEOM-NAN", "coordinates are finite numbers", "export the layer again"
    if not shapely.is_valid(shape):
        reason = shapely.is_valid_reason(shape)
        return "E-GEOM-INVALID", f"a polygon must not cross itself: {reason}", 'repair it, e.g. with "Fix geometries"'
    return None


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
    try:
        layer = gpd.read_parquet(path)
        return layer.set_geometry(layer.geometry.force_2d())
    except (pa.ArrowException, OSError, ValueError) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not a GeoParquet file: {failure}", fix="export it again")
        raise DataError([issue]) from failure


def _read_vector(path: Path, config: PolygonsConfig) -> gpd.GeoDataFrame:
    wanted = _DRIVERS.get(path.suffix.lower())
    if wanted is None:
        rule = "polygons are a .gpkg, .geojson, .shp or .parquet file"
        raise DataError([error("E-IO-FORMAT", path.name, rule=rule, fix="export them as one of these")])
    lost = [side for side in _SIDECARS if wanted == _DRIVERS[".shp"] and not path.with_suffix(side).is_file()]
    if lost:
        rule = f"a Shapefile needs its {' and '.join(lost)} beside it"
        raise DataError([error("E-IO-SIDECAR", path.name, rule=rule, fix="copy all parts of the Shapefile")])
    try:
        layer = _choose_layer(path, config.layer)
        # What is inside decides, not the name: a text file named .gpkg could send GDAL to read other files.
        driver = pyogrio.read_info(path, layer=layer)["driver"]
        if driver != wanted:
            rule = f"the file says it is {wanted}, its content is {driver}"
            raise DataError([error("E-IO-FORMAT", path.name, rule=rule, fix="export it again")])
        # A shape that cannot even be made arrives as none, and is reported with its record.
        return gpd.GeoDataFrame(
            pyogrio.read_dataframe(path, layer=layer, encoding=config.encoding, on_invalid="ignore", force_2d=True)
        )
    except UnicodeDecodeError as failure:
        rule, fix = f"its text is not {failure.encoding}", '[zones.polygons] encoding = "gb18030"'
        raise DataError([error("E-ENC", path.name, rule=rule, fix=fix)]) from failure
    except (DataSourceError, DataLayerError) as failure:
        issue = error("E-IO-CORRUPT", path.name, rule=f"not a readable layer: {failure}", fix="export it again")
        raise DataError([issue]) from failure


def _choose_layer(path: Path, wanted: str | None) -> str:
    layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    named = ", ".join(layers) or "none"
    if wanted is None and len(layers) != 1:
        rule, fix = f"layers with geometry in the file: {named}", "name one: [zones.polygons] layer = ..."
        raise DataError([error("E-LAYER-AMBIGUOUS", path.name, rule=rule, fix=fix)])
    if wanted is not None and wanted not in layers:
        rule, fix = f"layers with geometry in the file: {named}", "correct [zones.polygons] layer"
        raise DataError([error("E-LAYER-MISSING", path.name, value=wanted, rule=rule, fix=fix)])
    return wanted or layers[0]
