"""Keys of rasters: what their cells measure, the covariates made of them, and positions weighted by one."""

from collections.abc import Collection
from typing import Literal, Self

from pydantic import Field, model_validator

from .fields import Column, File, Identifier, LongName, Missing, Strict, Year


class BandConfig(Strict):
    """One band of a GeoTIFF, and what the file itself does not declare."""

    file: File = Field(description="GeoTIFF")
    band: int | None = Field(None, ge=1, description="from 1; must be given where the file has several")
    nodata: float | Literal["none"] | None = Field(
        None, description='value of cells without data where the file declares none; "none": all cells hold data'
    )
    zero_is: Literal["data", "missing"] | None = Field(None, description="what a 0 means; required if nodata is 0")
    crs: str | None = Field(None, description="CRS of the grid where the file names none")


class RasterConfig(BandConfig):
    """One band of a GeoTIFF, brought to the zones by exact shares of its cells."""

    quantity: Literal["count", "density", "mean"] = Field(
        description="what a cell holds: an amount per cell, an amount per km2, or a mean such as a temperature"
    )
    people: Year | Literal[False] | None = Field(
        None, description="census year whose residents a count or density of people must agree with; false: no people"
    )
    total_within: float = Field(0.1, gt=0, lt=1, description="how far its people may be from the census, a share")
    statistic: Literal["sum", "mean", "coverage"] | None = Field(
        None, description="the covariate; none where the raster serves only as a weight or for positions"
    )
    weight: Identifier | None = Field(None, description="raster of people on the same grid that weighs a mean")
    unit: Column | None = Field(None, description='unit of the covariate, such as "persons", "m", "persons per km2"')
    missing: Missing = None
    long_name: LongName = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        extensive = self.quantity != "mean"
        rules = {
            "a count or density says whose: people = the census year to agree with, or people = false": (
                extensive and self.people is None
            ),
            "people belongs to a count or density": not extensive and self.people is not None,
            'a sum needs quantity "count" or "density"': not extensive and self.statistic == "sum",
            'weight belongs to statistic "mean" of quantity "mean"': (
                self.weight is not None and (extensive or self.statistic != "mean")
            ),
            "a covariate needs its unit": self.statistic in ("sum", "mean") and self.unit is None,
            "unit belongs to a sum or mean; a coverage is a share": (
                self.statistic not in ("sum", "mean") and self.unit is not None
            ),
        }
        broken = [rule for rule, is_broken in rules.items() if is_broken]
        if broken:
            raise ValueError("; ".join(broken))
        return self


class PositionConfig(Strict):
    """Where the zones are placed: at the centre of what a raster holds in them."""

    raster: Identifier = Field(description="a count or density of [zones.rasters]")


class RastersConfig(Strict):
    """The rasters of a source of zones."""

    rasters: dict[Identifier, RasterConfig] = Field(default_factory=dict)
    position: PositionConfig | None = Field(None, description="where zones are placed, if a raster of people decides")

    def check_names(
        self, covariates: Collection[str], *, reserved: Collection[str], years: Collection[int], table_has_lon: bool
    ) -> None:
        """Refuse rasters and covariates whose names are taken, and rasters that are used wrongly or not at all.

        Args:
            covariates: Names of the other covariates.
            reserved: Names that the source gives itself; so are all covariates that begin with "census_".
            years: Census years of the source.
            table_has_lon: Whether the table places the zones.

        Raises:
            ValueError: With everything that is wrong.
        """
        used = {name: raster.weight for name, raster in self.rasters.items() if raster.weight is not None}
        if self.position is not None:
            used["position"] = self.position.raster
        broken = [
            f"{user} names raster {name!r}, which is no count or density of [zones.rasters]"
            for user, name in used.items()
            if name not in self.rasters or self.rasters[name].quantity == "mean"
        ]
        for name, raster in self.rasters.items():
            if raster.statistic is None and name not in used.values():
                broken.append(f"raster {name!r} has no statistic, and nothing uses it")
            if name in reserved or name in covariates:
                broken.append(f"raster name {name!r} is in use for something else")
            if raster.people and raster.people not in years:
                broken.append(f"raster {name!r} agrees with the census of {raster.people}, which is not configured")
        if self.position is not None and table_has_lon:
            broken.append("positions come from [zones.table] lon and lat or from [zones.position], not from both")
        taken = sorted(name for name in covariates if name in reserved or name.startswith("census_"))
        if taken:
            broken.append(f"covariate names in use for something else: {', '.join(taken)}")
        if broken:
            raise ValueError("; ".join(broken))
