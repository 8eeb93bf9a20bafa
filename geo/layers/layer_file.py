"""Files that hold a polygon layer: opened by the driver their content asks for, as one layer, records as they stand."""

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from geo.config.polygons import PolygonsConfig
from geo.errors import DataError, error
from geo.opening import Kind, expect, shown, vector_source
from geo.opening.whole import shapefile_parts

from . import layer_bytes

_KINDS = {
    Kind.GPKG: (".gpkg",),
    Kind.GEOJSON: (".geojson", ".json"),
    Kind.SHAPEFILE: (".shp",),
    Kind.PARQUET: (".parquet", ".geoparquet"),
}
# What the records of a Shapefile come from; an index beside them changes nothing.
_RECORD_FILES = (".shx", ".dbf", ".prj", ".cpg")


def open_layer(config: PolygonsConfig, where: str = "[zones.polygons]") -> gpd.GeoDataFrame:
    """Read the layer that the config names.

    Returns:
        One row for each record in file order, with the CRS of the file or none; heights and measures are kept.

    Raises:
        DataError: E-PATH, E-IO-*, E-SHP-FIELDNAME, E-LAYER-*, E-ENC, E-SIZE-LIMIT, or E-CRS-MISMATCH where records of
            one layer are in different systems.
    """
    path = config.file
    kind = expect(path, f"{where} file", _KINDS)
    if kind is Kind.SHAPEFILE:
        layer_bytes.check_field_names(shapefile_parts(path)[".dbf"])
    try:
        # A coordinate that is no number is reported with its record.
        with np.errstate(invalid="ignore"):
            if kind is Kind.PARQUET:
                layer_bytes.check(path, kind, None, config.max_vertices)
                return gpd.read_parquet(path)
            return _read_vector(path, kind, config, where)
    except UnicodeDecodeError as failure:
        rule, fix = f"its text is not {failure.encoding}", f'{where} encoding = "gb18030"'
        raise DataError([error("E-ENC", path.name, rule=rule, fix=fix)]) from failure
    except (DataSourceError, DataLayerError, pa.ArrowException, OSError, ValueError) as failure:
        rule = f"not a readable layer: {shown(str(failure), 80)}"
        raise DataError([error("E-IO-CORRUPT", path.name, rule=rule, fix="export it again")]) from failure


def parts(path: Path) -> list[Path]:
    """List the files a layer consists of: a Shapefile has several, with suffixes in small or capital letters."""
    if path.suffix.lower() != ".shp":
        return [path]
    found = shapefile_parts(path)
    return [path, *(found[suffix] for suffix in _RECORD_FILES if suffix in found)]


def _read_vector(path: Path, kind: Kind, config: PolygonsConfig, where: str) -> gpd.GeoDataFrame:
    source = vector_source(path, kind)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = _choose_layer(source, config, where)
        layer_bytes.check(path, kind, layer, config.max_vertices)
        # Only the way through Arrow keeps measures; it takes no other text than UTF-8, which a GeoPackage always has.
        arrow = kind is Kind.GPKG or any("Measured" in str(warning.message) for warning in caught)
        # A shape that cannot even be made arrives as none, and is reported with its record.
        return gpd.GeoDataFrame(
            pyogrio.read_dataframe(source, layer=layer, encoding=config.encoding, on_invalid="ignore", use_arrow=arrow)
        )


def _choose_layer(source: str, config: PolygonsConfig, where: str) -> str:
    file, wanted = config.file.name, config.layer
    layers = [str(name) for name, kind in pyogrio.list_layers(source) if kind is not None]
    named = ", ".join(layers) or "none"
    if wanted is None and len(layers) != 1:
        rule, fix = f"layers with geometry in the file: {named}", f"name one: {where} layer = ..."
        raise DataError([error("E-LAYER-AMBIGUOUS", file, rule=rule, fix=fix)])
    if wanted is not None and wanted not in layers:
        rule, fix = f"layers with geometry in the file: {named}", f"correct {where} layer"
        raise DataError([error("E-LAYER-MISSING", file, value=wanted, rule=rule, fix=fix)])
    return wanted or layers[0]
