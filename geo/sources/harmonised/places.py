"""Zones on the map: name, parents, area, census units, position, and neighbours."""

import dataclasses
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from geo.checks import positions
from geo.checks.missing import Rows
from geo.coordinates import crs
from geo.errors import Issue
from geo.layers import location

from .development import is_district

_GEOD = pyproj.Geod(ellps="WGS84")
_BESIDE = "none needed for distances; else place zones by a raster of people: [zones.position]"
_TOGETHER = "join the two zones in the table of decisions, with the year of the map"


def outlines(units: gpd.GeoDataFrame, members: Mapping[str, tuple[str, ...]]) -> gpd.GeoDataFrame:
    """Unite the polygons of each zone, index code, to the geometry of the zones in the order of their codes."""
    zones, shapes = sorted(members), units.geometry
    parts = [shapes[list(members[zone])].to_numpy() for zone in zones]
    united = [own[0] if len(own) == 1 else shapely.union_all(own) for own in parts]
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(united, index=pd.Index(zones, name="zone"), crs=crs.WGS84))


def describe(
    units: gpd.GeoDataFrame, members: Mapping[str, tuple[str, ...]], people: pd.Series, shapes: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Name and place the zones.

    The position is the mean of points in the polygons, weighted by residents: the centroid of each polygon where it
    lies inside, else another point that does.

    Args:
        units: The map, index code; columns name, province, province_name, prefecture.
        members: Polygons of each zone.
        people: Residents by polygon, NaN where unknown.
        shapes: Geometry by zone.

    Returns:
        Index zone, in the order of `shapes`; columns name, province, province_name, prefecture, lon, lat, area_km2;
        members, the number of polygons, and districts, how many of them are urban districts of a city.
    """
    lon, lat = _points(np.asarray(units.geometry.array))
    point = pd.DataFrame({"lon": lon, "lat": lat, "people": people.fillna(0.0).to_numpy()}, index=units.index)
    urban = is_district(units["name"])
    rows = []
    for zone in shapes.index:
        codes = list(members[zone])
        part = point.loc[codes]
        largest = str(part["people"].idxmax())
        weights = part["people"].to_numpy() if part["people"].sum() > 0 else np.ones(len(codes))
        name = units.at[largest, "name"] if len(codes) == 1 else f"{units.at[largest, 'name']}等{len(codes)}"
        parents = units.loc[largest, ["province", "province_name", "prefecture"]].tolist()
        rows.append((name, *parents, *(float(np.average(part[axis], weights=weights)) for axis in ("lon", "lat"))))
    columns = ["name", "province", "province_name", "prefecture", "lon", "lat"]
    frame = pd.DataFrame(rows, columns=columns, index=shapes.index)
    return frame.assign(
        area_km2=location.geodesic_area_km2(np.asarray(shapes.geometry.array)),
        members=[len(members[zone]) for zone in shapes.index],
        districts=[int(urban[list(members[zone])].sum()) for zone in shapes.index],
    )


def check(described: pd.DataFrame, shapes: gpd.GeoDataFrame, file: str, people: pd.Series) -> list[Issue]:
    """Check the positions of zones, as `describe` gives them, with their residents by zone (NaN where unknown).

    Returns:
        W-POS-OUTSIDE where the mean place of a merged zone lies outside of its polygon, which is possible for
        distances; E-DIST-ZERO where two zones have one place, which is not.
    """
    codes = list(map(str, shapes.index))
    counted = people.reindex(shapes.index).to_numpy(dtype=np.float64)
    rows = Rows(file, [None] * len(codes), codes, described["province"].tolist(), counted, 0)
    lon, lat = described["lon"].to_numpy(), described["lat"].to_numpy()
    outlines_of = dict(zip(codes, shapes.geometry, strict=True))
    beside = positions.check_inside(lon, lat, outlines_of, "lon", rows)
    together = positions.check_apart(lon, lat, None, rows)
    # No file has these positions, so the user changes which polygons are joined, or what places the zones.
    return [
        *(dataclasses.replace(issue, column=None, fix=_BESIDE) for issue in beside),
        *(dataclasses.replace(issue, fix=_TOGETHER) for issue in together),
    ]


def longest_border(at: int, shapes: NDArray[np.object_]) -> int | None:
    """Find the polygon that shares the longest border with another, measured on the WGS 84 ellipsoid.

    Args:
        at: Position of the polygon.
        shapes: N polygons in degrees (lon, lat) whose shared borders have the same vertices.

    Returns:
        Position of the neighbour; None for an island.
    """
    near = [int(i) for i in shapely.STRtree(shapes).query(shapes[at], predicate="intersects") if i != at]
    lengths = [0.0]
    if near:
        lines = shapely.intersection(shapely.boundary(shapes[at]), shapely.boundary(shapes[near]))
        pieces = [shapely.get_parts(shapely.get_parts(line)) for line in lines]  # a corner is a point, of length 0
        lengths = [sum(_GEOD.line_length(*shapely.get_coordinates(part).T) for part in parts) for parts in pieces]
    return near[int(np.argmax(lengths))] if max(lengths) > 0 else None


def _points(shapes: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the centroid of each polygon where it lies inside, else a point that does; degrees."""
    centroids = _centroids(shapes)
    inside = shapely.contains_properly(shapes, centroids)
    points = np.where(inside, centroids, shapely.point_on_surface(shapes))
    return shapely.get_x(points), shapely.get_y(points)


def _centroids(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Give the centroids on the sphere, which need no projection and so no country; degrees.

    By the theorem of Stokes, the integral of the position vectors over an area is half the sum over its sides of the
    unit normal of the side times its length, in radians.
    """
    parts, shape_of = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    corners, ring_of = shapely.get_coordinates(rings, return_index=True)
    lon, lat = np.radians(corners).T
    place = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    side = ring_of[1:] == ring_of[:-1]
    start, end = place[:-1][side], place[1:][side]
    normal = np.cross(start, end)
    sine = np.linalg.norm(normal, axis=1)
    length = np.arctan2(sine, np.sum(start * end, axis=1))
    ratio = np.divide(length, sine, out=np.ones_like(sine), where=sine > 0)
    sums = np.zeros((len(shapes), 3))
    np.add.at(sums, shape_of[part_of[ring_of[:-1][side]]], normal * ratio[:, None])
    x, y, z = sums.T
    return np.asarray(shapely.points(np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))))
