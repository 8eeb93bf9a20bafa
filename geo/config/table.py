"""What a config says of a census table: its columns, their units and the rules for what is missing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from .fields import Column, File, Missing, Strict


class AreaConfig(Strict):
    """The column with the area of a zone."""

    column: Column
    unit: Literal["km2"] = "km2"


class TableConfig(Strict):
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


class PopulationConfig(Strict):
    """The residents of one census."""

    column: Column
    unit: Literal["persons", "ten_thousand_persons"]
    definition: Literal["resident"] = Field(description="residents (changzhu); registered people are another thing")
    fractional: Literal["largest_remainder"] | None = Field(
        None, description="restore whole persons within the province where an allocation left fractions"
    )
    allow_zero: bool = False


class RateConfig(Strict):
    """A vital rate of the zones."""

    column: Column
    unit: Literal["per_mille", "per_cent", "1"]
    missing: Missing = None


class RatesConfig(Strict):
    """Births and deaths in a year for each resident."""

    birth: RateConfig
    death: RateConfig


class CovariateConfig(Strict):
    """A property of the zones; with `per`, the ratio of two columns."""

    column: Column
    unit: Literal["1", "per_cent", "per_mille", "years", "km2", "persons", "ten_thousand_persons", "m2_per_person"]
    per: Column | None = None
    missing: Missing = None
    long_name: str | None = None
