"""Zones on the map: name, parents, area, and the point people move from and to."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import crs
from geo.layers import outline


def outlines(units: gpd.GeoDataFrame, members: Mapping[str, tuple[str, ...]]) -> gpd.GeoDataFrame:
    """Unite the polygons of each zone; shared borders disappear, the others stay as they are.

    Args:
        units: The map, index code.
        members: Polygons of each zone.

    Returns:
        Geometry by zone, in the order of their codes.
    """
    zones = sorted(members)
    shapes = units.geometry
    united = [
        shapes[members[zone][0]]
        if len(members[zone]) == 1
        else shapely.union_all(shapes[list(members[zone])].to_numpy())
        for zone in zones
    ]
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(united, index=pd.Index(zones, name="zone"), crs=crs.WGS84))


def describe(
    units: gpd.GeoDataFrame, members: Mapping[str, tuple[str, ...]], people: pd.Series, shapes: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Name and place the zones.

    The position is the mean of the polygons' own, weighted by residents: a point in each polygon, its centroid where
    that lies inside.

    Args:
        units: The map, index code; columns name, province, province_name, prefecture.
        members: Polygons of each zone.
        people: Residents by polygon, NaN where unknown.
        shapes: Geometry by zone.

    Returns:
        Index zone, in the order of `shapes`; columns name, province, province_name, prefecture, lon, lat, area_km2.
    """
    lon, lat = _points(np.asarray(units.geometry.array))
    point = pd.DataFrame({"lon": lon, "lat": lat, "people": people.fillna(0.0).to_numpy()}, index=units.index)
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
    return frame.assign(area_km2=outline.geodesic_area_km2(np.asarray(shapes.geometry.array)))


def _points(shapes: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the centroid of each polygon where it lies inside, else a point that does; degrees."""
    albers = crs.china_albers()
    centroids = crs.project(shapely.centroid(crs.project(shapes, crs.WGS84, albers)), albers, crs.WGS84)
    inside = shapely.contains_properly(shapes, centroids)
    points = np.where(inside, centroids, shapely.point_on_surface(shapes))
    return shapely.get_x(points), shapely.get_y(points)
