"""The logarithm, the exponential and the arc for many pairs, which take most of the time of a tile.

In float32 on a CPU they are polynomials for positive, normal numbers: XLA's functions handle every special value and
take three times as long. Other devices and float64 use XLA's. The coefficients are those of Chebyshev interpolation on
the ranges given, in powers of the variable.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_LOG = (1.00000096, -0.50001145, 0.333146738, -0.249082892, 0.204917596, -0.186807514, 0.119310544)
"""ln(1 + m) / m for 1 + m in [√½, √2]; largest error of the logarithm 4e-7."""
_POWER = (1.00000008, 0.693147207, 0.240221074, 0.0555032721, 0.0096760371, 0.00134004322)
"""2^r for r in [−½, ½]; largest relative error 1e-7."""
_ARC = (
    *(0.999999987, 0.166669932, 0.074868471, 0.0466362156, 0.0158279045, 0.0782289189, -0.0940462759),
    0.111960899,
)
"""arcsin(√s) / √s for s in [0, ½]; largest relative error 2e-8."""
_NEAR_ARC = (0.999999955, 0.166675658, 0.0747118164, 0.0479597266, 0.0137402308, 0.0574536263)
"""The same for s up to `NEAR`; largest relative error 5e-8."""
NEAR = 0.35
"""Largest squared sine of half an angle that `near_arc` takes: 72 degrees, 8,000 km on the earth."""

_SQUARE_ROOT_HALF = np.float32(np.sqrt(0.5)).view(np.int32)
_EXPONENT = np.int32(-(2**23))
"""Sign and exponent of a float32's bits."""


def log(x: Float[Array, ""]) -> Float[Array, ""]:
    """The natural logarithm of a positive, normal number; in float32 to 5e-7."""
    return _by_platform(x, _log, jnp.log)


@jax.custom_jvp
def exp(x: Float[Array, ""]) -> Float[Array, ""]:
    """e^x, x below 87; in float32 to 2e-7 plus the rounding of x itself, and no less than 2^−126."""
    return _by_platform(x, _exp, jnp.exp)


# JAX does not differentiate through the integer operations of the polynomial.
exp.defjvps(lambda tangent, value, x: tangent * value)


def arc(squared_sine: Float[Array, ""]) -> Float[Array, ""]:
    """arcsin(√s), s in [0, 1]; in float32 to a relative error of 2e-7."""
    return _by_platform(squared_sine, _arc, lambda s: jnp.arcsin(jnp.sqrt(jnp.minimum(s, 1))))


def near_arc(squared_sine: Float[Array, ""]) -> Float[Array, ""]:
    """The same for s in [0, `NEAR`], in less time."""
    polynomial = partial(_polynomial, _NEAR_ARC)
    return _by_platform(squared_sine, lambda s: jnp.sqrt(s) * polynomial(s), lambda s: jnp.arcsin(jnp.sqrt(s)))


def _by_platform(x: Array, cpu: Callable[[Array], Array], other: Callable[[Array], Array]) -> Array:
    if x.dtype != jnp.float32:
        return other(x)
    chosen: Array = jax.lax.platform_dependent(x, cpu=cpu, default=other)
    return chosen


def _log(x: Array) -> Array:
    """The logarithm of the exponent of the bits plus that of the mantissa, scaled to [√½, √2]."""
    bits = jax.lax.bitcast_convert_type(x, jnp.int32)
    exponent = (bits - _SQUARE_ROOT_HALF) & _EXPONENT
    mantissa = jax.lax.bitcast_convert_type(bits - exponent, jnp.float32) - 1
    powers = jax.lax.shift_right_arithmetic(exponent, jnp.int32(23)).astype(jnp.float32)
    return powers * np.float32(np.log(2)) + mantissa * _polynomial(_LOG, mantissa)


def _exp(x: Array) -> Array:
    """2^n by the bits' exponent times 2^r by the polynomial."""
    power = jnp.maximum(x * np.float32(1 / np.log(2)), -126)
    whole = jax.lax.round(power, jax.lax.RoundingMethod.TO_NEAREST_EVEN)
    part = jax.lax.bitcast_convert_type(_polynomial(_POWER, power - whole), jnp.int32)
    return jax.lax.bitcast_convert_type(part + (whole.astype(jnp.int32) << 23), jnp.float32)


def _arc(s: Array) -> Array:
    """By the smaller of the angle and its complement to a right angle."""
    small = jnp.minimum(s, 1 - s)
    angle = jnp.sqrt(jnp.maximum(small, 0)) * _polynomial(_ARC, small)
    return jnp.where(s > 0.5, np.float32(np.pi / 2) - angle, angle)


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + x.dtype.type(coefficient)
    return value
