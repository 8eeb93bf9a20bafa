"""Sums over pairs of cells: by convolution at every cell, or over all pairs at once.

The window of all zones comes first. Then come the windows of units in batches; of each batch, `jobs` are the rows of
`Plan.jobs`, and `sign` is 0 outside of the unit and within it the side of the divide where that is convolved, else 1.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.gravity.spectral.layout import Shape, Window
from flowmodel.gravity.spectral.mixture import Mixture
from flowmodel.gravity.spectral.plan import CROSSED, SAME, Plan
from flowmodel.gravity.spectral.spectrum import Spectra
from flowmodel.gravity.spectral.transform import Field, Quarter, convolve, inner

Forms = Float[Array, "kernel level side"]
"""Σ_oj left_o kernel_oj right_j of all pairs, then within one unit of each level; the same by signs of the sides."""

Jobs = Int[Array, "batch job"]


def weighted(mixture: Mixture, field: Field, cells: Plan, spectra: Spectra) -> Float[Array, "sum y x"]:
    """Σ_j S_oj w_j at every zone for each row of the mixture, in the precision of the spectra; zero at other cells."""
    dtype = spectra.whole.dtype
    mixture = jax.tree.map(lambda weight: weight.astype(dtype), mixture)
    field = field.astype(dtype)
    total = _weighted_whole(mixture, field, cells, spectra.whole)
    for window, jobs, quarter in zip(cells.layout.windows, cells.jobs, spectra.windows, strict=True):
        total = _add_windows(total, mixture, field, cells, window, jobs, quarter)
    return total


def forms(left: Field, right: Field, cells: Plan, kernels: tuple[Spectra, ...]) -> Forms:
    """The sums over pairs of every kernel, in float64 from transforms in the precision of the spectra."""
    dtype = kernels[0].whole.dtype
    left, right = left.astype(dtype), right.astype(dtype)
    total = jnp.zeros((len(kernels), len(cells.layout.levels) + 1, 2), float)
    total = total.at[:, 0].set(_whole_forms(left, right, cells, tuple(each.whole for each in kernels)))
    for index, (window, jobs) in enumerate(zip(cells.layout.windows, cells.jobs, strict=True)):
        quarters = tuple(each.windows[index] for each in kernels)
        total = _add_forms(total, left, right, cells, window, jobs, quarters)
    return total


def _whole(field: Field, cells: Plan) -> Field:
    """The window of all zones."""
    (top, left), (rows, columns) = cells.layout.corner, cells.layout.whole.shape
    return field[top : top + rows, left : left + columns]


def _weighted_whole(mixture: Mixture, field: Field, cells: Plan, quarter: Quarter) -> Float[Array, "sum y x"]:
    layout, side = cells.layout, _whole(cells.side, cells).astype(field.dtype)
    weight, zone = _whole(field, cells), jnp.abs(side)
    if layout.divided:
        crossed = mixture.crossed * convolve(weight * side, quarter, layout.whole) * side
        sums = mixture.same * convolve(weight * zone, quarter, layout.whole) * zone + crossed
    else:
        sums = convolve(weight * zone, quarter, layout.whole) * zone
    spread = mixture.levels[:, 0, None, None] * sums[None]
    if layout.whole.shape == layout.shape:
        return spread
    empty = jnp.zeros((len(spread), *layout.shape), field.dtype)
    return jax.lax.dynamic_update_slice(empty, spread, (0, *layout.corner))


def _add_windows(
    total: Array, mixture: Mixture, field: Field, cells: Plan, window: Window, jobs: Array, quarter: Quarter
) -> Float[Array, "sum y x"]:
    same, crossed = mixture.same, mixture.crossed

    def step(total: Array, batch: Jobs) -> tuple[Array, None]:
        sign, kind = _signs(cells, batch, window.shape, field.dtype), batch[:, 4]
        # A or B where the divide cuts the unit, else their sum.
        share = jnp.where(kind == SAME, same, jnp.where(kind == CROSSED, crossed, same + crossed))
        weight = mixture.levels[:, 1 + batch[:, 0]].T * share[:, None]
        sums = convolve(_cut_out(field, batch, window.shape) * sign, quarter, window) * sign
        return _added(total, batch, weight[:, :, None, None] * sums[:, None]), None

    added: Array = jax.lax.scan(step, total, jobs)[0]
    return added


def _whole_forms(left: Field, right: Field, cells: Plan, quarters: tuple[Quarter, ...]) -> Float[Array, "kernel side"]:
    layout, side = cells.layout, _whole(cells.side, cells).astype(left.dtype)
    left, right = _whole(left, cells), _whole(right, cells)
    signs = (jnp.abs(side), side) if layout.divided else (jnp.abs(side),)
    found = [inner(left * sign, right * sign, quarters, layout.whole) for sign in signs]
    return jnp.stack([found[0], found[-1]], axis=1)


def _add_forms(
    total: Forms, left: Field, right: Field, cells: Plan, window: Window, jobs: Array, quarters: tuple[Quarter, ...]
) -> Forms:
    def step(total: Array, batch: Jobs) -> tuple[Array, None]:
        sign = _signs(cells, batch, window.shape, left.dtype)
        one, other = (_cut_out(field, batch, window.shape) * sign for field in (left, right))
        found = inner(one, other, quarters, window)
        for number, omitted in enumerate((CROSSED, SAME)):
            counts = jnp.where(batch[:, 4] == omitted, 0, 1).astype(found.dtype)
            total = total.at[:, 1 + batch[:, 0], number].add(found * counts[None])
        return total, None

    added: Array = jax.lax.scan(step, total, jobs)[0]
    return added


def _signs(cells: Plan, jobs: Jobs, shape: Shape, dtype: jnp.dtype) -> Float[Array, "batch y x"]:
    slice_ = jax.lax.dynamic_slice
    inside = _over(lambda job: slice_(cells.labels, (job[0], job[1], job[2]), (1, *shape))[0] == job[3], jobs)
    crossed = jnp.broadcast_to((jobs[:, 4] == CROSSED)[:, None, None], inside.shape)
    sign = jnp.where(crossed, _cut_out(cells.side, jobs, shape), jnp.ones((), cells.side.dtype))
    return jnp.where(inside, sign, 0).astype(dtype)


def _cut_out(array: Array, jobs: Jobs, shape: Shape) -> Float[Array, "batch y x"]:
    return _over(lambda job: jax.lax.dynamic_slice(array, (job[1], job[2]), shape), jobs)


def _over(rule: Callable[[Array], Array], jobs: Jobs) -> Array:
    mapped: Array = jax.vmap(rule)(jobs)
    return mapped


def _added(total: Float[Array, "sum y x"], jobs: Jobs, parts: Float[Array, "batch sum y x"]) -> Array:
    """`total` with the windows added where they lie, one after another, since windows overlap."""

    def one(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
        corner = (jnp.zeros((), part[0].dtype), part[0][1], part[0][2])
        old = jax.lax.dynamic_slice(total, corner, part[1].shape)
        return jax.lax.dynamic_update_slice(total, old + part[1], corner), None

    added: Array = jax.lax.scan(one, total, (jobs, parts))[0]
    return added
