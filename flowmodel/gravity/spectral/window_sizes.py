"""Window sizes for units: each size is compiled once, and every unit is convolved in a window that holds it."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from flowmodel.gravity.spectral.layout import Shape, Window, fast_length, window

Rows = NDArray[np.int64]

_BATCH_CELLS = 2**18
"""Number of cells of the tori that are transformed together: a few MB, which fit a core's cache."""
_STEP = 1.15
"""Ratio of the sizes to which shapes are first rounded up, because merging compares every two of them."""


def boxes(labels: NDArray[np.int32]) -> Rows:
    """The bounding boxes of the units, one per row: unit, first row, first column, rows, columns.

    The labels [y, x] are units from 0 on, negative where there is none. A unit may have several parts.
    """
    boxes = enumerate(ndimage.find_objects(labels + 1))
    rows = [(unit, *(s.start for s in box), *(s.stop - s.start for s in box)) for unit, box in boxes if box is not None]
    return np.array(rows, np.int64).reshape(-1, 5)


def window_sizes(sizes: NDArray[np.int64], grid: Shape, most: int) -> tuple[list[Window], NDArray[np.int64]]:
    """At most `most` windows that hold all sizes at little cost, and the index of the window of each size.

    The sizes [size, 2] are rows and columns. No window exceeds the `grid`.
    """
    ladder = _ladder(max(grid))
    rounded = np.minimum(ladder[np.searchsorted(ladder, sizes)], grid)
    shapes, of, counts = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    merged = _merged(shapes, counts, most)
    kept, chosen = np.unique(merged, return_inverse=True)
    largest = [shapes[merged == group].max(axis=0) for group in kept]
    members = np.bincount(chosen, weights=counts).astype(int).tolist()
    alone = [window((int(y), int(x))) for y, x in largest]
    batches = [max(1, min(n, _BATCH_CELLS // math.prod(one.padded))) for one, n in zip(alone, members, strict=True)]
    windows = [dataclasses.replace(one, batch=batch) for one, batch in zip(alone, batches, strict=True)]
    return windows, chosen[of.ravel()]


def _ladder(largest: int) -> Rows:
    steps = [1]
    while steps[-1] < largest:
        steps.append(max(steps[-1] + 1, fast_length(int(steps[-1] * _STEP))))
    return np.array(steps)


def _merged(shapes: Rows, counts: Rows, most: int) -> Rows:
    """The group of every shape, named by one of its shapes: merges the two with the cheapest union, repeatedly."""
    group = np.arange(len(shapes))
    size, count = shapes.copy(), counts.copy()
    alive = np.ones(len(shapes), bool)
    while alive.sum() > most:
        at = np.flatnonzero(alive)
        area = size[at].prod(axis=1)
        union = np.maximum(size[at, None], size[None, at]).prod(axis=2)
        cost = count[at, None] * (union - area[:, None]) + count[None, at] * (union - area[None, :])
        first, second = np.triu_indices(len(at), 1)
        best = np.argmin(cost[first, second])
        keep, gone = at[first[best]], at[second[best]]
        size[keep], count[keep] = np.maximum(size[keep], size[gone]), count[keep] + count[gone]
        alive[gone], group[group == gone] = False, keep
    return group
