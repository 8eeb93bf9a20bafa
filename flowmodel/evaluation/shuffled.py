"""A placebo: growth permuted among zones at random, so that there is nothing to find."""

import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel.config import Spatial
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import baselines, placebo, scores
from flowmodel.evaluation import folds as holding
from flowmodel.evaluation.space import spatial_folds
from flowmodel.evaluation.world import MODEL, Part, World, fold_notes, whole


def shuffled(of: World, outcome: Outcome, seed: int) -> Part:
    """Permuted growth: fitted to all zones, then by the last set of folds of the spatial part."""
    goal = placebo.shuffled(of.goal, outcome.natural, seed)
    found, anchor = whole(of, goal)
    asked = of.evaluate.spatial or Spatial(prefecture_blocks=None)
    protocol, folds = list(spatial_folds(of, asked).items())[-1]
    held = holding.held_out(goal, folds, anchor, of.fit, of.province, of.fold_done)
    census = goal.census
    start, end = np.asarray(census.start), np.asarray(census.end)
    everywhere = {"all": (start > 0) & (end > 0)}
    name = f"placebo: growth shuffled ({seed}), {protocol}"
    simple = baselines.spatial(
        start, end, of.earlier(), of.model.natural_end(), {"ols": of.model.known()["ols"]}, folds
    )
    predicted = {MODEL: held.predicted[0], "ols": simple["ols"], "uniform_national": simple["uniform_national"]}
    inside = np.asarray(holding.predict(goal, jnp.asarray(found.natural)))[0]
    rows = scores.scored(name, start, end, predicted, everywhere, of.how)
    fitted = scores.scored(f"{name}, in sample", start, end, {MODEL: inside}, everywhere, of.how)
    return Part(pd.concat([rows, fitted]), fold_notes(folds, held) | {"verdict": found.verdict})
