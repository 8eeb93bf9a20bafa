"""`[evaluate]`: hold-out and placebo tests of a configuration, and their scores."""

from typing import Annotated

from pydantic import Field, StrictBool

from .fields import Names, Number, Positive, Section, Share, Year
from .sections import Configuration, Interprovincial

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Count = Annotated[int, Field(ge=2, le=1000, strict=True)]
Level = Annotated[float, Field(gt=0.5, lt=1, strict=True)]


class Spatial(Section):
    """`[evaluate.spatial]`: cross-validation over provinces one by one, and over blocks of whole prefectures.

    The first `check_starts` folds are fitted again from the priors' centres, to check that the result does not depend
    on the start.
    """

    provinces: StrictBool = Field(default=True, description="whether every province is left out once")
    prefecture_blocks: Count | None = Field(
        default=10, description="number of blocks of whole prefectures, drawn at random"
    )
    seed: Seed = Field(default=1, description="seed of that draw")
    check_starts: Annotated[int, Field(ge=0, le=100, strict=True)] = Field(
        default=2, description="folds of each kind that are searched again from the centres of the priors"
    )


class Variant(Section):
    """`[evaluate.temporal.variants.NAME]`: covariates of a model of the earlier interval.

    Names are those of `evaluation.map_covariates.GEOMETRY`, computed from each census, or covariates of the table,
    which are the same at both dates. `registered` runs the second interval with the registered population.
    """

    attraction: Names = Field(default=(), description="geometric covariates, or covariates of the table")
    departure: Names = Field(default=(), description="likewise")
    registered: StrictBool = Field(
        default=False, description="whether the second interval starts from the registered stock of its first census"
    )


class Temporal(Section):
    """`[evaluate.temporal]`: models fitted to the earlier interval predict the end of the later one.

    `birth_rate` and `death_rate` are the nation's in the earlier interval, per resident and year, used for every zone.
    `persistence` is the share of the earlier log residual that a second forecast of each variant adds.
    """

    since: Year = Field(description="the census before `model.years`; the interval between them is fitted")
    birth_rate: Positive = Field(description="the nation's births in that interval, per resident and year")
    death_rate: Positive = Field(description="the nation's deaths in that interval, per resident and year")
    persistence: Share = Field(
        default=0.5, description="share of the residual of the earlier interval that a second forecast adds"
    )
    variants: Annotated[dict[str, Variant], Field(min_length=1)]


class Pairs(Section):
    """`[evaluate.pairs]`: cross-validation over pairs of provinces of the target `interprovincial`.

    `interprovincial` describes the target if the configuration itself does not have it.
    """

    folds: Count = Field(
        default=5, description="number of folds; each pair of provinces is held out once, so 5 folds hold out 20 % each"
    )
    seed: Seed = Field(default=1, description="seed of the assignment to folds")
    interprovincial: Interprovincial | None = None


class Divide(Section):
    """`[evaluate.divide]`: intervals of the divide's barriers, from the Hessian and from a jackknife over provinces.

    `targets` are those of a second fit, which shows the influence of the other targets; empty for none. `rotations`,
    degrees, are placebo tests: the model is refitted with the divide rotated about its midpoint.
    """

    targets: Names = Field(
        default=(),
        description="targets of a second fit, whose barriers are compared with those of the first; none if empty",
    )
    rotations: tuple[Number, ...] = Field(
        default=(90.0,), description="degrees by which the divide is turned about its middle, as a placebo"
    )
    level: Level = Field(default=0.9, description="share that the intervals of the barriers contain")


class Evaluate(Section):
    """`[evaluate]`: the configuration to evaluate, the tests, and the intervals of their scores.

    A test runs if its section is given. `shuffles` are seeds of a placebo test that permutes growth between zones.
    `settings` override the configuration as `--set` does. `start` is the `parameters.csv` of a fit of the
    configuration, from which the fit to all zones begins. A fold has converged when its remaining step is below
    `tolerance` standard errors.
    """

    fit: str = Field(description="path of the configuration that is evaluated")
    settings: tuple[str, ...] = Field(default=(), description="overrides of it, as `--set` takes them")
    start: str | None = Field(
        default=None, description="`parameters.csv` of a finished fit of it, from which the fit to all data starts"
    )
    draws: Annotated[int, Field(ge=20, le=100_000, strict=True)] = Field(
        default=1000, description="draws of provinces with replacement for intervals"
    )
    seed: Seed = Field(default=1, description="seed of these draws")
    level: Level = Field(default=0.95, description="share that the intervals contain")
    tolerance: Annotated[float, Field(gt=0, le=1, strict=True)] = Field(
        default=0.01,
        description="remaining step, in standard errors of the fit to all data, below which a fold has converged",
    )
    temporal: Temporal | None = None
    spatial: Spatial | None = None
    pairs: Pairs | None = None
    divide: Divide | None = None
    shuffles: tuple[Seed, ...] = Field(
        default=(), description="one seed for each time that growth is shuffled among zones, as a placebo"
    )


class Evaluation(Configuration):
    """A whole configuration of `scripts/evaluate.py`."""

    evaluate: Evaluate
