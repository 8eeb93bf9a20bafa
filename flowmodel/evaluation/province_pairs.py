"""Pairs of provinces held out of a fit, and gravity regressions with the same information to compare with."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from flowmodel.config import Fit
from flowmodel.dynamics.registered.census.margins import Margins
from flowmodel.estimation import refit
from flowmodel.estimation.refit import Anchor
from flowmodel.estimation.registered_objective import RegisteredObjective
from flowmodel.evaluation.folds import FoldProgress, HeldOut
from flowmodel.evaluation.map_covariates import distances
from flowmodel.interaction.local import poisson
from flowmodel.zones.table import ZoneTable


def pair_folds(provinces: int, count: int, seed: int) -> np.ndarray:
    """A random fold of equal size for every ordered pair of provinces [origin, destination]; -1 on the diagonal."""
    fold = np.full((provinces, provinces), -1)
    apart = ~np.eye(provinces, dtype=bool)
    fold[apart] = np.random.default_rng(seed).permutation(np.arange(apart.sum()) % count)
    return fold


@jax.jit
def _scaled(goal: RegisteredObjective, natural: jax.Array) -> jax.Array:
    """Migrants from province to province in units of the source [origin, destination]."""
    end = goal.decade(natural)
    assert end.provinces is not None
    return end.provinces * goal.registry.lookup(natural)["scale_interprovincial"]


def held_out(goal: RegisteredObjective, fold: np.ndarray, anchor: Anchor, fit: Fit, progress: FoldProgress) -> HeldOut:
    """Refits the model from `anchor` without each fold of pairs of provinces.

    Args:
        goal: the objective of the fit to all pairs.
        fold: the fold of every pair, see `pair_folds` [origin, destination].
        anchor: where every search begins.
        fit: settings of the searches.
        progress: called after every fold.

    Returns:
        Predictions of the pairs held out, in units of the source; `predicted` is [origin, destination], NaN on the
        diagonal.
    """
    values = np.full(fold.shape, np.nan)
    naturals, steps, remaining = [], [], []
    for k in range(fold.max() + 1):
        seen = jnp.asarray((fold >= 0) & (fold != k))
        part = dataclasses.replace(goal, observed=dataclasses.replace(goal.observed, pairs_seen=seen))
        outcome = refit.from_anchor(part, anchor, fit, lambda *_: None)
        values[fold == k] = np.asarray(_scaled(part, jnp.asarray(outcome.natural)))[fold == k]
        naturals.append(outcome.natural)
        steps.append(outcome.steps)
        remaining.append(outcome.remaining)
        progress(f"pairs {k + 1}", k + 1, int(fold.max()) + 1)
    return HeldOut(values, np.stack(naturals), tuple(steps), tuple(remaining))


def regressions(
    table: ZoneTable, margins: Margins, first: int, stocks: np.ndarray, fold: np.ndarray
) -> dict[str, np.ndarray]:
    """Poisson gravity regressions of migrants between provinces; each pair is predicted by a fit without its fold.

    Returns:
        Predictions [origin, destination] by regression: `gravity`, on log residents of both provinces and log distance;
        `gravity_margins`, on log out-migrants of the origin, log in-migrants of the destination, and log distance;
        `margins`, on the same without distance.
    """
    province, m = margins.province, margins
    people = table.population(first)
    apart = np.log(np.maximum(_mean_distances(table, people, province), 1.0))
    count = fold.shape[0]
    residents, away, arrived = (np.log(np.bincount(province, part) + 1) for part in (people, m.out, m.far))

    def columns(origin: np.ndarray, destination: np.ndarray, *more: np.ndarray) -> np.ndarray:
        both = np.broadcast_arrays(np.ones((count, count)), origin[:, None], destination, *more)
        return np.stack(both, axis=-1)

    designs = {
        "gravity": columns(residents, residents, apart),
        "gravity_margins": columns(away, arrived, apart),
        "margins": columns(away, arrived),
    }
    found = {name: np.full(fold.shape, np.nan) for name in designs}
    for k in range(fold.max() + 1):
        seen, held = (fold >= 0) & (fold != k), fold == k
        for name, x in designs.items():
            found[name][held] = np.exp(x[held] @ poisson(x[seen], stocks[seen]))
    return found


def _mean_distances(table: ZoneTable, people: np.ndarray, province: np.ndarray) -> np.ndarray:
    """Mean distance between residents of two provinces, km [province, province]."""
    share = np.zeros((province.max() + 1, len(people)))
    share[province, np.arange(len(people))] = people / np.bincount(province, people)[province]
    return np.asarray(share @ distances(table) @ share.T)
