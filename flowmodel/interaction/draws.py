"""Random integer flows drawn from fitted flows, optionally with given sums. NumPy on the host."""

from typing import Literal

import numpy as np

from flowmodel.errors import FlowsError
from flowmodel.interaction.scoring.blocks import check

Hold = Literal["total", "origin", "destination"]
Kind = Literal["multinomial", "poisson"]

_INTEGER = 1e-6
"""Largest relative difference of a held sum to an integer; margins of a fit have errors of about this size."""
_MOST_NAMED = 10


def draw(
    fitted: np.ndarray, allowed: np.ndarray, *, seed: int, hold: Hold | None, kind: Kind = "multinomial"
) -> np.ndarray:
    """Draws one table of integer flows with the fitted table as expectation, int64 [origin, destination].

    "poisson" draws every pair independently (`hold=None`). "multinomial" is the same distribution conditional on the
    fitted total, or on the fitted sum of each origin or each destination. The same seed of the generator PCG64 gives
    the same table with the same version of NumPy; use another one for each table. All pairs use one stream of random
    numbers, so an additional origin changes all draws.

    Raises:
        FlowsError: as `blocks.check`; E-FLOWS-HOLD, `hold` does not suit `kind`; E-FLOWS-WHOLE, the relative difference
            of a held sum to an integer exceeds 1e-6. Smaller differences are rounded.
    """
    check(allowed, fitted=fitted)
    if (kind == "poisson") != (hold is None):
        what = f'a draw of kind "{kind}" cannot hold {hold}'
        raise FlowsError("E-FLOWS-HOLD", what, 'set hold to None for "poisson", to a sum for "multinomial"')
    rng = np.random.Generator(np.random.PCG64(seed))
    mean = np.where(allowed, fitted, 0.0)
    if hold is None:
        return np.asarray(rng.poisson(mean))
    if hold == "destination":
        return _divided(rng, _integers(mean.sum(axis=0), hold), mean)
    leaving = mean.sum(axis=1)
    if hold == "total":
        origins = _divided(rng, _integers(leaving.sum()[None], hold), leaving[:, None])[:, 0]
    else:
        origins = _integers(leaving, hold)
    return np.ascontiguousarray(_divided(rng, origins, np.ascontiguousarray(mean.T)).T)


def _integers(sums: np.ndarray, hold: Hold) -> np.ndarray:
    """Sums rounded to integers, int64 [zone]; raises if they are not close to integers."""
    rounded = np.rint(sums)
    bad = np.flatnonzero(np.abs(sums - rounded) > _INTEGER * sums)
    if len(bad):
        named = ", ".join(f"{zone} ({sums[zone]:.10g})" for zone in bad[:_MOST_NAMED])
        more = f" and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        which = "the total" if hold == "total" else f"{len(bad)} {hold} sums (zones counted from 0)"
        fix = 'hold sums that the fit reproduces, such as "origin" with the constraint production, or draw "poisson"'
        raise FlowsError("E-FLOWS-WHOLE", f"not whole numbers: {which}: {named}{more}", fix)
    return np.asarray(rounded, np.int64)


def _divided(rng: np.random.Generator, people: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Multinomial draws of the people of each column over its rows, in proportion to weights, int64 [row, column].

    Rows are drawn as successive binomials: row i receives the share w_i / (w_i + w_{i+1} + …) of the remaining people.
    Cumulative sums from the end make this share exactly 1 in the last row with a positive weight, and 0 in rows without
    weight. NumPy's multinomial subtracts shares from 1, so rounding can assign people to a last row of weight 0
    (observed with 10¹⁵ people), and it draws one column at a time.
    """
    rest = np.cumsum(weight[::-1], axis=0)[::-1]
    drawn, left = np.zeros(weight.shape, np.int64), people.copy()
    for row, (own, all_left) in enumerate(zip(weight, rest, strict=True)):
        drawn[row] = rng.binomial(left, own / np.where(all_left > 0, all_left, 1.0))
        left -= drawn[row]
    return drawn
