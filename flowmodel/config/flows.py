"""The configuration of `scripts/fit_flows.py`: a model of an observed flow table, its fit and its comparison.

The package `geo` checks `[flows]` and `[zones]`, which describe files; here they are plain tables.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from .fields import Names, Number, Section
from .law import LawChoice, LawName
from .sections import Configuration, Runtime, Solve

StandardErrors = Literal["model", "robust", "cluster_origin", "cluster_destination", "two_way", "bootstrap"]


class FlowModel(Section):
    """`[model]`: constraint, law, masses, covariates of pairs, and the distribution of flows."""

    constraint: Literal["unconstrained", "total", "production", "attraction", "doubly"] = Field(
        description="which totals the fitted flows meet"
    )
    law: LawChoice = Field(
        description=(
            "how flows fall with distance or with intervening opportunities: a law by name, or a table "
            "that names a law of your own"
        )
    )
    origin_mass: Names = Field(
        default=(),
        description=(
            'masses of origins: columns of `[zones]`, or else of `[flows]`; `"ln:x"` is the logarithm of column x'
        ),
    )
    destination_mass: Names = Field(default=(), description="masses of destinations, likewise")
    pair: Names = Field(default=(), description="further columns of `[flows]`, one number for each pair")
    opportunities: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="column of zones that radiation, Schneider, Stouffer and competing destinations count"
    )
    include_home: StrictBool = Field(
        default=False, description="whether the opportunities of the origin count as intervening"
    )
    family: Literal["poisson", "quasi_poisson", "negative_binomial"] = Field(
        default="poisson", description="distribution of a flow around its mean"
    )
    held: dict[str, Number] = Field(
        default={}, description="linear coefficients that are not fitted, by name: `{ ln_distance = -2.0 }`"
    )


class FlowFit(Solve):
    """`[fit]`: the search, standard errors, local fits, and the width of distance bins."""

    se: StandardErrors = Field(default="model", description="kind of standard errors of the coefficients")
    bootstrap: Annotated[int, Field(ge=20, le=10_000, strict=True)] = Field(
        default=200, description="replicates, each of whole origins drawn with `run.seed`"
    )
    local: Literal["none", "origin", "destination"] = Field(
        default="none", description="a small regression for every zone of that side"
    )
    distance_bin_km: Annotated[float, Field(gt=0, strict=True)] = Field(
        default=2.0, description="width of the bins of the score `cpc_d`, km"
    )


class Compare(Section):
    """`[compare]`: other laws to fit to the same table, and the share of pairs held out."""

    laws: Annotated[tuple[LawName, ...], Field(min_length=1)] = Field(
        description="laws to be fitted, by name; not a law of your own"
    )
    held_out: Annotated[float, Field(gt=0, le=0.9, strict=True)] = Field(
        default=0.2, description="share of the pairs that is held out, drawn with `run.seed`"
    )


class Draws(Section):
    """`[draws]`: integer flows drawn from the fitted model, written to draws.parquet."""

    count: Annotated[int, Field(ge=1, le=1000, strict=True)] = Field(
        default=1, description="number of tables drawn from the fit"
    )
    kind: Literal["multinomial", "poisson"] = Field(
        default="multinomial",
        description=(
            '`"multinomial"` keeps a total; `"poisson"` draws every pair by itself and is refused for a '
            "negative binomial"
        ),
    )
    hold: Literal["total", "origin", "destination"] = Field(
        default="total", description="the total that multinomial draws keep"
    )


class FlowsRun(Configuration):
    """A whole configuration file."""

    flows: dict[str, Any] = Field(description="the flow table, see below")
    zones: dict[str, Any] | None = Field(
        default=None, description="zones with positions and masses, see below; needed unless `[flows]` has them"
    )
    model: FlowModel
    fit: FlowFit = FlowFit()
    compare: Compare | None = None
    draws: Draws | None = None
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _kinds_agree(self) -> Self:
        if self.draws is not None and self.draws.kind == "poisson" and self.model.family == "negative_binomial":
            raise ValueError("draws.kind = 'poisson' has too little variance for a negative binomial model")
        return self
