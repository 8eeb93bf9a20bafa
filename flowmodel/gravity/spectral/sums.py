"""Sums over pairs of cells: by convolution at every cell, or over all pairs at once."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.gravity.spectral.cells import Cells
from flowmodel.gravity.spectral.layout import Window
from flowmodel.gravity.spectral.mixture import Mixture
from flowmodel.gravity.spectral.plan import CROSSED, SAME
from flowmodel.gravity.spectral.spectra import Spectra
from flowmodel.gravity.spectral.transform import Field, Quarter, convolve, inner
from flowmodel.gravity.spectral.windows import share, windows

Forms = Float[Array, "kernel level side"]
"""Σ_oj left_o kernel_oj right_j of all pairs, then within one unit of each level; the same by signs of the sides."""


def weighted(mixture: Mixture, field: Field, cells: Cells, spectra: Spectra) -> Float[Array, "sum y x"]:
    """Σ_j S_oj w_j at every zone for each row of the mixture, in the precision of the spectra; zero at other cells."""
    dtype = spectra.whole.dtype
    mixture = jax.tree.map(lambda weight: weight.astype(dtype), mixture)
    field = field.astype(dtype)
    total = _weighted_whole(mixture, field, cells, spectra.whole)
    for window, jobs, quarter in zip(cells.layout.windows, cells.jobs, spectra.windows, strict=True):
        total = _add_windows(total, mixture, field, cells, window, jobs, quarter)
    return total


def forms(left: Field, right: Field, cells: Cells, kernels: tuple[Spectra, ...]) -> Forms:
    """The sums over pairs of every kernel, in float64 from transforms in the precision of the spectra."""
    dtype = kernels[0].whole.dtype
    left, right = left.astype(dtype), right.astype(dtype)
    total = jnp.zeros((len(kernels), len(cells.layout.levels) + 1, 2), float)
    total = total.at[:, 0].set(_whole_forms(left, right, cells, tuple(each.whole for each in kernels)))
    for index, (window, jobs) in enumerate(zip(cells.layout.windows, cells.jobs, strict=True)):
        quarters = tuple(each.windows[index] for each in kernels)
        total = _add_forms(total, left, right, cells, window, jobs, quarters)
    return total


def _whole(field: Field, cells: Cells) -> Field:
    """The window of all zones."""
    (top, left), (rows, columns) = cells.layout.corner, cells.layout.whole.shape
    return field[top : top + rows, left : left + columns]


def _weighted_whole(mixture: Mixture, field: Field, cells: Cells, quarter: Quarter) -> Float[Array, "sum y x"]:
    layout, side = cells.layout, _whole(cells.side, cells).astype(field.dtype)
    weight, zone = _whole(field, cells), jnp.abs(side)
    if layout.divided:
        crossed = mixture.crossed * convolve(weight * side, quarter, layout.whole) * side
        sums = mixture.same * convolve(weight * zone, quarter, layout.whole) * zone + crossed
    else:
        sums = convolve(weight * zone, quarter, layout.whole) * zone
    spread = _outer(mixture.levels[:, 0], sums)
    if layout.whole.shape == layout.shape:
        return spread
    return jax.lax.dynamic_update_slice(
        jnp.zeros((len(spread), *layout.shape), field.dtype), spread, (0, *layout.corner)
    )


def _add_windows(
    total: Array, mixture: Mixture, field: Field, cells: Cells, window: Window, jobs: Array, quarter: Quarter
) -> Float[Array, "sum y x"]:
    def step(total: Array, batch: Array) -> tuple[Array, None]:
        at = windows(cells, batch, window.shape, field.dtype)
        weight = mixture.levels[:, 1 + at.levels()].T * share(at.kinds(), mixture.same, mixture.crossed)[:, None]
        sums = convolve(at.take(field), quarter, window) * at.sign
        return at.add(total, weight[:, :, None, None] * sums[:, None]), None

    added: Array = jax.lax.scan(step, total, jobs)[0]
    return added


def _whole_forms(left: Field, right: Field, cells: Cells, quarters: tuple[Quarter, ...]) -> Float[Array, "kernel side"]:
    layout, side = cells.layout, _whole(cells.side, cells).astype(left.dtype)
    left, right = _whole(left, cells), _whole(right, cells)
    signs = (jnp.abs(side), side) if layout.divided else (jnp.abs(side),)
    found = [inner(left * sign, right * sign, quarters, layout.whole) for sign in signs]
    return jnp.stack([found[0], found[-1]], axis=1)


def _add_forms(
    total: Forms, left: Field, right: Field, cells: Cells, window: Window, jobs: Array, quarters: tuple[Quarter, ...]
) -> Forms:
    def step(total: Array, batch: Array) -> tuple[Array, None]:
        at = windows(cells, batch, window.shape, left.dtype)
        found = inner(at.take(left), at.take(right), quarters, window)
        level, kind = 1 + at.levels(), at.kinds()
        same, crossed = jnp.where(kind == CROSSED, 0, 1), jnp.where(kind == SAME, 0, 1)
        for number, counts in enumerate((same, crossed)):
            total = total.at[:, level, number].add(found * counts.astype(found.dtype)[None])
        return total, None

    added: Array = jax.lax.scan(step, total, jobs)[0]
    return added


def _outer(weights: Float[Array, " sum"], field: Field) -> Float[Array, "sum y x"]:
    return weights[:, None, None] * field[None]
