"""Cross-validation: the model is refitted without the outcomes of each fold's zones, which it then predicts."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from flowmodel import runtime
from flowmodel.config import Fit
from flowmodel.estimation import refit
from flowmodel.estimation.posterior import Posterior
from flowmodel.estimation.refit import Anchor

Goal = TypeVar("Goal", bound=Posterior)
FoldProgress = Callable[[str, int, int], None]
"""progress(name of the fold, folds done, folds in all)."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """Zones whose outcomes are held out together [zone], and the name of the fold."""

    name: str
    held: np.ndarray


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Predictions of zones held out, and how the searches ended.

    Attributes:
        predicted: persons [output, zone]; each zone is predicted by the fold that holds it out, NaN if none does.
        naturals: estimates of every fold, natural values [fold, free].
        steps: L-BFGS steps of every fold.
        remaining: remaining step of every fold, in standard errors of the fit to all zones.
    """

    predicted: np.ndarray
    naturals: np.ndarray
    steps: tuple[int, ...]
    remaining: tuple[float, ...]


def jackknife_covariance(naturals: np.ndarray) -> np.ndarray:
    """Jackknife covariance of estimates [free, free] from the estimates of n folds [fold, free].

    Standard errors from the Hessian treat zones as independent. Zones of one province are not, which makes such
    intervals too narrow; leaving out whole provinces does not need the assumption.
    """
    count = len(naturals)
    spread = naturals - naturals.mean(axis=0)
    return np.asarray((count - 1) / count * spread.T @ spread)


def one_by_one(codes: np.ndarray) -> list[Fold]:
    """One fold for each distinct code, such as provinces left out one by one."""
    return [Fold(str(code), codes == code) for code in np.unique(codes)]


def blocks(codes: np.ndarray, count: int, seed: int) -> list[Fold]:
    """`count` folds of whole units, such as prefectures; in random order each joins the fold with the fewest zones."""
    units, sizes = np.unique(codes, return_counts=True)
    filled = np.zeros(count, int)
    fold_of = np.empty(len(units), int)
    for unit in np.random.default_rng(seed).permutation(len(units)):
        fold_of[unit] = int(np.argmin(filled))
        filled[fold_of[unit]] += sizes[unit]
    at = fold_of[np.searchsorted(units, codes)]
    return [Fold(f"block {k + 1}", at == k) for k in range(count) if (at == k).any()]


def masked(goal: Goal, held: np.ndarray, province: np.ndarray | None = None) -> Goal:
    """`goal` without the outcomes of the zones `held`: growth, bands, skills, and their part of the national sums.

    Args:
        goal: the objective of all zones.
        held: which zones are held out [zone].
        province: index of every zone's province; if given, pairs of provinces are held out too where all zones of one
            of them are.
    """
    return goal.held_out(held, province)


@runtime.program
def predict(goal: Posterior, natural: Float[Array, " free"]) -> Float[Array, "output zone"]:
    """Residents at the end, and with registration the bands of a census [output, zone], persons."""
    predicted: Array = goal.predicted(natural)
    return predicted


def held_out(
    goal: Any, folds: Sequence[Fold], anchor: Anchor, fit: Fit, province: np.ndarray | None, progress: FoldProgress
) -> HeldOut:
    """Refits the model for every fold without its zones' outcomes, and predicts these zones.

    Args:
        goal: the objective of all zones.
        folds: the folds; each zone is in at most one.
        anchor: where every search begins; the result must not depend on it (`from_priors` checks this).
        fit: settings of the searches.
        province: see `masked`.
        progress: called after every fold.
    """
    values: np.ndarray | None = None
    naturals, steps, remaining = [], [], []
    for i, fold in enumerate(folds):
        part = masked(goal, fold.held, province)
        outcome = refit.from_anchor(part, anchor, fit, lambda *_: None)
        end = np.asarray(predict(part, jnp.asarray(outcome.natural)))
        values = np.full(end.shape, np.nan) if values is None else values
        values[:, fold.held] = end[:, fold.held]
        naturals.append(outcome.natural)
        steps.append(outcome.steps)
        remaining.append(outcome.remaining)
        progress(fold.name, i + 1, len(folds))
    assert values is not None
    return HeldOut(values, np.stack(naturals), tuple(steps), tuple(remaining))


def from_priors(
    goal: Any, folds: Sequence[Fold], found: HeldOut, anchor: Anchor, fit: Fit, province: np.ndarray | None
) -> list[float]:
    """Searches the given folds again from the centres of the priors, which do not depend on any outcome.

    Arguments are those of `held_out`; `found` is its result.

    Returns:
        By fold, the largest difference to `found` in log residents over the zones held out.
    """
    differences = []
    free = jnp.any(anchor.whitener != 0, axis=1)
    start = dataclasses.replace(anchor, point=jnp.where(free, 0.0, anchor.point))
    for fold in folds:
        part = masked(goal, fold.held, province)
        outcome = refit.from_anchor(part, start, fit, lambda *_: None)
        end = np.asarray(predict(part, jnp.asarray(outcome.natural)))[0, fold.held]
        before = found.predicted[0, fold.held]
        both = (end > 0) & (before > 0)
        differences.append(float(np.abs(np.log(end[both] / before[both])).max(initial=0.0)))
    return differences
