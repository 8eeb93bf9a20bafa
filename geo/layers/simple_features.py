"""An R data file (.rda) that holds one data frame of simple features: columns and polygons of the package `sf`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rdata
import shapely
from numpy.typing import NDArray

from geo.errors import DataError, error

_POLYGONS = "sfc_MULTIPOLYGON"


def read(path: Path) -> gpd.GeoDataFrame:
    """Read the data frame of an .rda file, its coordinates as they stand, its CRS as the file names it.

    Returns:
        One row for each feature, in file order; text columns are `str`, absent values missing.

    Raises:
        DataError: E-IO-CORRUPT where it is no R data, E-LAYER-AMBIGUOUS where it holds no or several data frames,
            E-GEOM-TYPE where the features are no multipolygons.
    """
    found: dict[str, Any] = {}

    def geometry(values: Any, attributes: Any) -> Any:
        found["crs"] = attributes["crs"]
        return values

    def plain(values: Any, attributes: Any) -> Any:
        return values

    classes = {**rdata.conversion.DEFAULT_CLASS_MAP, _POLYGONS: geometry}
    classes |= {"sf": classes["data.frame"], "XY": plain, "crs": plain, "bbox": plain}
    try:
        objects = rdata.read_rda(path, constructor_dict=classes)
    except (ValueError, EOFError, OSError, NotImplementedError, LookupError, TypeError) as failure:
        rule = f"not R data that can be read: {str(failure)[:80]}"
        raise DataError([error("E-IO-CORRUPT", path.name, rule=rule, fix="fetch it again")]) from failure
    frames = {name: value for name, value in objects.items() if isinstance(value, pd.DataFrame)}
    if len(frames) != 1:
        rule = f"the file holds one data frame, not {len(frames)}: {', '.join(map(str, objects))[:80]}"
        raise DataError([error("E-LAYER-AMBIGUOUS", path.name, rule=rule, fix="save the one data frame alone")])
    frame = next(iter(frames.values())).reset_index(drop=True)
    if "geometry" not in frame or "crs" not in found:
        rule = "the data frame has a column `geometry` of multipolygons"
        raise DataError([error("E-GEOM-TYPE", path.name, rule=rule, fix="cast it with sf::st_cast")])
    shapes = _multipolygons(frame["geometry"].tolist())
    columns = frame.drop(columns="geometry")
    numbers = columns.select_dtypes("number").columns
    columns[numbers] = columns[numbers].where(columns[numbers].notna(), np.nan)  # R's NA is a NaN that signals
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=_crs(found["crs"]))


def _multipolygons(features: Sequence[Sequence[Sequence[NDArray[np.float64]]]]) -> NDArray[np.object_]:
    """Build all features at once: rings, then polygons, then multipolygons, each by the index of its parent."""
    rings = [ring[:, :2] for feature in features for polygon in feature for ring in polygon]
    made = np.asarray(shapely.linearrings(np.concatenate(rings), indices=_owners([len(ring) for ring in rings])))
    per_polygon = [len(polygon) for feature in features for polygon in feature]
    polygons = np.asarray(shapely.polygons(made, indices=_owners(per_polygon)))
    whole = np.full(len(features), None, dtype=object)
    shapely.multipolygons(polygons, indices=_owners([len(feature) for feature in features]), out=whole)
    return whole


def _owners(parts: Sequence[int]) -> NDArray[np.int64]:
    """Give the position of the owner of each part, for owners with so many parts each."""
    return np.repeat(np.arange(len(parts)), parts)


def _crs(named: Any) -> pyproj.CRS | None:
    """Read the CRS of an `sf` column: a list of what the user gave, and WKT."""
    texts = {str(key): value for key, value in named.items()} if isinstance(named, dict) else {}
    wkt = texts.get("wkt")
    return pyproj.CRS.from_wkt(str(wkt[0])) if wkt is not None and len(wkt) and isinstance(wkt[0], str) else None
