"""The divide's barriers from all targets, from fewer targets, and at rotated lines; intervals of two kinds."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.stats import norm

from flowmodel.config import Divide
from flowmodel.estimation import inference
from flowmodel.estimation.search import Outcome
from flowmodel.evaluation import placebo, scores
from flowmodel.evaluation.folds import HeldOut, jackknife_covariance
from flowmodel.evaluation.world import MODEL, Part, World, changed, province_folds, searched, whole

_BARRIERS = ("divide_east_west", "divide_west_east")
_WEIGHTS = {"east_west": (1.0, 0.0), "west_east": (0.0, 1.0), "barrier": (0.5, 0.5)}
"""Of the two directed barriers in what is reported: each, and what is the same both ways."""


def barriers(of: World, outcome: Outcome, left_out: HeldOut, protocol: str, level: float) -> Part:
    """The barriers of a fit, with intervals from its Hessian and from provinces left out.

    The second is wider: it does not take zones for independent. Every province is refitted without: one Newton step
    from the whole fit is far off where the nation's births must close a total that is known to 1e-4.
    """
    at = _positions(of)
    hessian = inference.infer(of.goal, jnp.asarray(outcome.natural), outcome.derivatives).covariance
    sources = {"hessian": hessian[np.ix_(at, at)], "provinces": jackknife_covariance(left_out.naturals[:, at])}
    frames = [_rows(of, protocol, source, outcome.natural[at], matrix, level) for source, matrix in sources.items()]
    return Part(pd.concat(frames), {"verdict": outcome.verdict, "east": int(of.table.values("east").sum())})


def contrast(of: World, asked: Divide, outcome: Outcome, left_out: HeldOut) -> Part:
    """The same zones and model fitted to `asked.targets` alone, and what the other targets change of the barriers.

    The change has its interval from provinces that are left out of both fits together: it takes neither fit's zones
    for independent, nor one fit for independent of the other.
    """
    fewer = _with_targets(of, asked.targets)
    poorer, anchor = searched(fewer, fewer.goal)
    folds = province_folds(fewer, fewer.goal, anchor)
    name = f"divide, from {' and '.join(asked.targets)} alone"
    alone = barriers(fewer, poorer, folds, name, asked.level)
    all_at, fewer_at = _positions(of), _positions(fewer)
    change = outcome.natural[all_at] - poorer.natural[fewer_at]
    matrix = jackknife_covariance(left_out.naturals[:, all_at] - folds.naturals[:, fewer_at])
    rows = _rows(of, "divide, change by the other targets", "provinces", change, matrix, asked.level)
    return Part(pd.concat([alone.rows, rows]), alone.notes)


def rotated(of: World, degrees: float, level: float) -> Part:
    """The divide turned by `degrees`, and everything fitted anew."""
    turned = changed(of, table=placebo.rotated(of.table, degrees))
    outcome, anchor = whole(turned, turned.goal)
    folds = province_folds(turned, turned.goal, anchor)
    return barriers(turned, outcome, folds, f"divide turned by {degrees:g} degrees", level)


def _with_targets(of: World, targets: tuple[str, ...]) -> World:
    """The same configuration fitted to `targets`."""
    fit = of.config.fit
    weights = {name: weight for name, weight in fit.weights.items() if name in targets}
    less = of.config.model_copy(update={"fit": fit.model_copy(update={"targets": targets, "weights": weights})})
    return changed(of, less)


def _positions(of: World) -> list[int]:
    names = [entry.name for entry in of.goal.registry.free]
    return [names.index(name) for name in _BARRIERS]


def _rows(of: World, protocol: str, source: str, values: np.ndarray, matrix: np.ndarray, level: float) -> pd.DataFrame:
    """Normal intervals of both directions and their mean, from a covariance [2, 2]."""
    z, rows = norm.ppf((1 + level) / 2), []
    for name, weights in _WEIGHTS.items():
        w = np.asarray(weights)
        value, se = float(w @ values), float(np.sqrt(w @ matrix @ w))
        stratum = f"{100 * level:g} % from the {source}"
        rows.append((protocol, stratum, MODEL, name, value, value - z * se, value + z * se, len(of.table.codes)))
    return pd.DataFrame(rows, columns=list(scores.COLUMNS))
