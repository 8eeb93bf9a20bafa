"""The sources that `[zones]` may name, and the reading of the section."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from .fields import RESERVED, Identifier, Strict, Year
from .harmonised import HarmonisedConfig
from .polygons import PolygonsConfig
from .raster import RastersConfig
from .table import CovariateConfig, PopulationConfig, RatesConfig, TableConfig


class PanelConfig(RastersConfig):
    """Polygons and a census table joined on the zone code."""

    source: Literal["panel"] = Field(description="one polygon layer and one census table")
    polygons: PolygonsConfig
    table: TableConfig
    population: dict[Year, PopulationConfig] = Field(min_length=1)
    rates: RatesConfig = RatesConfig()
    covariates: dict[Identifier, CovariateConfig] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        placed = self.table.lon is not None
        self.check_names(self.covariates, reserved=RESERVED, years=self.population.keys(), table_has_lon=placed)
        return self


class BuiltinConfig(Strict):
    """The built-in country: real provinces, synthetic counties."""

    source: Literal["builtin"] = Field(description="the built-in country")
    counties: int = Field(2800, ge=248, le=5000, description="approximate number of synthetic counties")


Sources = PanelConfig | HarmonisedConfig | BuiltinConfig
Zones = Annotated[Sources, Field(discriminator="source")]


def parse(section: dict[str, Any], base: Path) -> Sources:
    """Read the section `[zones]` of a config in the folder `base`, by the source that it names.

    Raises:
        pydantic.ValidationError: With every problem of the section.
    """
    adapter: TypeAdapter[Sources] = TypeAdapter(Zones)
    return adapter.validate_python(section, context={"base": base.resolve()})
