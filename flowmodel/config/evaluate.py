"""`[evaluate]`: hold-out and placebo tests of a configuration, and their scores."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from .fields import Names, Number, Positive, Section, Share, Year
from .sections import Interprovincial, Run

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Count = Annotated[int, Field(ge=2, le=1000, strict=True)]
Level = Annotated[float, Field(gt=0.5, lt=1, strict=True)]


class Spatial(Section):
    """`[evaluate.spatial]`: cross-validation over provinces one by one, and over blocks of whole prefectures.

    The first `check_starts` folds are fitted again from the priors' centres, to check that the result does not depend
    on the start.
    """

    provinces: StrictBool = True
    prefecture_blocks: Count | None = 10
    seed: Seed = 1
    check_starts: Annotated[int, Field(ge=0, le=100, strict=True)] = 2


class Variant(Section):
    """`[evaluate.temporal.variants.NAME]`: covariates of a model of the earlier interval.

    Names are those of `evaluation.map_covariates.GEOMETRY`, computed from each census, or covariates of the table,
    which are the same at both dates. `registered` runs the second interval with the registered population.
    """

    attraction: Names = ()
    departure: Names = ()
    registered: StrictBool = False


class Temporal(Section):
    """`[evaluate.temporal]`: models fitted to the earlier interval predict the end of the later one.

    `birth_rate` and `death_rate` are the nation's in the earlier interval, per resident and year, used for every zone.
    `persistence` is the share of the earlier log residual that a second forecast of each variant adds.
    """

    since: Year
    birth_rate: Positive
    death_rate: Positive
    persistence: Share = 0.5
    variants: Annotated[dict[str, Variant], Field(min_length=1)]


class Pairs(Section):
    """`[evaluate.pairs]`: cross-validation over pairs of provinces of the target `interprovincial`.

    `interprovincial` describes the target if the configuration itself does not have it.
    """

    folds: Count = 5
    seed: Seed = 1
    interprovincial: Interprovincial | None = None


class Divide(Section):
    """`[evaluate.divide]`: intervals of the divide's barriers, from the Hessian and from a jackknife over provinces.

    `targets` are those of a second fit, which shows the influence of the other targets; empty for none. `rotations`,
    degrees, are placebo tests: the model is refitted with the divide rotated about its midpoint.
    """

    targets: Names = ()
    rotations: tuple[Number, ...] = (90.0,)
    level: Level = 0.9


class Evaluate(Section):
    """`[evaluate]`: the configuration to evaluate, the tests, and the intervals of their scores.

    A test runs if its section is given. `shuffles` are seeds of a placebo test that permutes growth between zones.
    `settings` override the configuration as `--set` does. `start` is the `parameters.csv` of a fit of the
    configuration, from which the fit to all zones begins. A fold has converged when its remaining step is below
    `tolerance` standard errors.
    """

    fit: str
    settings: tuple[str, ...] = ()
    start: str | None = None
    draws: Annotated[int, Field(ge=20, le=100_000, strict=True)] = 1000
    seed: Seed = 1
    level: Level = 0.95
    tolerance: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.01
    temporal: Temporal | None = None
    spatial: Spatial | None = None
    pairs: Pairs | None = None
    divide: Divide | None = None
    shuffles: tuple[Seed, ...] = ()


class Evaluation(Section):
    """A whole configuration of `scripts/evaluate.py`."""

    run: Run
    evaluate: Evaluate
