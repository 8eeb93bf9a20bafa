"""What a config says of a country's raw censuses and of the map on which they are made comparable."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from .fields import CENSUSES, OF_MAP, RESERVED, Column, File, Identifier, Missing, Strict, Year, names_free
from .polygons import PolygonsConfig
from .raster import PositionConfig, RasterConfig, check_references
from .table import Day, PublishedConfig
from .yearbook import YearbookConfig

Category = Annotated[str, StringConstraints(min_length=1)]
# TOML knows lists alone.
Span = Annotated[tuple[Year, Year], Field(strict=False)]


class MapConfig(PolygonsConfig):
    """The polygons of census units at one time, with what the layer knows of them."""

    name: Column = Field(description="column with the name of a unit")
    province_name: Column = Field(description="column with the name of its province")
    vintage: Year = Field(description="year of the borders")
    residents: dict[Year, Column] = Field(
        default_factory=dict, description="columns with the residents of censuses, on the borders of the map"
    )
    dates: dict[Year, Day] = Field(
        default_factory=dict, description="days of those of these censuses that have no year-book"
    )


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
        description=("quantity of the year-books (`QUANTITIES` in `geo/sources/yearbooks/quantities.py`) or of the map")
    )
    select: list[Category] = Field(default_factory=list, description="categories to add up; all of them if none")
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
    missing: Missing = Field(
        default=None,
        description=(
            "fills missing values with the population-weighted mean of the province; filled zones are marked `imputed`"
        ),
    )
    long_name: str | None = Field(default=None, description="label in figures")

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


class HarmonisedConfig(Strict):
    """The raw files of several censuses, made comparable on one map."""

    source: Literal["harmonised"] = Field(description="raw files of several censuses")
    polygons: MapConfig
    census: dict[Year, YearbookConfig] = Field(min_length=1)
    published: dict[Year, PublishedConfig] = Field(
        default_factory=dict, description="published totals of the censuses whose residents the map brings"
    )
    harmonise: HarmoniseConfig
    rates: VitalRates
    covariates: dict[Identifier, OfQuantity] = Field(default_factory=dict)
    rasters: dict[Identifier, RasterConfig] = Field(default_factory=dict)
    position: PositionConfig | None = Field(None, description="where zones stand, if a raster of people says so")

    @property
    def edited(self) -> list[Path]:
        """Files of this section that a run may have written and a user edited."""
        return [] if self.harmonise.crosswalk is None else [self.harmonise.crosswalk]

    @model_validator(mode="after")
    def _rasters_agree(self) -> Self:
        taken = RESERVED | CENSUSES | self.covariates.keys()
        years = self.census.keys() | self.polygons.residents.keys()
        check_references(self.rasters, self.position, taken=taken, years=years, table_has_lon=False)
        return self

    @model_validator(mode="after")
    def _names_free(self) -> Self:
        names_free(self.covariates, RESERVED | CENSUSES)
        return self

    @model_validator(mode="after")
    def _years_agree(self) -> Self:
        if self.polygons.vintage in self.census.keys() | self.polygons.residents.keys():
            raise ValueError(
                "the vintage of the map must differ from the years of the censuses: the crosswalk tells by it"
            )
        days = self.polygons.dates | {year: book.date for year, book in self.census.items()}
        for year, day in days.items():
            if day.year != year:
                raise ValueError(f"census {year} has the date {day}")
        of_the_map = self.polygons.residents.keys() - self.census.keys()
        undated = sorted(self.polygons.dates.keys() - of_the_map)
        if undated:
            raise ValueError(f"dates of {undated}, but the map brings no residents of then")
        unknown = sorted(self.published.keys() - of_the_map)
        if unknown:
            raise ValueError(f"published totals of {unknown}, but the map brings no residents of then")
        return self
