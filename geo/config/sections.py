"""The sources `[zones]` may name, and how the section is read."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from .fields import RESERVED, Identifier, Strict, Year, names_free
from .harmonised import HarmonisedConfig
from .polygons import PolygonsConfig
from .raster import PositionConfig, RasterConfig, check_references
from .table import CovariateConfig, PopulationConfig, RatesConfig, TableConfig


class PanelConfig(Strict):
    """Polygons and a census table joined on the zone code."""

    source: Literal["panel"] = Field(description="one polygon layer and one census table")
    polygons: PolygonsConfig
    table: TableConfig
    population: dict[Year, PopulationConfig] = Field(min_length=1)
    rates: RatesConfig = RatesConfig()
    covariates: dict[Identifier, CovariateConfig] = Field(default_factory=dict)
    rasters: dict[Identifier, RasterConfig] = Field(default_factory=dict)
    position: PositionConfig | None = Field(None, description="where zones stand, if a raster of people says so")

    @property
    def edited(self) -> list[Path]:
        """Files of this section that a run may have written and a user edited."""
        return []

    @model_validator(mode="after")
    def _rasters_agree(self) -> Self:
        check_references(
            self.rasters,
            self.position,
            taken=RESERVED | self.covariates.keys(),
            years=self.population.keys(),
            table_has_lon=self.table.lon is not None,
        )
        return self

    @model_validator(mode="after")
    def _names_free(self) -> Self:
        names_free(self.covariates)
        return self


class BuiltinConfig(Strict):
    """The built-in country: real provinces, synthetic counties."""

    source: Literal["builtin"] = Field(description="the built-in country")
    counties: int = Field(2800, ge=248, le=5000, description="approximate number of synthetic counties")

    @property
    def edited(self) -> list[Path]:
        """Files of this section that a run may have written and a user edited."""
        return []


Sources = PanelConfig | HarmonisedConfig | BuiltinConfig
Zones = Annotated[Sources, Field(discriminator="source")]


def parse(section: dict[str, Any], base: Path) -> Sources:
    """Read the `[zones]` section of a config.

    Args:
        section: The section as TOML gives it.
        base: Folder of the config file; relative paths start there.

    Returns:
        The config of the source that `source` names, with absolute paths.

    Raises:
        pydantic.ValidationError: With every problem of the section.
    """
    adapter: TypeAdapter[Sources] = TypeAdapter(Zones)
    return adapter.validate_python(section, context={"base": base.resolve()})
