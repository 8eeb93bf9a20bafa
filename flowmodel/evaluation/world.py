"""What the parts of an evaluation share: the configuration on its zones, the fit to all zones, the form of results."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel import models
from flowmodel.config import Config, Evaluate, Fit
from flowmodel.config.paths import located
from flowmodel.errors import ConfigError
from flowmodel.estimation import refit, search
from flowmodel.estimation.refit import Anchor
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import folds
from flowmodel.evaluation.folds import Fold, HeldOut
from flowmodel.evaluation.scores import Resampling
from flowmodel.models.model import Model
from flowmodel.parameters.registry import Registry
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

    config: Config
    base: Path
    evaluate: Evaluate
    table: ZoneTable
    dtype: Any
    model: Model
    goal: Any
    say: Callable[[str], None]

    @property
    def fit(self) -> Fit:
        """How far the search of a fold goes."""
        return self.config.fit.model_copy(update={"tolerance": self.evaluate.tolerance})

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

    def earlier(self) -> np.ndarray:
        """Residents of the census before the start, NaN where there is none, persons [zone]."""
        years = [int(year) for year in self.table.data["year"].values if int(year) < self.model.years[0]]
        return self.table.counted(max(years)) if years else np.full(len(self.table.codes), np.nan)

    def fold_done(self, name: str, done: int, most: int) -> None:
        """Reports the progress of a set of folds."""
        self.say(f"{name}: {done} of {most}")

    def searching(self, stage: str, done: int, most: int, value: float) -> None:
        """Reports the progress of a search, every twenty steps."""
        if done % 20 == 0:
            self.say(f"{stage} {done} of {most}: {value:.2f}")


def world(
    config: Config, base: Path, evaluate: Evaluate, table: ZoneTable, dtype: Any, say: Callable[[str], None]
) -> World:
    """The model of a configuration and its objective on `table`; `say` takes lines of progress."""
    model = models.of_counties(table, config, base, dtype)
    return World(config, base, evaluate, table, dtype, model, model.objective(), say)


def changed(of: World, config: Config | None = None, table: ZoneTable | None = None) -> World:
    """The same evaluation with another configuration or other zones."""
    return world(config or of.config, of.base, of.evaluate, table or of.table, of.dtype, of.say)


def whole(of: World, goal: Any) -> tuple[Outcome, Anchor]:
    """`goal` fitted to everything, from a finished fit or the priors' centres, and where its folds begin."""
    start = _start(of, goal.registry)
    if start is None:
        return searched(of, goal)
    return _anchored(of, goal, refit.from_anchor(goal, refit.anchored(goal, start), of.config.fit, of.searching))


def searched(of: World, goal: Any) -> tuple[Outcome, Anchor]:
    """`goal` fitted to everything from the priors' centres, and where its folds begin."""
    return _anchored(of, goal, search.search(goal, goal.registry.prior_centres(), of.config.fit, of.searching))


def _anchored(of: World, goal: Any, outcome: Outcome) -> tuple[Outcome, Anchor]:
    of.say(f"fitted to everything: {outcome.verdict} after {outcome.steps} steps")
    return outcome, refit.anchored(goal, jnp.asarray(outcome.natural))


def province_folds(of: World, goal: Any, anchor: Anchor) -> HeldOut:
    """`goal` refitted without each province in turn."""
    return folds.held_out(
        goal, folds.one_by_one(of.table.values("province")), anchor, of.fit, of.province, of.fold_done
    )


def _start(of: World, registry: Registry) -> Any:
    """Estimates of the fit that `evaluate.start` names, natural values; prior centres of what it does not have."""
    if of.evaluate.start is None:
        return None
    file = located(of.base, of.evaluate.start)
    try:
        known = pd.read_csv(file).set_index("name")["estimate"]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError("E-EVALUATE-START", f"{file}: {error}", "name the parameters.csv of a fit") from None
    return registry.vector({e.name: float(known.get(e.name, e.prior_mean)) for e in registry.free})


def fold_notes(of: list[Fold], found: HeldOut) -> dict[str, Any]:
    """How many folds, of how many zones, and how far their searches went."""
    return {
        "folds": len(of),
        "zones": int(sum(fold.held.sum() for fold in of)),
        "steps": list(found.steps),
        "largest_remaining_step": max(found.remaining),
    }
