"""Keys of a country's raw censuses and of the map on which they are made comparable."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .fields import CENSUSES, OF_MAP, RESERVED, Column, Day, File, Identifier, LongName, Missing, Strict, Year
from .polygons import PolygonsConfig
from .raster import RastersConfig
from .table import PublishedConfig

# TOML has lists only.
Span = Annotated[tuple[Year, Year], Field(strict=False)]


class MapConfig(PolygonsConfig):
    """The polygons of census units at one time, with their residents where the layer has them."""

    name: Column = Field(description="column with the name of a unit")
    province_name: Column = Field(description="column with the name of its province")
    vintage: Year = Field(description="year of the borders")
    residents: dict[Year, Column] = Field(
        default_factory=dict, description="columns with the residents of censuses, on the borders of the map"
    )
    dates: dict[Year, Day] = Field(
        default_factory=dict, description="days of those of these censuses that have no year-book"
    )


class YearbookConfig(Strict):
    """One year-book, read by the adapter written for it."""

    file: File = Field(description="Excel workbook of the year-book")
    adapter: str = Field(description="the reader of this year-book, such as `china_2010` or `china_2020`")
    date: Day = Field(description="day that the census counts, e.g. 2010-11-01")
    definition: Literal["resident"] = Field(description="whom the kept residents are: those who live there")
    corrections: File | None = Field(None, description="table of misprints: file, line, column, found, use, reason")
    published: PublishedConfig | None = Field(None, description="the published total, to check the sum against")


class HarmoniseConfig(Strict):
    """How units of several censuses are made zones that stay the same."""

    codes: File = Field(description="history of area codes: every code with its successors")
    decisions: File | None = Field(None, description="what no rule can decide: year, from, to, reason")
    crosswalk: File | None = Field(None, description="a crosswalk to use as it is, instead of the rules")
    development_zone_share: float = Field(
        0.05, ge=0, lt=1, description="development zones up to this share of their districts' people are shared out"
    )
    transfer_contrast: float = Field(
        0.5, gt=0, description="log growth by which units that exchanged an uncounted part may differ and stay apart"
    )


class OfQuantity(Strict):
    """A number for each zone from a quantity of the censuses or the map.

    With `per` it is a ratio, with `log` the natural logarithm of that, with `change` a difference.
    """

    quantity: Identifier = Field(
        description="quantity of the year-books (`QUANTITIES` in `geo/sources/yearbooks/quantities.py`) or of the map"
    )
    select: list[Column] = Field(default_factory=list, description="categories to add up; all of them if none")
    per: Identifier | None = Field(
        default=None,
        description="quantity that it is divided by; a quantity of the map can only be divided by another one",
    )
    year: Year | None = Field(
        default=None, description="census year; either this or `change`, and neither for a quantity of the map"
    )
    change: Span | None = Field(None, description="first and last census: the last less the first")
    log: bool = Field(
        default=False,
        description="the natural logarithm of the number; with `change`, of both years before the difference",
    )
    missing: Missing = None
    long_name: LongName = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.quantity in OF_MAP:
            return self._of_the_map()
        if (self.year is None) == (self.change is None):
            raise ValueError("give either year or change")
        if self.change is not None and self.change[0] >= self.change[1]:
            raise ValueError("change = [first, last]: the first census comes first")
        return self

    def _of_the_map(self) -> Self:
        if self.year is not None or self.change is not None:
            raise ValueError(f"{self.quantity} is of the map: neither year nor change")
        if self.per is not None and self.per not in OF_MAP:
            raise ValueError(f"{self.quantity} is of the map: per is one of {', '.join(OF_MAP)}")
        return self


class VitalRates(Strict):
    """Births and deaths in a year for each resident, from rates per mille of a census."""

    birth: OfQuantity
    death: OfQuantity

    @model_validator(mode="after")
    def _plain(self) -> Self:
        for name, rate in (("birth", self.birth), ("death", self.death)):
            used = [key for key in ("select", "per", "change", "log") if getattr(rate, key)]
            if used:
                raise ValueError(f"{name} is a rate of one census as it is kept: no {', '.join(used)}")
        return self


class HarmonisedConfig(RastersConfig):
    """The raw files of several censuses, made comparable on one map."""

    source: Literal["harmonised"] = Field(description="raw files of several censuses")
    polygons: MapConfig
    census: dict[Year, YearbookConfig] = Field(min_length=1)
    published: dict[Year, PublishedConfig] = Field(
        default_factory=dict, description="published totals of the censuses whose residents the map has"
    )
    harmonise: HarmoniseConfig
    rates: VitalRates
    covariates: dict[Identifier, OfQuantity] = Field(default_factory=dict)

    @property
    def edited(self) -> list[Path]:
        """The crosswalk, which a run writes and a user may edit."""
        return [] if self.harmonise.crosswalk is None else [self.harmonise.crosswalk]

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        years = self.census.keys() | self.polygons.residents.keys()
        self.check_names(self.covariates, reserved=RESERVED | CENSUSES, years=years, table_has_lon=False)
        return self

    @model_validator(mode="after")
    def _years_agree(self) -> Self:
        if self.polygons.vintage in self.census.keys() | self.polygons.residents.keys():
            raise ValueError(
                "the vintage of the map must differ from the years of the censuses: the crosswalk needs both"
            )
        days = self.polygons.dates | {year: book.date for year, book in self.census.items()}
        for year, day in days.items():
            if day.year != year:
                raise ValueError(f"census {year} has the date {day}")
        of_the_map = self.polygons.residents.keys() - self.census.keys()
        undated = sorted(self.polygons.dates.keys() - of_the_map)
        if undated:
            raise ValueError(f"dates of {undated}, but the map has no residents of those years")
        unknown = sorted(self.published.keys() - of_the_map)
        if unknown:
            raise ValueError(f"published totals of {unknown}, but the map has no residents of those years")
        return self
