"""Keys of a census table: its columns, their units and the rules for what is missing."""

from typing import Literal, Self

from pydantic import Field, model_validator

from .fields import Column, Day, File, LongName, Missing, Strict


class AreaConfig(Strict):
    """The column with the area of a zone."""

    column: Column = Field(description="column with the area")
    unit: Literal["km2"] = Field(default="km2", description="its unit")


class WrittenConfig(Strict):
    """How a table writes its text and numbers."""

    sheet: str | None = Field(None, description="worksheet, where an Excel file has several")
    header: int = Field(1, ge=1, le=100, description="row with the names of the columns; rows above it are skipped")
    encoding: str = Field("utf-8-sig", description='text encoding of a CSV file, e.g. "gb18030"')
    thousands: Literal[",", " ", "'"] | None = Field(None, description="separator between groups of three digits")
    missing_values: list[Column] = Field(
        default_factory=list, description='texts that stand for an unknown number, e.g. ["-", "…"]; never a zero'
    )


class FileConfig(WrittenConfig):
    """A file with one table, and how it writes text and numbers: CSV, Parquet or Excel."""

    file: File = Field(description="the table: CSV, Parquet or Excel (.xlsx)")


class TableConfig(FileConfig):
    """One census table."""

    code: Column = Field(description="column with the zone code")
    code_digits: int = Field(6, ge=4, le=18, description="digits of a code: 6 for counties, 12 for villages")
    normalize_codes: bool = Field(
        default=False, description='read "110101.0", which a blank cell made of 110101, as that code'
    )
    name: Column = Field(description="column with the name of a zone")
    province: Column | None = Field(None, description="province code; else the first two digits of the zone code")
    province_name: Column | None = Field(default=None, description="column with the name of the province")
    prefecture: Column | None = Field(None, description="prefecture code; else the first four digits of the zone code")
    lon: Column | None = Field(None, description="position, degrees east (WGS 84); else a point inside the polygon")
    lat: Column | None = Field(default=None, description="position, degrees north; together with `lon`")
    area: AreaConfig | None = Field(None, description="else the geodesic area of the polygon")
    totals: Literal["drop"] | None = Field(
        None, description="leave out rows that are totals of others, each checked against its parts"
    )

    @model_validator(mode="after")
    def _position_whole(self) -> Self:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat must be named together")
        return self


class PublishedConfig(Strict):
    """What the census office published for the whole country, and whom it counted in no zone; persons."""

    total: int = Field(gt=0, le=10**11, description="residents published for the whole country")
    military: int = Field(0, ge=0, description="servicemen, counted apart")
    undetermined: int = Field(0, ge=0, description="people whose residence is unknown")
    tolerance: float = Field(1e-3, gt=0, lt=0.1, description="of the total")

    @property
    def in_zones(self) -> int:
        """Residents that the zones should add up to, persons."""
        return self.total - self.military - self.undetermined

    @model_validator(mode="after")
    def _zones_have_people(self) -> Self:
        if self.in_zones <= 0:
            raise ValueError("the stated accounts leave nobody in the zones")
        return self


class PopulationConfig(Strict):
    """The residents of one census."""

    column: Column = Field(description="column with the residents")
    unit: Literal["persons", "ten_thousand_persons"] = Field(description="its unit")
    definition: Literal["resident", "registered", "de_facto"] = Field(
        description="resident (changzhu), registered (huji) or de facto (xianyou); the model moves residents"
    )
    date: Day = Field(description="day that the census counts, e.g. 2010-11-01")
    published: PublishedConfig | None = Field(None, description="the published total, to check the sum against")
    fractional: Literal["largest_remainder"] | None = Field(
        None, description="restore whole persons within the province where an allocation left fractions"
    )
    allow_zero: bool = Field(default=False, description="whether zones without people are accepted")


class RateConfig(Strict):
    """A vital rate: a column with the rate of each zone, or one national value for all zones."""

    column: Column | None = Field(default=None, description="column with the rate of each zone")
    value: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="one national rate for all zones, instead of a column"
    )
    unit: Literal["per_mille", "per_cent", "1"] = Field(description="of a rate per resident and year")
    missing: Missing = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError(
                'name a column of the table, or give one national rate: { value = 11.9, unit = "per_mille" }'
            )
        if self.value is not None and self.missing is not None:
            raise ValueError("missing fills a column; a national rate has no gaps")
        return self


class RatesConfig(Strict):
    """Births and deaths in a year for each resident; a rate that is not given is assumed to be zero."""

    birth: RateConfig | None = Field(
        default=None, description="births: a column or one national rate; without it no births are assumed"
    )
    death: RateConfig | None = Field(
        default=None, description="deaths: a column or one national rate; without it no deaths are assumed"
    )


class CovariateConfig(Strict):
    """A property of the zones; with `per`, the ratio of two columns."""

    column: Column = Field(description="column with the quantity")
    unit: Literal["1", "per_cent", "per_mille", "years", "km2", "persons", "ten_thousand_persons", "m2_per_person"] = (
        Field(description="its unit; with `per`, the unit of the ratio")
    )
    per: Column | None = Field(default=None, description="column that it is divided by")
    missing: Missing = None
    long_name: LongName = None
