"""What a config says of a layer of polygons."""

from __future__ import annotations

from pydantic import Field

from .fields import Column, File, Strict


class PolygonsConfig(Strict):
    """One polygon layer: GeoPackage, GeoJSON, Shapefile or GeoParquet."""

    file: File
    code: Column = Field(description="column with the zone code")
    layer: str | None = Field(None, description="layer, where the file has several")
    crs: str | None = Field(None, description='CRS of the coordinates where the file names none, e.g. "EPSG:4490"')
    encoding: str | None = Field(None, description="text encoding of a Shapefile's table")
