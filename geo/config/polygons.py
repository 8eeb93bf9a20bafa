"""Keys of a layer of polygons."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from geo.opening.limits import VERTICES

from .fields import Column, File, Strict

Prefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]


class LayerConfig(Strict):
    """Coordinates of polygons, and their repair."""

    crs: str | None = Field(None, description='CRS of the coordinates where the file names none, e.g. "EPSG:4490"')
    swap_xy: bool = Field(default=False, description="the file has the latitude before the longitude")
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = Field(
        None, description="what the degrees refer to; gcj02 and bd09 are the shifted ones of Chinese web maps"
    )
    repair: Literal["make_valid"] | None = Field(None, description="repair polygons that cross themselves")


class ShapesConfig(LayerConfig):
    """What is declared of the shapes themselves, whatever file they come from; nothing is repaired without it."""

    code: Column = Field(description="column with the zone code")
    dissolve: bool = Field(default=False, description="unite the records that carry the same code")
    exclude: list[Prefix] = Field(
        default_factory=list, description="codes, or their first digits, of polygons to leave out"
    )
    max_vertices: int = Field(VERTICES, ge=4, le=1_000_000_000, description="most vertices to read")


class PolygonsConfig(ShapesConfig):
    """One polygon layer: GeoPackage, GeoJSON, Shapefile or GeoParquet."""

    file: File = Field(
        description=(
            "GeoPackage, GeoJSON, Shapefile or GeoParquet; for raw censuses also R data with one `sf` data frame"
        )
    )
    layer: str | None = Field(None, description="layer, where the file has several")
    encoding: str | None = Field(None, description="text encoding of a Shapefile's table")
