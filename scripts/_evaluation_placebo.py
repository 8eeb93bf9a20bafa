"""Placebos: what must find nothing in worlds where there is nothing to find."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
from _evaluation import MODEL, Part, World, fold_notes, told, whole, world
from _evaluation_spatial import spatial_folds
from scipy.stats import norm

from flowmodel.config import Spatial
from flowmodel.fit import folds as holding
from flowmodel.fit import inference, jackknife, naive, placebo, scorecard
from flowmodel.fit.optimise import Outcome
from flowmodel.fit.refit import Anchor
from flowmodel.fit.stock_objective import StockObjective

_WEIGHTS = {"east_west": (1.0, 0.0), "west_east": (0.0, 1.0), "barrier": (0.5, 0.5)}
"""Of the two directed barriers in what is reported: each, and what is the same both ways."""


def shuffled(of: World, outcome: Outcome, seed: int) -> Part:
    """Growth dealt out anew: fitted whole, then by the last set of folds of the spatial part."""
    goal = placebo.shuffled(of.goal, outcome.natural, seed)
    found, anchor = whole(of, goal)
    asked = of.evaluate.spatial or Spatial(prefecture_blocks=None)
    protocol, folds = list(spatial_folds(of, asked).items())[-1]
    held = holding.held_out(goal, folds, anchor, of.fit, of.province, told)
    census = goal.observed.census if isinstance(goal, StockObjective) else goal.observed
    start, end = np.asarray(census.start), np.asarray(census.end)
    everywhere = {"all": (start > 0) & (end > 0)}
    name = f"placebo: growth shuffled ({seed}), {protocol}"
    simple = naive.spatial(start, end, of.earlier(), of.natural_end(), {"ols": of.known()["ols"]}, folds)
    said = {MODEL: held.said[0], "ols": simple["ols"], "uniform_national": simple["uniform_national"]}
    inside = np.asarray(holding.said(goal, jnp.asarray(found.natural)))[0]
    rows = scorecard.scored(name, start, end, said, everywhere, of.how)
    fitted = scorecard.scored(f"{name}, in sample", start, end, {MODEL: inside}, everywhere, of.how)
    return Part(pd.concat([rows, fitted]), fold_notes(folds, held) | {"verdict": found.verdict})


def barriers(of: World, found: tuple[Outcome, Anchor], protocol: str, level: float) -> Part:
    """The barriers of the divide, with intervals from the Hessian and from provinces left out.

    The second is wider: it does not take zones for independent. Every province is refitted without: one Newton step
    from the whole fit is far off where the nation's births must close a total that is known to 1e-4.
    """
    outcome, anchor = found
    folds = holding.one_by_one(of.table.values("province"))
    left_out = holding.held_out(of.goal, folds, anchor, of.fit, of.province, told)
    of_hessian = inference.infer(of.goal, jnp.asarray(outcome.natural), outcome.derivatives).covariance
    names = [entry.name for entry in of.goal.registry.free]
    at = [names.index(name) for name in ("divide_east_west", "divide_west_east")]
    z, rows = norm.ppf((1 + level) / 2), []
    for source, matrix in {"hessian": of_hessian, "provinces": jackknife.covariance(left_out.naturals)}.items():
        for name, weights in _WEIGHTS.items():
            w = np.asarray(weights)
            value, se = float(w @ outcome.natural[at]), float(np.sqrt(w @ matrix[np.ix_(at, at)] @ w))
            stratum = f"{100 * level:g} % from the {source}"
            rows.append((protocol, stratum, MODEL, name, value, value - z * se, value + z * se, len(of.table.codes)))
    frame = pd.DataFrame(rows, columns=list(scorecard.COLUMNS))
    return Part(frame, {"verdict": outcome.verdict, "east": int(of.table.values("east").sum())})


def rotated(of: World, degrees: float, level: float) -> Part:
    """The divide turned by `degrees`, and everything fitted anew."""
    turned = world(of.asked, of.evaluate, placebo.turned(of.table, degrees))
    return barriers(turned, whole(turned, turned.goal), f"divide turned by {degrees:g} degrees", level)
