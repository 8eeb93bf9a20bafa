"""The configuration of `scripts/fit_flows.py`: a model of an observed flow table, its fit and its comparison.

The package `geo` checks `[flows]` and `[zones]`, which describe files; here they are plain tables.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, model_validator

from .fields import Names, Number, Section
from .law import LawChoice, LawName
from .sections import Run, Runtime, Solve

StandardErrors = Literal["model", "robust", "cluster_origin", "cluster_destination", "two_way", "bootstrap"]


class FlowModel(Section):
    """`[model]`: constraint, law, masses, covariates of pairs, and the distribution of flows."""

    constraint: Literal["unconstrained", "total", "production", "attraction", "doubly"]
    law: LawChoice
    origin_mass: Names = ()
    destination_mass: Names = ()
    pair: Names = ()
    opportunities: Annotated[str, Field(min_length=1)] | None = None
    include_home: StrictBool = False
    family: Literal["poisson", "quasi_poisson", "negative_binomial"] = "poisson"
    held: dict[str, Number] = {}


class FlowFit(Solve):
    """`[fit]`: the search, standard errors, local fits, and the width of distance bins."""

    se: StandardErrors = "model"
    bootstrap: Annotated[int, Field(ge=20, le=10_000, strict=True)] = 200
    local: Literal["none", "origin", "destination"] = "none"
    distance_bin_km: Annotated[float, Field(gt=0, strict=True)] = 2.0


class Compare(Section):
    """`[compare]`: other laws to fit to the same table, and the share of pairs held out."""

    laws: Annotated[tuple[LawName, ...], Field(min_length=1)]
    held_out: Annotated[float, Field(gt=0, le=0.9, strict=True)] = 0.2


class Draws(Section):
    """`[draws]`: integer flows drawn from the fitted model, written to draws.parquet."""

    count: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    kind: Literal["multinomial", "poisson"] = "multinomial"
    hold: Literal["total", "origin", "destination"] = "total"


class FlowsRun(Section):
    """A whole configuration file."""

    run: Run
    flows: dict[str, Any]
    zones: dict[str, Any] | None = None
    model: FlowModel
    fit: FlowFit = FlowFit()
    compare: Compare | None = None
    draws: Draws | None = None
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _kinds_agree(self) -> FlowsRun:
        if self.draws is not None and self.draws.kind == "poisson" and self.model.family == "negative_binomial":
            raise ValueError("draws.kind = 'poisson' has too little variance for a negative binomial model")
        return self
