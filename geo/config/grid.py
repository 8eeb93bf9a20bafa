"""Keys of `[grid]`: the cells that become zones, their residents, and the county run whose parameters they have."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .fields import File, Identifier, Strict, Year
from .raster import BandConfig

Pairs = Annotated[int, Field(ge=0)] | Literal["all"]


class GridPopulationConfig(BandConfig):
    """A GeoTIFF of residents at the start, on the cells of the grid or on whole parts of them."""

    quantity: Literal["count", "density"] = Field(description="what a cell holds: people, or people per km2")
    totals: Literal["raster", "counties"] = Field(
        "raster",
        description="whose people there are: the raster's; or the county's, in proportion to the raster within it",
    )
    total_within: float = Field(0.1, gt=0, lt=1, description="how far the raster's people may be from the census")


class GridCovariateConfig(BandConfig):
    """A GeoTIFF of one covariate of the county run, in the same unit, on the cells of the grid."""

    missing: Literal["county"] | None = Field(
        None, description="a cell with people and without data has the value of its county"
    )


class GridConfig(Strict):
    """Cells of a regular grid as zones, with the parameters of a finished county run."""

    run: File = Field(description="folder of a finished run of counties")
    cell_m: float = Field(gt=0, allow_inf_nan=False, description="side of a cell, metres")
    crs: str = Field("china_albers", description="equal-area system in metres: china_albers, or a code")
    years: list[Year] | None = Field(
        None, min_length=2, max_length=2, description="first and last year; the run's if not given"
    )
    within: Literal["none", "kernel"] = Field("none", description="moves between cells of one county")
    pairs: Pairs = Field(24, description="counties of origin whose flows are summed from cells")
    population: GridPopulationConfig | None = Field(
        None, description="the residents of each county evenly over its cells if not given"
    )
    mask: BandConfig | None = Field(None, description="GeoTIFF: cells of 0 or no data are left out")
    covariates: dict[Identifier, GridCovariateConfig] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        if self.years is not None and self.years[0] >= self.years[1]:
            raise ValueError("years = [first, last]: the first is before the last")
        return self
