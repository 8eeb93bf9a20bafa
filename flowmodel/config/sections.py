"""Keys, bounds and defaults of the sections of a model of zones; those of `[model.stock]` are in `stock`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from .fields import Names, Number, Positive, RatePath, Section, ShiftPath, Year
from .law import LawChoice
from .stock import Stock

Target = Literal[
    "growth",
    "national_total",
    "same_county",
    "other_county",
    "other_province",
    "national_bands",
    "registered",
    "interprovincial",
    "skills",
    "children",
]
_OF_RESIDENTS = ("growth", "national_total")
"""Targets of a model without registration."""


class Run(Section):
    """`[run]`: name of the run, and seed of all random numbers in it."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 0


class Natural(Section):
    """`[model.natural]`: multipliers of birth and death rates by year, linear between the years given."""

    birth_path: RatePath = {}
    death_path: RatePath = {}


class Model(Section):
    """`[model]`: the years that are run, how moves fall with distance, and covariates of attraction and departure."""

    years: tuple[Year, Year]
    law: LawChoice = "power"
    attraction: Names = ()
    departure: Names = ()
    natural: Natural = Natural()
    schedule: dict[str, ShiftPath] = {}
    stock: Stock | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Model:
        if not 1 <= self.years[1] - self.years[0] <= 200:
            raise ValueError(f"years = {list(self.years)}: the last must come 1 to 200 years after the first")
        return self


class Override(Section):
    """`[parameters.NAME]`: another bound or prior of a parameter, or the value at which it is fixed."""

    fixed: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    prior_mean: Number | None = None
    prior_sd: Annotated[float, Field(gt=0, strict=True)] | None = None


class Interprovincial(Section):
    """`[fit.interprovincial]`: a table of migrants by pair of provinces, one row per pair; its scale is fitted."""

    file: str
    origin: str
    destination: str
    stock: str


class Solve(Section):
    """`[solve]`: largest relative error of a total at which the search stops, and its largest number of steps."""

    tolerance: Annotated[float, Field(gt=0, le=1e-3, strict=True)] = 1e-10
    most_steps: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 100


class Fit(Section):
    """`[fit]`: targets of the fit, their errors, and settings of the search."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)] = ("growth", "national_total")
    weights: dict[Target, Positive] = {}
    interprovincial: Interprovincial | None = None
    priors: StrictBool = True
    degrees_of_freedom: Annotated[float, Field(gt=2, le=1000, strict=True)] = 4.0
    national_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = 1e-4
    bands_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = 5e-3
    children_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.01
    adam_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 150
    adam_rate: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.05
    lbfgs_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 300
    tolerance: Annotated[float, Field(gt=0, le=1, strict=True)] = 1e-3
    start: Literal["prior", "draw"] = "prior"
    profile: Names = ()
    require_identified: StrictBool = False


class Runtime(Section):
    """`[runtime]`: device, cache of compiled programs, and precision, storage and tile size of the pair kernel.

    Vectors and accounts are always float64.
    """

    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    kernel: Literal["float32", "float64"] = "float32"
    storage: Literal["auto", "dense", "tiled"] = "auto"
    tile: Annotated[int, Field(ge=1, le=65_536, strict=True)] | None = None
    cache: StrictBool = True


class Config(Section):
    """A whole configuration file."""

    run: Run
    zones: dict[str, Any] = {}
    model: Model
    parameters: dict[str, Override] = {}
    truth: dict[str, Number] = {}
    fit: Fit = Fit()
    runtime: Runtime = Runtime()

    @property
    def kind(self) -> Literal["zones"]:
        """What is run: the zones of a table."""
        return "zones"

    @model_validator(mode="after")
    def _of_the_model(self) -> Config:
        targets = set(self.fit.targets)
        if self.model.stock is None and targets - set(_OF_RESIDENTS):
            raise ValueError(f"fit.targets: without [model.stock] there are only {', '.join(_OF_RESIDENTS)}")
        if ("interprovincial" in targets) != (self.fit.interprovincial is not None):
            raise ValueError("the target interprovincial and [fit.interprovincial] go together")
        if "skills" in targets and (self.model.stock is None or self.model.stock.groups != "skills"):
            raise ValueError("the target skills needs model.stock.groups = 'skills'")
        if "children" in targets:
            self._has_published_children()
        return self

    def _has_published_children(self) -> None:
        """Refuses the target children without `[model.stock.children]`, or with published numbers of another year."""
        children = None if self.model.stock is None else self.model.stock.children
        if children is None:
            raise ValueError("the target children needs [model.stock.children]")
        if children.published.year != self.model.years[1]:
            year, last = children.published.year, self.model.years[1]
            raise ValueError(
                f"the target children: the published numbers are of {year}, the last year of the model is {last}"
            )
