"""Keys, bounds and defaults of the sections of a model of zones; those of `[model.stock]` are in `stock`."""

from typing import Annotated, Any, Literal, Self

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

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)] = Field(
        description="name of the run; the run folder is `runs/NAME`"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = Field(
        default=0, description="seed of everything that is drawn at random"
    )


class Configuration(Section):
    """What every whole configuration file has."""

    run: Run


class Natural(Section):
    """`[model.natural]`: multipliers of birth and death rates by year, linear between the years given."""

    birth_path: RatePath = Field(
        default={},
        description=(
            "multiplier of the birth rates by year, linear between the years named and constant before and after"
        ),
    )
    death_path: RatePath = Field(default={}, description="multiplier of the death rates by year, likewise")


class Model(Section):
    """`[model]`: the years that are run, how moves fall with distance, and covariates of attraction and departure."""

    years: tuple[Year, Year] = Field(description="first and last census year of the run", examples=[(2010, 2020)])
    law: LawChoice = Field(
        default="power",
        description=(
            'how moves fall with distance: `"power"`, `"exponential"`, `"tanner"`, `"lognormal"`, or a law of your own'
        ),
    )
    attraction: Names = Field(default=(), description="covariates of the pull of a destination")
    departure: Names = Field(default=(), description="covariates of the share of residents who leave a zone")
    natural: Natural = Natural()
    schedule: dict[str, ShiftPath] = Field(
        default={},
        description=(
            "by the name of a path, values by year that are added to its parameter: linear between the "
            "years named and constant before and after"
        ),
    )
    stock: Stock | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 1 <= self.years[1] - self.years[0] <= 200:
            raise ValueError(f"years = {list(self.years)}: the last must come 1 to 200 years after the first")
        return self


class Override(Section):
    """`[parameters.NAME]`: another bound or prior of a parameter, or the value at which it is fixed."""

    fixed: Number | None = Field(default=None, description="holds the parameter at this value")
    lower: Number | None = Field(default=None, description="another lower bound")
    upper: Number | None = Field(default=None, description="another upper bound")
    prior_mean: Number | None = Field(default=None, description="another centre of the prior")
    prior_sd: Annotated[float, Field(gt=0, strict=True)] | None = Field(
        default=None, description="another standard deviation of the prior"
    )


class Interprovincial(Section):
    """`[fit.interprovincial]`: a table of migrants by pair of provinces, one row per pair; its scale is fitted."""

    file: str = Field(description="table with one row for each ordered pair of provinces")
    origin: str = Field(description="column with the province of registration or birth")
    destination: str = Field(description="column with the province of residence")
    stock: str = Field(description="column with the number of people")


class Solve(Section):
    """`[solve]`: largest relative error of a total at which the search stops, and its largest number of steps."""

    tolerance: Annotated[float, Field(gt=0, le=1e-3, strict=True)] = Field(
        default=1e-10,
        description=(
            "largest relative error of a total; for net migration, relative to the larger of outflow and inflow"
        ),
    )
    most_steps: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(
        default=100,
        description=(
            "largest number of Newton steps; if they do not suffice the exit status is 5 and no flows are written"
        ),
    )


class Fit(Section):
    """`[fit]`: targets of the fit, their errors, and settings of the search."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)] = Field(
        default=("growth", "national_total"),
        description=(
            'what the parameters are fitted to; without `[model.stock]` only `"growth"` and `"national_total"`'
        ),
    )
    weights: dict[Target, Positive] = Field(
        default={}, description="by target, the factor of its log likelihood; 1 if not given"
    )
    interprovincial: Interprovincial | None = None
    priors: StrictBool = Field(default=True, description="whether the priors count")
    degrees_of_freedom: Annotated[float, Field(gt=2, le=1000, strict=True)] = Field(
        default=4.0, description="degrees of freedom of the t distribution of log growth"
    )
    national_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=1e-4, description="relative standard deviation of the national total"
    )
    bands_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=5e-3,
        description='relative standard deviation of the nation\'s three bands, for the target `"national_bands"`',
    )
    children_sd: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=0.01,
        description=('relative standard deviation of migrant and of left-behind children, for the target `"children"`'),
    )
    adam_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = Field(
        default=150, description="steps of Adam, the first stage of the search"
    )
    adam_rate: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=0.05, description="step size of Adam, in standard deviations of the priors"
    )
    lbfgs_steps: Annotated[int, Field(ge=0, le=100_000, strict=True)] = Field(
        default=300, description="largest number of steps of L-BFGS, the second stage"
    )
    tolerance: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=1e-3, description="remaining Newton step, in standard errors, below which the fit has converged"
    )
    start: Literal["prior", "draw"] = Field(
        default="prior",
        description='`"prior"` starts at the centres of the priors; `"draw"` at a draw from them with `run.seed`',
    )
    profile: Names = Field(
        default=(),
        description=(
            'parameters whose likelihood is profiled; `"divide"` is both directions, and a name stands '
            "for all its groups"
        ),
    )
    require_identified: StrictBool = Field(default=False, description="exit status 5 if a parameter is not identified")


class Runtime(Section):
    """`[runtime]`: device, cache of compiled programs, and precision, storage and tile size of the pair kernel.

    Vectors and accounts are always float64.
    """

    device: Literal["auto", "cpu", "gpu", "tpu"] = Field(
        default="auto",
        description=(
            "device that computes; `--device` takes precedence, and a device that is requested and absent is E-DEVICE"
        ),
    )
    kernel: Literal["float32", "float64"] = Field(
        default="float32",
        description="precision of the pairs of zones in the fit; vectors and accounts are always float64",
    )
    storage: Literal["auto", "dense", "tiled"] = Field(
        default="auto",
        description=(
            'how the pair kernel is stored: `"dense"`; `"tiled"`, computed again from coordinates at '
            'every product, for many zones; or `"auto"`, dense if a derivative takes less than a quarter '
            "of the free memory. Every run reports which, and the memory it needs"
        ),
    )
    tile: Annotated[int, Field(ge=1, le=65_536, strict=True)] | None = Field(
        default=None,
        description=(
            "zones along the side of a tile; chosen to fit (288 on a CPU) if not given, and halved where "
            "memory runs out"
        ),
    )
    cache: StrictBool = Field(default=True, description="whether compiled programs are kept for the next run")


class Config(Configuration):
    """A whole configuration file."""

    zones: dict[str, Any] = Field(
        default={},
        description=(
            "the zones: `file` names a ready `zones.nc`, `source` the kind of files that they are made from, see below"
        ),
    )
    model: Model
    parameters: dict[str, Override] = {}
    truth: dict[str, Number] = Field(
        default={},
        description="values by parameter from which a synthetic last census is computed; all parameters or none",
    )
    fit: Fit = Fit()
    runtime: Runtime = Runtime()

    @property
    def kind(self) -> Literal["zones"]:
        """What is run: the zones of a table."""
        return "zones"

    @model_validator(mode="after")
    def _of_the_model(self) -> Self:
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
