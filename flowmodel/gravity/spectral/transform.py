"""Convolution on a padded torus, one dimension after the other, so that no array is padded in both dimensions.

Rows are transformed first, only those that are not padding; then columns, in blocks that stay in cache: each is padded,
transformed, multiplied by the kernel's spectrum and transformed back. The spectrum of an even kernel is real and even:
a quarter of it is kept, as [column frequency, row frequency].
"""

import math
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.lax import FftType
from jaxtyping import Array, Complex, Float

from flowmodel.gravity.spectral.layout import Window

Field = Float[Array, "*batch y x"]
Sums = Float[Array, "kernel *batch"]
Half = Complex[Array, "*batch y frequency"]
Down = Complex[Array, "*batch frequency frequency"]
Quarter = Float[Array, "frequency frequency"]
Real = Float[Array, "frequency frequency"]

State = TypeVar("State")

_BLOCK_CELLS = 2**18
"""Numbers in a block of columns: 4 MB of complex128, which stay in cache together with the result."""


def convolve(field: Field, quarter: Quarter, window: Window) -> Field:
    """Σ over the window of kernel(lag) · field, at every cell of the window; in the precision of `quarter`."""
    rows, torus = window.shape[0], window.padded[0]

    def block(half: Half, start: Array | int, width: int) -> Half:
        columns = _down(_columns(half, start, width), torus)
        columns = _times(columns, _mirrored(quarter, start, width, torus))
        back = jnp.swapaxes(jax.lax.fft(columns, FftType.IFFT, (torus,))[..., :rows], -1, -2)
        return jax.lax.dynamic_update_slice_in_dim(half, back, start, axis=-1)

    half = _over_blocks(block, _along(field, window), window, math.prod(field.shape[:-2]))
    whole: Field = jax.lax.fft(half, FftType.IRFFT, (window.padded[1],))
    return whole[..., : window.shape[1]]


def inner(left: Field, right: Field, quarters: tuple[Quarter, ...], window: Window) -> Sums:
    """Σ over pairs of cells of left_o kernel(lag) right_j for every kernel: Parseval's sum, with no transform back."""
    one, other = _along(left, window), _along(right, window)
    torus, fields = window.padded[0], 2 * math.prod(left.shape[:-2])

    def block(total: Array, start: Array | int, width: int) -> Array:
        product = _down(_columns(one, start, width), torus).conj() * _down(_columns(other, start, width), torus)
        # A frequency and its opposite, which is not kept, have conjugate products.
        real = product.real * _spread(_multiplicity(start, width, window.padded[1], torus), product)
        spectra = [_spread(_mirrored(quarter, start, width, torus), product) for quarter in quarters]
        return total + jnp.stack([jnp.sum((real * each).astype(float), axis=(-1, -2)) for each in spectra])

    total = _over_blocks(block, jnp.zeros((len(quarters), *left.shape[:-2]), float), window, fields)
    return total / (torus * window.padded[1])


def _along(field: Field, window: Window) -> Half:
    """The transform along rows, of the rows that are not padding."""
    width = window.padded[1]
    padding = [(0, 0)] * (field.ndim - 1) + [(0, width - field.shape[-1])]
    half: Half = jax.lax.fft(jnp.pad(field, padding), FftType.RFFT, (width,))
    return half


def _columns(half: Half, start: Array | int, width: int) -> Complex[Array, "*batch frequency y"]:
    return jnp.swapaxes(jax.lax.dynamic_slice_in_dim(half, start, width, axis=-1), -1, -2)


def _down(columns: Complex[Array, "*batch frequency y"], torus: int) -> Down:
    padding = [(0, 0)] * (columns.ndim - 1) + [(0, torus - columns.shape[-1])]
    down: Down = jax.lax.fft(jnp.pad(columns, padding), FftType.FFT, (torus,))
    return down


def _mirrored(quarter: Quarter, start: Array | int, width: int, torus: int) -> Real:
    """Rows of the spectrum at all frequencies from 0 to `torus` - 1."""
    return mirrored(jax.lax.dynamic_slice_in_dim(quarter, start, width), torus)


def mirrored(half: Float[Array, "... half"], length: int) -> Float[Array, "... length"]:
    """A sequence that is even around 0 on a ring of `length`, from its first half."""
    back = half[..., 1 : length - half.shape[-1] + 1]
    return jnp.concatenate([half, jnp.flip(back, axis=-1)], axis=-1)


def _multiplicity(start: Array | int, width: int, across: int, down: int) -> Real:
    """The number of frequencies across, one or two, that a kept one represents; the same for all frequencies down."""
    frequency = start + jax.lax.broadcasted_iota(int, (width, down), 0)
    return jnp.where((frequency == 0) | (2 * frequency == across), 1, 2)


def _times(columns: Down, real: Real) -> Down:
    factor = _spread(real, columns)
    product: Down = jax.lax.complex(columns.real * factor, columns.imag * factor)
    return product


def _spread(real: Real, like: Down) -> Float[Array, "*batch frequency frequency"]:
    return jnp.broadcast_to(real, like.shape).astype(like.real.dtype)


def _over_blocks(block: Callable[[State, Array | int, int], State], state: State, window: Window, fields: int) -> State:
    """`block` over all columns, as many at a time as fit; the last may be narrower."""
    columns = window.padded[1] // 2 + 1
    width = min(columns, max(1, _BLOCK_CELLS // (window.padded[0] * fields)))
    full, rest = divmod(columns, width)
    if full > 1:
        state = jax.lax.fori_loop(0, full, lambda i, at: block(at, i * width, width), state)
    else:
        state = block(state, 0, width)
    return block(state, full * width, rest) if rest else state
