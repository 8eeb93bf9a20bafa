"""Placebo tests: growth permuted between zones, and a rotated divide."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from flowmodel.config import Spatial
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import baselines, scores
from flowmodel.evaluation import folds as holding
from flowmodel.evaluation.space import spatial_folds
from flowmodel.evaluation.world import MODEL, Part, World, fold_notes, whole
from flowmodel.zones.table import ZoneTable, check

HEIHE, TENGCHONG = (127.53, 50.24), (98.49, 25.02)
"""The ends of the divide, degrees east and north."""


def shuffled(goal: Any, natural: np.ndarray, seed: int) -> Any:
    """`goal` with the growth of inhabited zones permuted at random, and the errors of their bands with it.

    A zone's new bands are the bands predicted at `natural`, times the ratio of counted to predicted bands in the zone
    whose growth it receives. One factor keeps the national total: permuted growth rates act on other population sizes.
    """
    of = goal.census
    start, end = np.asarray(of.start), np.asarray(of.end)
    counted = np.flatnonzero((start > 0) & (end > 0))
    from_zone = np.arange(len(start))
    from_zone[counted] = np.random.default_rng(seed).permutation(counted)
    permuted = end.copy()
    permuted[counted] = start[counted] * (end / np.where(start > 0, start, 1.0))[from_zone[counted]]
    permuted[counted] *= end[counted].sum() / permuted[counted].sum()
    return goal.with_growth(permuted, from_zone, natural)


def rotated(table: ZoneTable, degrees: float) -> ZoneTable:
    """`table` with the divide rotated about its midpoint, counter-clockwise by `degrees`.

    The great circle through the midpoint m with the normal n becomes the one with the normal n cos a + (m × n) sin a.

    Raises:
        ZonesError: see `flowmodel.zones.table.check`.
    """
    heihe, tengchong = _unit(*HEIHE), _unit(*TENGCHONG)
    normal = np.cross(heihe, tengchong)
    normal /= np.linalg.norm(normal)
    middle = (heihe + tengchong) / np.linalg.norm(heihe + tengchong)
    angle = np.radians(degrees)
    around = normal * np.cos(angle) + np.cross(middle, normal) * np.sin(angle)
    east = (_unit(table.values("lon"), table.values("lat")) @ around > 0).astype(np.int8)
    old = table.data["east"]
    return check(
        table.data.assign(east=old.copy(data=east.astype(old.dtype))), f"a divide rotated by {degrees:g} degrees"
    )


def _unit(lon: Any, lat: Any) -> np.ndarray:
    """Points of the unit sphere [..., 3] from longitudes and latitudes in degrees."""
    east, north = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def shuffled_growth(of: World, outcome: Outcome, seed: int) -> Part:
    """Permuted growth: fitted to all zones, then by the last set of folds of the spatial part."""
    goal = shuffled(of.goal, outcome.natural, seed)
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
