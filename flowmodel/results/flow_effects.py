"""The dual potentials of a fit to a flow table, centred, with standard errors, and the level that this takes off."""

import numpy as np
import pandas as pd

from flowmodel.interaction.calibrate import Calibrated
from flowmodel.interaction.inference import effect_covariance

_MOST_EFFECTS = 4000
"""Two-way effects of which standard errors are made: a dense matrix of so many rows is inverted."""


def effects(fit: Calibrated) -> pd.DataFrame:
    """The dual potentials of the constraint, centred on each side: side, zone, effect, se, status.

    A doubly constrained model knows only differences within a side. Standard errors are the model's, of the centred
    effects; above 4,000 effects there are none. A zone of which no pair took part has the status "left_out".
    """
    design = fit.built.design
    sides = [
        (side, labels, np.asarray(values), np.any(fit.in_fit, axis=axis))
        for side, labels, values, axis, has in (
            ("origin", fit.table.origins, fit.optimum.at.origin, 1, design.origin_effects),
            ("destination", fit.table.destinations, fit.optimum.at.destination, 0, design.destination_effects),
        )
        if has
    ]
    errors = _effect_errors(fit, [in_fit for *_, in_fit in sides])
    scale = fit.pearson**0.5 if fit.specification.family == "quasi_poisson" else 1.0
    scale = scale if fit.optimum.converged else np.nan
    frames = [
        pd.DataFrame(
            {
                "side": side,
                "zone": labels,
                "effect": np.where(in_fit, values - values[in_fit].mean(), np.nan),
                "se": error * scale,
                "status": np.where(in_fit, "fitted", "left_out"),
            }
        )
        for (side, labels, values, in_fit), error in zip(sides, errors, strict=True)
    ]
    columns = ["side", "zone", "effect", "se", "status"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def _effect_errors(fit: Calibrated, in_fit: list[np.ndarray]) -> list[np.ndarray]:
    """Standard errors of effects less their mean, by side."""
    if len(in_fit) == 1:
        return [_one_sided(fit, in_fit[0])]
    sizes = [len(one) for one in in_fit]
    if sum(sizes) > _MOST_EFFECTS:
        return [np.full(size, np.nan) for size in sizes]
    whole = effect_covariance(fit.built.design, fit.optimum.sums, fit.bread)
    starts = np.cumsum([0, *sizes])
    return [
        _centred(whole[start : start + size, start : start + size], one)
        for start, size, one in zip(starts, sizes, in_fit, strict=False)
    ]


def _one_sided(fit: Calibrated, in_fit: np.ndarray) -> np.ndarray:
    """Without effects of the other side E is diagonal: var of e_i − ē is (1 − 2/n) / w_i + Σ 1/w / n² + p̃ᵀ S⁻¹ p̃."""
    design = fit.built.design
    axis, projections = (
        (1, fit.bread.projections.origin) if design.origin_effects else (0, fit.bread.projections.destination)
    )
    apart = 1 / np.asarray(fit.optimum.sums.weight).sum(axis=axis)[in_fit]
    number = len(apart)
    tilted = np.asarray(projections)[:, in_fit]
    tilted = tilted - tilted.mean(axis=1, keepdims=True)
    shared = (
        np.einsum("kn,kn->n", tilted, np.linalg.solve(np.asarray(fit.bread.information), tilted)) if len(tilted) else 0
    )
    found = np.full(len(in_fit), np.nan)
    found[in_fit] = np.sqrt((1 - 2 / number) * apart + apart.sum() / number**2 + shared)
    return found


def _centred(covariance: np.ndarray, in_fit: np.ndarray) -> np.ndarray:
    block = covariance[np.ix_(in_fit, in_fit)]
    less = np.eye(len(block)) - 1 / len(block)
    found = np.full(len(in_fit), np.nan)
    found[in_fit] = np.sqrt(np.diag(less @ block @ less.T).clip(0))
    return found


def level(fit: Calibrated) -> float | None:
    """What η has besides columns, the law's factor and the centred effects; None where the constant contains it."""
    design = fit.built.design
    if not (design.origin_effects or design.destination_effects):
        return None
    in_fit = fit.in_fit
    found = -float(
        np.sum(np.asarray(fit.optimum.at.coefficients)[: len(fit.built.means)] * fit.built.means / fit.built.deviations)
    )
    if design.origin_effects:
        found += float(np.asarray(fit.optimum.at.origin)[np.any(in_fit, axis=1)].mean())
    if design.destination_effects:
        found += float(np.asarray(fit.optimum.at.destination)[np.any(in_fit, axis=0)].mean())
    return found
