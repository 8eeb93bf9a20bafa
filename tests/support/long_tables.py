"""Separation of rows of a long table with any number of columns of effects, by the code that serves tables of pairs."""

import numpy as np
import pandas as pd

from flowmodel.interaction.separation.directions import Design
from flowmodel.interaction.separation.rows import separated_rows


def separated(y, X, ids):  # noqa: N803
    """The rows that no finite Poisson pseudo-maximum-likelihood estimate fits, bool [rows].

    y: flows [rows]; X: covariates [rows, K] or None; ids: columns of effects [rows] in a list or table, or None. Beyond
    two columns of effects, those with fewest levels become dummies.
    """
    flows = np.asarray(y, float)
    covariates = np.zeros((len(flows), 0)) if X is None else np.asarray(X, float)
    columns = [] if ids is None else [ids[name] for name in ids] if isinstance(ids, pd.DataFrame) else ids
    effects = [(codes.astype(np.int32), len(levels)) for codes, levels in (pd.factorize(pd.Series(c)) for c in columns)]
    lost = np.zeros(len(flows), bool)  # rows of levels without a flow, whose constant alone can decrease
    for codes, levels in effects:
        lost |= (np.bincount(codes, flows > 0, minlength=levels) == 0)[codes]
    found = lost.copy()
    positive, zero = np.flatnonzero(flows > 0), np.flatnonzero((flows == 0) & ~lost)
    found[zero] = separated_rows(_design(covariates, effects), positive, zero)
    return found


def _design(covariates, effects):
    constant = (np.zeros(len(covariates), np.int32), 1)
    (first, levels), (second, others), *rest = sorted([*effects, constant, constant], key=lambda column: -column[1])

    def wide(rows):
        # The first level of each is in the span of the other effects.
        dummies = [codes[rows, None] == np.arange(1, count) for codes, count in rest]
        return np.concatenate([covariates[rows], *dummies], axis=1, dtype=np.float64)

    width = covariates.shape[1] + sum(count - 1 for _, count in rest)
    return Design((levels, others), width, lambda rows: (first[rows], second[rows]), wide)
