"""Whole persons drawn from fitted flows: seeded, and with the sums that the model holds held. NumPy on the host."""

from __future__ import annotations

from typing import Literal

import numpy as np

from flowmodel.errors import FlowsError
from flowmodel.interaction.scoring.blocks import check

Hold = Literal["total", "origin", "destination"]
Kind = Literal["multinomial", "poisson"]

_WHOLE = 1e-6
"""How far a held sum may be from a whole number, as a share of it: a fit meets its margins about as closely."""
_MOST_NAMED = 10


def draw(
    fitted: np.ndarray, allowed: np.ndarray, *, seed: int, hold: Hold | None, kind: Kind = "multinomial"
) -> np.ndarray:
    """One table of whole persons whose expectation is the fitted table, int64 [origin, destination].

    "poisson" draws every pair by itself and holds nothing (`hold=None`). "multinomial" is the same given that the
    total, or the sum of each origin or each destination, is as fitted. The same seed gives the same table, everywhere
    PCG64 and NumPy's binomial are the same. All pairs share one stream: a table with one origin more is another draw.

    Args:
        fitted: persons [origin, destination].
        allowed: which pairs exist, bool [origin, destination]; elsewhere nobody is drawn.
        seed: of PCG64; a table drawn again for a bootstrap takes a seed of its own.
        hold: what is held, for "multinomial".
        kind: which distribution.

    Raises:
        FlowsError: as `blocks.check`; E-FLOWS-HOLD for a sum to hold that the kind does not, or none; E-FLOWS-WHOLE for
            held sums that are no whole numbers to a millionth of themselves (half a million people are, whatever their
            fraction). What is less is rounded away.
    """
    check(allowed, fitted=fitted)
    if (kind == "poisson") != (hold is None):
        what = f'a draw of kind "{kind}" cannot hold {hold}'
        raise FlowsError("E-FLOWS-HOLD", what, 'hold None with "poisson", a sum with "multinomial"')
    rng = np.random.Generator(np.random.PCG64(seed))
    mean = np.where(allowed, fitted, 0.0)
    if hold is None:
        return np.asarray(rng.poisson(mean))
    if hold == "destination":
        return _divided(rng, _whole(mean.sum(axis=0), hold), mean)
    leaving = mean.sum(axis=1)
    if hold == "total":
        origins = _divided(rng, _whole(leaving.sum()[None], hold), leaving[:, None])[:, 0]
    else:
        origins = _whole(leaving, hold)
    return np.ascontiguousarray(_divided(rng, origins, np.ascontiguousarray(mean.T)).T)


def _whole(sums: np.ndarray, hold: Hold) -> np.ndarray:
    """Sums as whole numbers, int64 [zone], if they are."""
    rounded = np.rint(sums)
    bad = np.flatnonzero(np.abs(sums - rounded) > _WHOLE * sums)
    if len(bad):
        named = ", ".join(f"{zone} ({sums[zone]:.10g})" for zone in bad[:_MOST_NAMED])
        more = f" and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        which = "the total" if hold == "total" else f"{len(bad)} {hold} sums (zones counted from 0)"
        fix = 'hold sums that the model meets, such as "origin" after a production-constrained fit, or draw "poisson"'
        raise FlowsError("E-FLOWS-WHOLE", f"not whole numbers: {which}: {named}{more}", fix)
    return np.asarray(rounded, np.int64)


def _divided(rng: np.random.Generator, people: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """People of each column divided among its rows at random, in proportion to weights, int64 [row, column].

    A multinomial as binomials one after another: of those not yet placed, row i takes the share w_i / (w_i + w_{i+1} +
    …). Sums from the end make that share exactly 1 at the last row with any weight and 0 at rows without. Taking shares
    off 1 from the start, as NumPy's multinomial does, can leave somebody for the last row by rounding, even where its
    weight is 0 (seen with 10¹⁵ people); it also draws one column at a time.
    """
    rest = np.cumsum(weight[::-1], axis=0)[::-1]
    drawn, left = np.zeros(weight.shape, np.int64), people.copy()
    for row, (own, all_left) in enumerate(zip(weight, rest, strict=True)):
        drawn[row] = rng.binomial(left, own / np.where(all_left > 0, all_left, 1.0))
        left -= drawn[row]
    return drawn
