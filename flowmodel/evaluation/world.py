"""What every part of an evaluation shares: the configuration on its zones, its whole fit, the form of its results."""

from __future__ import annotations

import dataclasses
import sys
import time
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel import runtime
from flowmodel.config import Evaluate, Fit
from flowmodel.errors import ConfigError
from flowmodel.estimation import refit, search
from flowmodel.estimation.refit import Anchor
from flowmodel.estimation.registered_objective import StockObjective
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import folds
from flowmodel.evaluation.folds import Fold, HeldOut
from flowmodel.evaluation.scores import Resampling
from flowmodel.parameters.registry import Registry
from flowmodel.results import residents
from flowmodel.runs import request
from flowmodel.runs.request import Request
from flowmodel.zones.table import ZoneTable

MODEL = "flow model"


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows of `evaluation.csv`, and what else `evaluation.json` keeps of a part."""

    rows: pd.DataFrame
    notes: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class World:
    """A configuration on its zones: everything that does not depend on what is held out."""

    asked: Request
    evaluate: Evaluate
    table: ZoneTable
    kind: ModuleType
    model: Any
    goal: Any

    @property
    def fit(self) -> Fit:
        """How far the search of a fold goes."""
        return self.asked.config.fit.model_copy(update={"tolerance": self.evaluate.tolerance})

    @property
    def province(self) -> np.ndarray:
        """Index of every zone's province."""
        return self.table.indices("province")

    @property
    def people(self) -> tuple[np.ndarray, np.ndarray]:
        """Residents at the start and at the end, persons [zone]."""
        first, last = self.model.years
        return self.table.population(first), self.table.population(last)

    @property
    def how(self) -> Resampling:
        """Provinces drawn with replacement."""
        of = self.evaluate
        return Resampling(self.province, of.draws, of.seed, of.level)

    def natural_end(self) -> np.ndarray:
        """Residents at the end if nobody moved, persons [zone]."""
        calendar = self.goal.country.calendar if isinstance(self.goal, StockObjective) else self.goal.years
        return residents.natural_only(self.table, self.model.years[0], calendar)

    def earlier(self) -> np.ndarray:
        """Residents of the census before the start, NaN where there is none, persons [zone]."""
        years = [int(year) for year in self.table.data["year"].values if int(year) < self.model.years[0]]
        return self.table.counted(max(years)) if years else np.full(len(self.table.codes), np.nan)

    def known(self) -> dict[str, np.ndarray]:
        """What least squares may know: as much as the model, and its plain covariates alone."""
        if not isinstance(self.goal, StockObjective):
            return {"ols": residents.known(self.model)}
        from flowmodel.results import registered

        section = self.asked.config.model
        assert section.stock is not None
        lists = [value for key, value in section.stock.model_dump().items() if key.endswith("covariates")]
        names = {name for one in (section.attraction, section.departure, *lists) for name in one}
        plain = [self.table.covariate(name) for name in sorted(names)]
        rates = [self.table.values(name) for name in ("birth_rate", "death_rate", "east")]
        return {"ols": registered.known(self.model), "ols_plain": residents.distinct([*rates, *plain])}


def world(asked: Request, evaluate: Evaluate, table: ZoneTable) -> World:
    """The model of a configuration and its objective on `table`."""
    kind = request.kind(asked.config)
    model = kind.build(table, asked.config, runtime.kernel_dtype(asked.config.runtime))
    return World(asked, evaluate, table, kind, model, kind.objective(model, asked))


def whole(of: World, goal: Any) -> tuple[Outcome, Anchor]:
    """`goal` fitted to everything, from a finished fit or the priors' centres, and where its folds begin."""
    start = _start(of, goal.registry)
    if start is None:
        return searched(of, goal)
    return _anchored(goal, refit.again(goal, refit.anchored(goal, start), of.asked.config.fit, _progress))


def searched(of: World, goal: Any) -> tuple[Outcome, Anchor]:
    """`goal` fitted to everything from the priors' centres, and where its folds begin."""
    return _anchored(goal, search.search(goal, goal.registry.prior_centres(), of.asked.config.fit, _progress))


def _anchored(goal: Any, outcome: Outcome) -> tuple[Outcome, Anchor]:
    say(f"fitted to everything: {outcome.verdict} after {outcome.steps} steps")
    return outcome, refit.anchored(goal, jnp.asarray(outcome.natural))


def province_folds(of: World, goal: Any, anchor: Anchor) -> HeldOut:
    """`goal` refitted without each province in turn."""
    return folds.held_out(goal, folds.one_by_one(of.table.values("province")), anchor, of.fit, of.province, told)


def _start(of: World, registry: Registry) -> Any:
    """Estimates of the fit that `evaluate.start` names, natural values; prior centres of what it does not have."""
    if of.evaluate.start is None:
        return None
    file = request.located(of.asked.base, of.evaluate.start)
    try:
        known = pd.read_csv(file).set_index("name")["estimate"]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError("E-EVALUATE-START", f"{file}: {error}", "name the parameters.csv of a fit") from None
    return registry.vector({e.name: float(known.get(e.name, e.prior_mean)) for e in registry.free})


def _progress(stage: str, done: int, most: int, value: float) -> None:
    if done % 20 == 0:
        say(f"{stage} {done} of {most}: {value:.2f}")


def say(text: str) -> None:
    """One line of progress, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def told(name: str, done: int, most: int) -> None:
    """Progress of a set of folds."""
    say(f"{name}: {done} of {most}")


def fold_notes(of: list[Fold], found: HeldOut) -> dict[str, Any]:
    """How many folds, of how many zones, and how far their searches went."""
    return {
        "folds": len(of),
        "zones": int(sum(fold.held.sum() for fold in of)),
        "steps": list(found.steps),
        "largest_remaining_step": max(found.remaining),
    }
