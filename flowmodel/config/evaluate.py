"""`[evaluate]`: which hold-outs and placebos of a configuration are run, and how they are scored."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from .fields import Names, Number, Positive, Section, Share, Year
from .sections import Interprovincial, Run

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Count = Annotated[int, Field(ge=2, le=1000, strict=True)]
Level = Annotated[float, Field(gt=0.5, lt=1, strict=True)]


class Spatial(Section):
    """`[evaluate.spatial]`: provinces left out one by one, and blocks of whole prefectures.

    `check_starts` folds are searched a second time from the priors' centres: where a fold starts must not matter.
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
    """`[evaluate.temporal.variants.NAME]`: what a model of the earlier interval may know of a zone.

    Names are those of `fit.geometry`, made anew of each census, or covariates of the table, the same at both dates.
    `registered` runs the second interval from the registered stock of its first census.
    """

    attraction: Names = Field(default=(), description="geometric covariates, or covariates of the table")
    departure: Names = Field(default=(), description="likewise")
    registered: StrictBool = Field(
        default=False, description="whether the second interval starts from the registered stock of its first census"
    )


class Temporal(Section):
    """`[evaluate.temporal]`: fitted to the interval before, and carried forward without a look at its end.

    `birth_rate` and `death_rate` are the nation's in the earlier interval, per resident and year: no zone's are known.
    `persistence` is the share of the earlier residual that a second forecast of each variant carries on.
    """

    since: Year = Field(description="the census before `model.years`; the interval between them is fitted")
    birth_rate: Positive = Field(description="the nation's births in that interval, per resident and year")
    death_rate: Positive = Field(description="the nation's deaths in that interval, per resident and year")
    persistence: Share = Field(
        default=0.5, description="share of the residual of the earlier interval that a second forecast adds"
    )
    variants: Annotated[dict[str, Variant], Field(min_length=1)]


class Pairs(Section):
    """`[evaluate.pairs]`: pairs of provinces held out of the target `interprovincial`, each pair in one of `folds`.

    `interprovincial` is that target where the configuration itself does not have it.
    """

    folds: Count = Field(
        default=5, description="number of folds; each pair of provinces is held out once, so 5 folds hold out 20 % each"
    )
    seed: Seed = Field(default=1, description="seed of the assignment to folds")
    interprovincial: Interprovincial | None = None


class Divide(Section):
    """`[evaluate.divide]`: the barriers of the divide, from the Hessian and from provinces left out.

    `targets` are those of a second fit of the same zones and model, to show what the others change; empty for none.
    Turned about its middle by one of `rotations`, degrees, the divide is nowhere in particular: a placebo.
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
    """`[evaluate]`: the configuration that is evaluated, the parts that run, and the intervals of their scores.

    A part whose table is missing does not run; `shuffles` are seeds of a placebo, growth dealt out anew. `settings`
    override the configuration as `--set` does. `start` is the `parameters.csv` of a fit of it, which saves most of the
    search: the whole fit begins there. A fold has converged when its remaining step is below `tolerance` standard
    errors.
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


class Evaluation(Section):
    """A whole configuration of `scripts/evaluate.py`."""

    run: Run
    evaluate: Evaluate
