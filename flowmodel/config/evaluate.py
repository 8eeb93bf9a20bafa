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

    provinces: StrictBool = True
    prefecture_blocks: Count | None = 10
    seed: Seed = 1
    check_starts: Annotated[int, Field(ge=0, le=100, strict=True)] = 2


class Variant(Section):
    """`[evaluate.temporal.variants.NAME]`: what a model of the earlier interval may know of a zone.

    Names are those of `fit.geometry`, made anew of each census, or covariates of the table, the same at both dates.
    `registered` runs the second interval from the registered stock of its first census.
    """

    attraction: Names = ()
    departure: Names = ()
    registered: StrictBool = False


class Temporal(Section):
    """`[evaluate.temporal]`: fitted to the interval before, and carried forward without a look at its end.

    `birth_rate` and `death_rate` are the nation's in the earlier interval, per resident and year: no zone's are known.
    `persistence` is the share of the earlier residual that a second forecast of each variant carries on.
    """

    since: Year
    birth_rate: Positive
    death_rate: Positive
    persistence: Share = 0.5
    variants: Annotated[dict[str, Variant], Field(min_length=1)]


class Pairs(Section):
    """`[evaluate.pairs]`: pairs of provinces held out of the target `interprovincial`, each pair in one of `folds`.

    `interprovincial` is that target where the configuration itself does not have it.
    """

    folds: Count = 5
    seed: Seed = 1
    interprovincial: Interprovincial | None = None


class Divide(Section):
    """`[evaluate.divide]`: the barriers of the divide, from the Hessian and from provinces left out.

    `targets` are those of a second fit of the same zones and model, to show what the others change; empty for none.
    Turned about its middle by one of `rotations`, degrees, the divide is nowhere in particular: a placebo.
    """

    targets: Names = ()
    rotations: tuple[Number, ...] = (90.0,)
    level: Level = 0.9


class Evaluate(Section):
    """`[evaluate]`: the configuration that is evaluated, the parts that run, and the intervals of their scores.

    A part whose table is missing does not run; `shuffles` are seeds of a placebo, growth dealt out anew. `settings`
    override the configuration as `--set` does. `start` is the `parameters.csv` of a fit of it, which saves most of the
    search: the whole fit begins there. A fold has converged when its remaining step is below `tolerance` standard
    errors.
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
