"""Time and pairs held out: the second interval forecast from the first, and stocks between provinces."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from flowmodel.config import Pairs
from flowmodel.dynamics.registered.census.margins import margins
from flowmodel.estimation.refit import Anchor
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import province_pairs, scores, strata, temporal
from flowmodel.evaluation.world import MODEL, Part, World, changed, whole


def temporal_part(of: World) -> Part:
    """The interval before fitted, the one of the configuration forecast."""
    asked, (middle, _) = of.evaluate.temporal, of.model.years
    assert asked is not None
    start, end = of.people
    known = temporal.counted(of.table, asked.since, middle)
    predicted = temporal.baselines(of.table, asked, middle, _flat_natural(of))
    notes: dict[str, Any] = {
        "counted": int(known.sum()),
        "not_counted": {"zones": int((~known).sum()), "residents": float(start[~known].sum())},
    }
    versus = []
    for name in asked.variants:
        one = temporal.forward(of.table, of.config, asked, name, of.dtype, lambda *_: None)
        of.say(f"temporal, {name}: {one.outcome.verdict} after {one.outcome.steps} steps")
        ahead, then = temporal.least_squares(of.table, asked, name, middle)
        half = f" + {asked.persistence:g} residual"
        predicted[f"flow {name}"] = one.predicted[name]
        predicted[f"flow {name}{half}"] = temporal.with_persistence(
            of.table, asked, middle, one.predicted[name], one.then
        )
        predicted[f"ols {name}"] = ahead
        predicted[f"ols {name}{half}"] = temporal.with_persistence(of.table, asked, middle, ahead, then)
        versus += [(f"flow {name}{one}", "half_trend") for one in ("", half)]
        notes[name] = {"verdict": one.outcome.verdict, "estimates": one.estimates}
    kinds = {stratum: mask & known for stratum, mask in strata.strata(of.table, start, end).items()}
    return Part(scores.scored("temporal", start, end, predicted, kinds, of.how, versus), notes)


def _flat_natural(of: World) -> np.ndarray:
    """Residents at the end if nobody moved and the first census's rates went on: no later year is known."""
    years = of.model.years[1] - of.model.years[0]
    rates = of.table.values("birth_rate") - of.table.values("death_rate")
    return np.asarray(of.people[0] * (1 + rates) ** years)


def pairs(of: World, asked: Pairs, fitted: Callable[[], tuple[Outcome, Anchor]]) -> Part:
    """Stocks between provinces: every pair by a fold that has not seen it, beside gravity regressions."""
    if "interprovincial" not in of.goal.targets:
        of = _with_pairs(of, asked)
        at = whole(of, of.goal)
    else:
        at = fitted()
    stocks = np.asarray(of.goal.observed.provinces)
    stock, first = of.config.model.stock, of.model.years[0]
    assert stock is not None
    counted = margins(of.table, first, stock)
    fold = province_pairs.pair_folds(len(stocks), asked.folds, asked.seed)
    found = province_pairs.held_out(of.goal, fold, at[1], of.fit, of.fold_done)
    apart = fold >= 0
    predicted = {MODEL: found.predicted[apart]}
    predicted |= {
        name: values[apart]
        for name, values in province_pairs.regressions(of.table, counted, first, stocks, fold).items()
    }
    origin = np.broadcast_to(np.arange(len(stocks))[:, None], stocks.shape)[apart]
    how = dataclasses.replace(of.how, block=origin)
    everywhere = {"all pairs": np.ones(apart.sum(), bool)}
    versus = [(MODEL, "gravity_margins")]
    rows = scores.scored(
        "pairs of provinces", stocks[apart], stocks[apart], predicted, everywhere, how, versus, scores.counts
    )
    return Part(rows, {"folds": asked.folds, "pairs": int(apart.sum()), "steps": list(found.steps)})


def _with_pairs(of: World, asked: Pairs) -> World:
    """The same configuration with the target interprovincial added."""
    fit = of.config.fit
    more = {"targets": (*fit.targets, "interprovincial"), "interprovincial": asked.interprovincial}
    config = of.config.model_copy(update={"fit": fit.model_copy(update=more)})
    return changed(of, config)
