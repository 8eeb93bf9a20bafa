"""Space held out: provinces left out one by one, blocks of whole prefectures; growth and bands of what was held out."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from flowmodel.config import Spatial
from flowmodel.estimation import census
from flowmodel.estimation.census import BANDS
from flowmodel.estimation.refit import Anchor
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import baselines, scores, strata
from flowmodel.evaluation import folds as holding
from flowmodel.evaluation.folds import Fold, HeldOut
from flowmodel.evaluation.world import MODEL, Part, World, fold_notes

PROVINCES = "leave one province out"


def spatial_folds(of: World, asked: Spatial) -> dict[str, list[Fold]]:
    """The sets of folds that are asked for, by protocol."""
    found = {PROVINCES: holding.one_by_one(of.table.values("province"))} if asked.provinces else {}
    if asked.prefecture_blocks is not None:
        drawn = holding.blocks(of.table.values("prefecture"), asked.prefecture_blocks, asked.seed)
        found["prefecture blocks"] = drawn
    return found


def spatial(of: World, asked: Spatial, at: tuple[Outcome, Anchor], left_out: Callable[[], HeldOut]) -> Part:
    """Provinces left out (`left_out`), and blocks of prefectures: growth and bands of what was held out."""
    rows, notes = [], {}
    for protocol, folds in spatial_folds(of, asked).items():
        if protocol == PROVINCES:
            found = left_out()
        else:
            found = holding.held_out(of.goal, folds, at[1], of.fit, of.province, of.fold_done)
        rows += [
            _growth_rows(of, protocol, folds, found.predicted[0]),
            *_band_rows(of, protocol, folds, found.predicted),
        ]
        starts = folds[: asked.check_starts]
        apart = holding.from_priors(of.goal, starts, found, at[1], of.fit, of.province)
        notes[protocol] = fold_notes(folds, found) | {
            "from_the_priors": dict(zip((fold.name for fold in starts), apart, strict=True)),
            "parameters": _jackknife(of, at[0], found),
        }
    return Part(pd.concat(rows), notes)


def _growth_rows(of: World, protocol: str, folds: list[Fold], predicted: np.ndarray) -> pd.DataFrame:
    start, end = of.people
    simple = baselines.spatial(start, end, of.earlier(), of.model.natural_end(), of.model.known(), folds)
    kinds = strata.strata(of.table, start, end)
    everywhere = {name: v for name, v in simple.items() if not name.endswith("_trend")}
    versus = [(MODEL, name) for name in of.model.known()]
    rows = scores.scored(protocol, start, end, {MODEL: predicted} | everywhere, kinds, of.how, versus)
    if not np.isfinite(of.earlier()).any():
        return rows
    # Where somebody was counted a census earlier, and beside the trends that this makes possible.
    trends = {MODEL: predicted, "ols": simple["ols"]} | {n: v for n, v in simple.items() if n.endswith("_trend")}
    counted = {"all, counted before": kinds["all"] & np.isfinite(of.earlier())}
    return pd.concat([rows, scores.scored(protocol, start, end, trends, counted, of.how)])


def _band_rows(of: World, protocol: str, folds: list[Fold], predicted: np.ndarray) -> list[pd.DataFrame]:
    if len(predicted) == 1 or not set(BANDS) <= set(of.goal.targets):
        return []
    first, last = (census.bands(of.table, year) for year in of.model.years)
    simple = baselines.bands(first, last, of.people[0], of.model.known()["ols"], folds)
    everywhere = {"all": np.isfinite(predicted[0])}
    return [
        scores.scored(
            f"{protocol}, band {band}",
            first[k],
            last[k],
            {MODEL: predicted[k + 1]} | {name: values[k] for name, values in simple.items()},
            everywhere,
            of.how,
            [(MODEL, "ols")],
            scores.counts,
        )
        for k, band in enumerate(BANDS)
    ]


def _jackknife(of: World, outcome: Outcome, found: HeldOut) -> dict[str, dict[str, float]]:
    """Estimates with the standard errors that leaving out the folds' zones gives."""
    se = np.sqrt(np.diag(holding.jackknife_covariance(found.naturals)))
    names = [entry.name for entry in of.goal.registry.free]
    pairs = zip(names, outcome.natural, se, strict=True)
    return {name: {"estimate": float(value), "jackknife_se": float(error)} for name, value, error in pairs}
