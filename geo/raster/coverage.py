"""Which share of which cell lies in which zone, and where that piece of the cell is: exact, for zones of any size."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray

from geo.coordinates import crs

from .cells import Cells, Window, to_degrees, to_equal_area_km

# Edges are straight in degrees; with points this close they stay so, to a metre, in any projection.
_EDGE_DEGREES = 0.02
_CUT_AT_ONCE = 20_000


@dataclass(frozen=True)
class Pieces:
    """The pieces into which zones cut the cells of a block; every array has one entry a piece.

    Attributes:
        zone: Row number of the zone.
        cell: Number of the cell within the block, row by row.
        share: Of the cell's area in the raster's own coordinates, in (0, 1].
        x: Of the piece's centroid, in the raster's coordinates.
        y: The same.
    """

    zone: NDArray[np.int64]
    cell: NDArray[np.int64]
    share: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def to_raster_crs(shapes: NDArray[np.object_], system: pyproj.CRS) -> NDArray[np.object_]:
    """Bring polygons in degrees (EPSG:4326) to the coordinates of a raster; the raster is never resampled."""
    if system.equals(crs.WGS84, ignore_axis_order=True):
        return shapes
    dense = shapes if system.is_geographic else shapely.segmentize(shapes, _EDGE_DEGREES)
    moved = crs.project(dense, crs.WGS84, system)
    # Rounding may let the edges of a sliver touch; the polygons were valid before, so nothing but rounding is mended.
    broken = ~shapely.is_valid(moved)
    moved[broken] = shapely.make_valid(moved[broken], method="structure", keep_collapsed=False)
    return moved


def cut(shapes: NDArray[np.object_], cells: Cells, block: Window) -> Pieces:
    """Cut the cells of a block by zones.

    exactextract finds the cells and gives shares in single precision. That is enough for cells that lie wholly in one
    zone; the others are cut again in double precision, so that neighbours' shares add up to the whole cell.

    Args:
        shapes: Polygons in the raster's coordinates, shape (zones,).
        cells: The raster.
        block: The cells wanted.
    """
    x0, x1 = cells.x(np.array([block.columns.start, block.columns.stop]))
    y1, y0 = cells.y(np.array([block.rows.start, block.rows.stop]))
    near = np.flatnonzero(shapely.intersects(shapely.box(x0, y0, x1, y1), shapely.envelope(shapes)))
    wkt = cells.crs.to_wkt()
    numbers = NumPyRasterSource(np.zeros(block.shape_yx, np.int8), x0, y0, x1, y1, srs_wkt=wkt)
    frame = gpd.GeoDataFrame({"zone": near}, geometry=shapes[near], crs=wkt)
    found = exact_extract(numbers, frame, ["cell_id", "coverage"], include_cols=["zone"], output="pandas")
    touched = [np.asarray(ids, dtype=np.int64) for ids in found["cell_id"]]
    zone = np.repeat(near, [ids.size for ids in touched])
    cell = np.concatenate([*touched, np.empty(0, np.int64)])
    share = np.concatenate([*found["coverage"], np.empty(0)]).astype(np.float64)
    row, column = np.divmod(cell, block.shape_yx[1])
    left, top = cells.x(column + block.columns.start), cells.y(row + block.rows.start)
    x, y = left + cells.width / 2.0, top - cells.height / 2.0
    edge = np.flatnonzero(share < 1.0)
    right, bottom = left[edge] + cells.width, top[edge] - cells.height
    share[edge], x[edge], y[edge] = _cut_in_double_precision(
        shapely.box(left[edge], bottom, right, top[edge]), shapes[zone[edge]]
    )
    kept = share > 0.0
    return Pieces(zone[kept], cell[kept], share[kept], x[kept], y[kept])


def outside_km2(shapes: NDArray[np.object_], cells: Cells) -> NDArray[np.float64]:
    """Give the ground that zones have beyond the raster's edge, km2, shape (zones,)."""
    x0, y0, x1, y1 = cells.bounds
    bounds = shapely.bounds(shapes)
    beyond = np.flatnonzero((bounds[:, 0] < x0) | (bounds[:, 1] < y0) | (bounds[:, 2] > x1) | (bounds[:, 3] > y1))
    area = np.zeros(shapes.size)
    for zone in beyond:
        rest = shapely.difference(shapes[zone], shapely.box(x0, y0, x1, y1))
        area[zone] = ground_km2(np.array([rest]), cells.crs)[0]
    return area


def ground_km2(shapes: NDArray[np.object_], system: pyproj.CRS) -> NDArray[np.float64]:
    """Give the area on the ground of polygons in any coordinate system, their edges straight there; km2."""
    points = shapely.get_coordinates(shapes)
    if points.size == 0:
        return np.zeros(shapes.size)
    meridian = float(to_degrees(system, *points.mean(axis=0))[0])
    moved = shapely.transform(
        shapes, lambda xy: np.column_stack(to_equal_area_km(system, xy[:, 0], xy[:, 1], meridian))
    )
    return np.asarray(shapely.area(moved))


def _cut_in_double_precision(
    boxes: NDArray[np.object_], shapes: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give share of the box, x and y of the centroid for boxes cut by one polygon each; on all cores."""
    parts = range(0, boxes.size, _CUT_AT_ONCE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cuts = pool.map(
            lambda at: shapely.intersection(boxes[at : at + _CUT_AT_ONCE], shapes[at : at + _CUT_AT_ONCE]), parts
        )
        pieces = np.concatenate([*cuts, np.empty(0, object)])
    centres = shapely.centroid(pieces)
    share = shapely.area(pieces) / shapely.area(boxes)
    return share, shapely.get_x(centres), shapely.get_y(centres)
