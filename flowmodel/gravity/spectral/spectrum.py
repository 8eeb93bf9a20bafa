"""The spectra of distance decay on the tori of a layout: a real quarter of each, computed once per parameter set."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.lax import FftType
from jaxtyping import Array, Float

from flowmodel.gravity.decay import Distance, Law, of_log
from flowmodel.gravity.distance import REFERENCE_KM
from flowmodel.gravity.spectral.layout import Layout, Window
from flowmodel.gravity.spectral.transform import Quarter, mirrored

_BLOCK_CELLS = 2**20
"""Numbers of a block of rows."""

Rule = Callable[[Float[Array, "..."]], Float[Array, "..."]]
"""The weight of a pair of cells by its positive distance in km."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Spectra:
    """The spectrum on the torus of `layout.whole` and of each of `layout.windows`."""

    whole: Quarter
    windows: tuple[Quarter, ...]


def spectra(rule: Rule, layout: Layout, dtype: Any) -> Spectra:
    """The spectra of the decay `rule`."""
    whole, *windows = (quarter(rule, window, layout.cell_km, dtype) for window in (layout.whole, *layout.windows))
    return Spectra(whole, tuple(windows))


def decay(law: Law, coefficient: Float[Array, " decay"], offset_km: Float[Array, ""]) -> Rule:
    """F(d + d0) of a decay law."""
    return lambda distance: jnp.exp(law.ln(tuple(coefficient), _of(distance, offset_km)))


def decay_slope(law: Law, index: int, coefficient: Float[Array, " decay"], offset_km: Float[Array, ""]) -> Rule:
    """The same times its term of number `index`: its derivative with respect to that coefficient."""

    def rule(distance: Array) -> Array:
        of, c = _of(distance, offset_km), tuple(coefficient)
        return jnp.exp(law.ln(c, of)) * law.slopes(c, of)[index]

    return rule


def _of(distance: Array, offset_km: Array) -> Distance:
    return of_log(jnp.log((distance + offset_km) / REFERENCE_KM))


def quarter(rule: Rule, window: Window, cell_km: float, dtype: Any) -> Quarter:
    """The spectrum of `rule` on the torus of a window, zero for a cell with itself; transformed in `dtype`.

    It is a cosine transform of the first kind in both dimensions, computed by real transforms of mirrored rows. A
    transform in float64 would not improve products in float32, and a TPU has none.
    """
    down, across = (jnp.arange(length // 2 + 1, dtype=float) * cell_km for length in window.padded)

    def row(lag: Array) -> Array:
        distance = jnp.hypot(lag, across)
        return _even(jnp.where(distance > 0, rule(distance), 0.0).astype(dtype), window.padded[1])

    rows = _in_blocks(row, down, window.padded[1])
    return _in_blocks(lambda column: _even(column, window.padded[0]), rows.T, window.padded[0])


def _even(half: Float[Array, " half"], length: int) -> Float[Array, " half"]:
    """The transform of an even sequence on a ring of `length`; it is real and even."""
    whole: Array = jax.lax.fft(mirrored(half, length), FftType.RFFT, (length,))
    return whole.real


def _in_blocks(row: Callable[[Array], Array], rows: Array, length: int) -> Array:
    mapped: Array = jax.lax.map(row, rows, batch_size=max(1, min(len(rows), _BLOCK_CELLS // length)))
    return mapped
