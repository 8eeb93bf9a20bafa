"""Keys of flow tables: origins, destinations and flows, distances, and the meaning of an absent pair."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from .fields import Column, File, Strict
from .polygons import LayerConfig, PolygonsConfig
from .table import FileConfig, WrittenConfig

COMPUTED = ("geodesic", "haversine")
"""Distances made from the positions of zones: on the WGS 84 ellipsoid, or on a sphere of 6371.0 km."""

_LAYERS = (".geojson", ".json", ".gpkg", ".shp", ".geoparquet")
_OF_LAYERS = ("layer", *LayerConfig.model_fields)
_OF_LONG = ("origin", "destination", "flow")
_ABSENT = (
    'say what a pair that is not listed means, for it changes the answer: nobody went there ("zero"), nobody knows '
    '("missing"), or too few to be published ({ below = N, column = "..." })'
)


class CensoredConfig(Strict):
    """Pairs below a threshold are not published: an absent pair has fewer than that, and may have none."""

    below: float = Field(gt=0, allow_inf_nan=False, description="the least value that is published")
    column: Column | None = Field(None, description="column of [flows] that the threshold is of; else the flow")
    likelihood: Literal["censored", "truncated"] = Field(
        "censored", description="absent pairs count as below the threshold, or only listed ones count"
    )


class DistanceMatrixConfig(WrittenConfig):
    """Distances in a file of their own: a row for each origin, a column for each destination, both with labels."""

    matrix: File = Field(description="file with the distances, a row for each origin")

    @property
    def table(self) -> FileConfig:
        """The file as a table."""
        return FileConfig.model_construct(file=self.matrix, **self.model_dump(exclude={"matrix"}))


def _form(value: object) -> str:
    """Tell a text from a table of TOML, so that a message is about the one that was written."""
    return "text" if isinstance(value, str) else "table"


Distance = Annotated[
    Annotated[Column, Tag("text")] | Annotated[DistanceMatrixConfig, Tag("table")], Discriminator(_form)
]
AbsentPairs = Annotated[
    Annotated[Literal["zero", "missing"], Tag("text")] | Annotated[CensoredConfig, Tag("table")], Discriminator(_form)
]


class FlowsConfig(FileConfig):
    """A table of flows: one row a pair, or a matrix with labels on both axes."""

    layout: Literal["long", "matrix"] = Field("long", description="one row a pair; or origins by destinations")
    origin: Column | None = Field(None, description="column with the zone where people come from; long tables only")
    destination: Column | None = Field(None, description="column with the zone where they go to; long tables only")
    flow: Column | None = Field(None, description="column with how many they are; long tables only")
    total: Column | None = Field(
        None, description="label of the row or column of a matrix that holds sums; they are checked and left out"
    )
    distance: Distance | None = Field(
        None,
        description='kilometres: a column of a long table, {matrix = "cost.csv"}, or from positions in [zones] '
        '"geodesic" (WGS 84) or "haversine" (sphere of 6371.0 km)',
    )
    absent_pairs: AbsentPairs = Field(
        default=cast(Any, None),
        validate_default=True,
        description="what a pair that is not listed means; there is no default",
    )
    intrazonal: bool = Field(default=False, description="whether flows within a zone count")

    @property
    def below(self) -> CensoredConfig | None:
        """The threshold below which pairs are not listed, where the config names one."""
        return self.absent_pairs if isinstance(self.absent_pairs, CensoredConfig) else None

    @field_validator("absent_pairs", mode="before")
    @classmethod
    def _absent_said(cls, value: object) -> object:
        if value is None:
            raise ValueError(_ABSENT)
        return value

    @model_validator(mode="after")
    def _keys_of_the_layout(self) -> Self:
        named = [key for key in _OF_LONG if getattr(self, key) is not None]
        if self.layout == "matrix" and named:
            raise ValueError(f"a matrix has its labels on its axes: no {', '.join(named)}")
        if self.layout == "long" and len(named) < len(_OF_LONG):
            missing = [key for key in _OF_LONG if key not in named]
            raise ValueError(f'name the columns of {", ".join(missing)}, or layout = "matrix"')
        if self.layout == "long" and self.total is not None:
            raise ValueError("total is the label of the sums of a matrix")
        return self

    @model_validator(mode="after")
    def _a_matrix_has_no_columns(self) -> Self:
        column = isinstance(self.distance, str) and self.distance not in COMPUTED
        if self.layout == "matrix" and (column or (self.below is not None and self.below.column is not None)):
            raise ValueError(
                "a matrix has no columns beside its destinations: distance is geodesic, haversine or "
                "{ matrix = FILE }, and a threshold is of the flow itself"
            )
        return self


class FlowZonesConfig(FileConfig, LayerConfig):
    """The zones of a flow table: a table, or a layer of polygons."""

    id: Column = Field(description="column with the label that the flow table uses")
    lon: Column | None = Field(None, description="position, degrees east (WGS 84); else the centroid of the polygon")
    lat: Column | None = Field(default=None, description="position, degrees north; together with `lon`")
    outflow: Column | None = Field(None, description="published total of those who left, to check the table against")
    inflow: Column | None = Field(None, description="published total of those who came, to check the table against")
    exclude: list[Column] = Field(default_factory=list, description="labels of zones whose flows are left out")
    layer: str | None = Field(None, description="layer, where a file of polygons has several")

    @property
    def polygons(self) -> PolygonsConfig | None:
        """The layer, where the file is one; judged by its name, as its content will be."""
        if self.file.suffix.lower() not in _LAYERS:
            return None
        keys = {key: getattr(self, key) for key in _OF_LAYERS}
        encoding = None if self.encoding == "utf-8-sig" else self.encoding
        return PolygonsConfig.model_construct(file=self.file, code=self.id, encoding=encoding, **keys)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat must be named together")
        used = [key for key in _OF_LAYERS if getattr(self, key)]
        if used and self.polygons is None:
            raise ValueError(f"{', '.join(used)} belongs to polygons; {self.file.suffix or 'this'} is a table")
        return self


class FlowTables(Strict):
    """The two sections."""

    flows: FlowsConfig
    zones: FlowZonesConfig | None = None

    @property
    def files(self) -> list[Path]:
        """The files of flows, zones and distances."""
        distance = self.flows.distance
        return [
            self.flows.file,
            *([self.zones.file] if self.zones else []),
            *([] if distance is None or isinstance(distance, str) else [distance.matrix]),
        ]

    @model_validator(mode="after")
    def _positions_known(self) -> Self:
        if self.flows.distance not in COMPUTED:
            return self
        if self.zones is None:
            raise ValueError(f'distance = "{self.flows.distance}" needs [zones] with positions')
        if self.zones.lon is None and self.zones.polygons is None:
            raise ValueError(f'distance = "{self.flows.distance}" needs lon and lat in [zones], or polygons')
        return self
