"""What `[zones]` of a config may say. Importing this loads pydantic and nothing heavier."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)

DATA_VARIABLE = "${FLOWMODEL_DATA}"
RESERVED = frozenset(
    {
        *("zone", "year", "name", "province", "province_name", "prefecture", "lon", "lat", "area", "population"),
        *("birth_rate", "death_rate", "imputed", "divide_distance", "east", "area_share_east"),
    }
)


def data_folder() -> Path:
    """Give the folder that `${FLOWMODEL_DATA}` stands for: the environment's, else `data` in the checkout."""
    return Path(os.environ.get("FLOWMODEL_DATA") or Path(__file__).resolve().parent.parent / "data")


def _resolve(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    path = Path(value.replace(DATA_VARIABLE, str(data_folder())))
    return (info.context["base"] / path).resolve() if info.context else path


def _year(value: object) -> object:
    """TOML keys are text; a census year is a number of four digits."""
    return int(value) if isinstance(value, str) and len(value) == 4 and value.isdecimal() else value


File = Annotated[Path, BeforeValidator(_resolve)]
Year = Annotated[int, BeforeValidator(_year), Field(ge=1900, le=2200)]
Column = Annotated[str, StringConstraints(min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Missing = Literal["province_mean"] | None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", str_strip_whitespace=True)


class PolygonsConfig(_Strict):
    """One polygon layer: GeoPackage, GeoJSON, Shapefile or GeoParquet."""

    file: File
    code: Column = Field(description="column with the zone code")
    layer: str | None = Field(None, description="layer, where the file has several")
    crs: str | None = Field(None, description='CRS of the coordinates where the file names none, e.g. "EPSG:4490"')
    encoding: str | None = Field(None, description="text encoding of a Shapefile's table")


class AreaConfig(_Strict):
    """The column with the area of a zone."""

    column: Column
    unit: Literal["km2"] = "km2"


class TableConfig(_Strict):
    """One census table: CSV, Parquet or Excel."""

    file: File
    code: Column = Field(description="column with the zone code")
    name: Column
    province: Column | None = Field(None, description="province code; else the first two digits of the zone code")
    province_name: Column | None = None
    prefecture: Column | None = Field(None, description="prefecture code; else the first four digits of the zone code")
    lon: Column | None = Field(None, description="position, degrees east (WGS 84); else a point inside the polygon")
    lat: Column | None = None
    area: AreaConfig | None = Field(None, description="else the geodesic area of the polygon")
    sheet: str | None = Field(None, description="worksheet, where an Excel file has several")
    encoding: str = Field("utf-8-sig", description='text encoding of a CSV file, e.g. "gb18030"')
    thousands: Literal[",", " ", "'"] | None = Field(None, description="separator between groups of three digits")

    @model_validator(mode="after")
    def _position_whole(self) -> TableConfig:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat must be named together")
        return self


class PopulationConfig(_Strict):
    """The residents of one census."""

    column: Column
    unit: Literal["persons", "ten_thousand_persons"]
    definition: Literal["resident"] = Field(description="residents (changzhu); registered people are another thing")
    fractional: Literal["largest_remainder"] | None = Field(
        None, description="restore whole persons within the province where an allocation left fractions"
    )
    allow_zero: bool = False


class RateConfig(_Strict):
    """A vital rate of the zones."""

    column: Column
    unit: Literal["per_mille", "per_cent", "1"]
    missing: Missing = None


class RatesConfig(_Strict):
    """Births and deaths in a year for each resident."""

    birth: RateConfig
    death: RateConfig


class CovariateConfig(_Strict):
    """A property of the zones; with `per`, the ratio of two columns."""

    column: Column
    unit: Literal["1", "per_cent", "per_mille", "years", "km2", "persons", "ten_thousand_persons", "m2_per_person"]
    per: Column | None = None
    missing: Missing = None
    long_name: str | None = None


class PanelConfig(_Strict):
    """Polygons and a census table joined on the zone code."""

    source: Literal["panel"]
    polygons: PolygonsConfig
    table: TableConfig
    population: dict[Year, PopulationConfig] = Field(min_length=1)
    rates: RatesConfig
    covariates: dict[Identifier, CovariateConfig] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_free(self) -> PanelConfig:
        taken = sorted(RESERVED & self.covariates.keys())
        if taken:
            raise ValueError(f"covariate names in use for something else: {', '.join(taken)}")
        return self


class BuiltinConfig(_Strict):
    """The built-in country: real provinces, synthetic counties."""

    source: Literal["builtin"]
    counties: int = Field(2800, ge=248, le=5000)


Zones = Annotated[PanelConfig | BuiltinConfig, Field(discriminator="source")]


def parse(section: dict[str, Any], base: Path) -> PanelConfig | BuiltinConfig:
    """Read the `[zones]` section of a config.

    Args:
        section: The section as TOML gives it.
        base: Folder of the config file; relative paths start there.

    Returns:
        The config of the source that `source` names, with absolute paths.

    Raises:
        pydantic.ValidationError: With every problem of the section.
    """
    adapter: TypeAdapter[PanelConfig | BuiltinConfig] = TypeAdapter(Zones)
    return adapter.validate_python(section, context={"base": base.resolve()})
