"""The operator K over the cells of a grid, without a matrix of pairs: `matvec` is K @ w, `rmatvec` is K.T @ v.

S is a mixture of convolutions (`mixture`). The error of a transform has the same size everywhere, a few ε of |decay|
times |weights|: in float32 the product of the most remote cell may be off by a millionth where β is 1, and by
thousandths where it is 4. A derivative calls the operator again and keeps nothing of the size of a torus.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.errors import ConfigError
from flowmodel.gravity import pair
from flowmodel.gravity.barriers import BARRIERS, divide_tilt
from flowmodel.gravity.decay import LAWS, POWER, Law
from flowmodel.gravity.spectral import mixture, spectrum, sums
from flowmodel.gravity.spectral.plan import Plan
from flowmodel.gravity.spectral.spectrum import Spectra, spectra
from flowmodel.parameters.registry import Parameters

Columns = Float[Array, "*column y x"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Ground:
    """The inputs of products that have no derivative: the cells, and the spectra of distance decay by its law."""

    cells: Plan
    decay: Spectra
    offset_km: Float[Array, ""]
    law: Law = dataclasses.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Spectral:
    """The operator K = diag(exp -t) S diag(exp t), t the tilt on the south-eastern side of the divide, zero elsewhere.

    Cells outside of all zones neither send nor receive people.
    """

    coefficient: Float[Array, " coefficient"]
    tilt: Float[Array, ""]
    ground: Ground

    def matvec(self, weight: Columns) -> Columns:
        """K @ weight: Σ_j K_oj w_j of every origin."""
        return self.tilted(_product(self.coefficient, self.tilted(weight, 1), self.ground), -1)

    def rmatvec(self, weight: Columns) -> Columns:
        """K.T @ weight: Σ_o v_o K_oj of every destination."""
        return self.tilted(_product(self.coefficient, self.tilted(weight, -1), self.ground), 1)

    def contract(self, left: Columns, right: Columns) -> Float[Array, " coefficient"]:
        """Σ_oj (Σ_c left_co right_cj) S_oj φ_k(o, j) for every coefficient of `pair.coefficients`."""
        return _contract(self.coefficient, left, right, self.ground)

    def matvec_by_band(self, weight: Float[Array, "y x"]) -> Float[Array, "band y x"]:
        """Σ_j K_oj w_j of every origin, over the pairs of each of `mixture.BANDS`."""
        levels = self.ground.cells.layout.levels
        bands = mixture.by_band(self.coefficient, levels)
        found = sums.weighted(bands, self.tilted(weight, 1), self.ground.cells, self.ground.decay)
        return self.tilted(found.astype(weight.dtype), -1)

    def rmatvec_by_band(self, weight: Float[Array, "y x"]) -> Float[Array, "band y x"]:
        """Σ_o v_o K_oj of every destination, over the pairs of each of `mixture.BANDS`."""
        return dataclasses.replace(self, tilt=-self.tilt).matvec_by_band(weight)

    def tilted(self, weight: Columns, sign: int) -> Columns:
        """The weight times exp(sign · tilt) on the south-eastern side of the divide."""
        east = jnp.broadcast_to(self.ground.cells.side > 0, weight.shape)
        return weight * jnp.where(east, jnp.exp(sign * self.tilt), 1.0).astype(weight.dtype)


def build(
    parameters: Parameters, cells: Plan, offset_km: Float[Array, ""], dtype: Any = jnp.float64, law: Law = POWER
) -> Spectral:
    """The operator of a parameter set of the county model, with the internal distance d0 and transforms in `dtype`.

    Raises:
        ConfigError: E-LAW-SPECTRAL, the law is no function of distance alone, so that it has no convolution.
    """
    if not isinstance(law, Law):
        what = f"law {getattr(law, 'name', law)} is no function of distance alone; cells of a grid need a convolution"
        raise ConfigError("E-LAW-SPECTRAL", what, f"choose among {', '.join(LAWS)}")
    coefficient = pair.coefficients(parameters)
    tilt = divide_tilt(parameters.barriers, jnp.ones((), bool))
    # The derivative with respect to distance decay is the rule of `_product`, which does not go through the spectra.
    still = jax.lax.stop_gradient
    rule = spectrum.decay(law, still(coefficient[: -len(BARRIERS)]), still(offset_km))
    decay = spectra(rule, cells.layout, dtype)
    return Spectral(coefficient, tilt, Ground(cells, decay, still(offset_km), law))


@jax.custom_vjp
def _product(coefficient: Float[Array, " coefficient"], columns: Columns, ground: Ground) -> Columns:
    """S @ columns, in their precision."""
    whole = mixture.all_pairs(coefficient, ground.cells.layout.levels)

    def product(field: Array) -> Array:
        return sums.weighted(whole, field, ground.cells, ground.decay)[0].astype(columns.dtype)

    return _each(product, columns)


def _forward(coefficient: Array, columns: Columns, ground: Ground) -> tuple[Columns, tuple[Array, Columns, Ground]]:
    return _product(coefficient, columns, ground), (coefficient, columns, ground)


def _backward(residual: tuple[Array, Columns, Ground], cotangent: Columns) -> tuple[Array, Columns, None]:
    coefficient, columns, ground = residual
    slope = _contract(coefficient, cotangent, columns, ground)
    return slope.astype(coefficient.dtype), _product(coefficient, cotangent, ground), None


_product.defvjp(_forward, _backward)


def _contract(
    coefficient: Float[Array, " coefficient"], left: Columns, right: Columns, ground: Ground
) -> Float[Array, " coefficient"]:
    levels = ground.cells.layout.levels
    decay = coefficient[: -len(BARRIERS)]
    slopes = (spectrum.decay_slope(ground.law, k, decay, ground.offset_km) for k in range(len(decay)))
    found = _forms(left, right, ground, tuple(slopes))
    of_all, of_parted = (_evaluate(rule(coefficient, levels), found)[0] for rule in (mixture.all_pairs, mixture.parted))
    of_bands = _evaluate(mixture.by_band(coefficient, levels), found)[:, 0]
    return jnp.stack([*of_all[1:], of_bands[2], of_bands[0], of_parted[0]])


def _forms(left: Columns, right: Columns, ground: Ground, rules: tuple[spectrum.Rule, ...]) -> sums.Forms:
    """The sums for distance decay and for its products with terms, whose spectra are computed here."""
    made = tuple(spectra(rule, ground.cells.layout, ground.decay.whole.dtype) for rule in rules)

    def form(pair: tuple[Array, Array]) -> Array:
        return sums.forms(*pair, ground.cells, (ground.decay, *made))

    return jnp.sum(jax.lax.map(form, (_flat(left), _flat(right))), axis=0)


def _evaluate(weights: mixture.Mixture, found: sums.Forms) -> Float[Array, "sum kernel"]:
    sides = jnp.stack([weights.same, weights.crossed])
    return jnp.einsum("sl,kld,d->sk", weights.levels, found, sides, precision="highest")


def _flat(columns: Columns) -> Float[Array, "column y x"]:
    return columns.reshape(-1, *columns.shape[-2:])


def _each(rule: Callable[[Array], Array], columns: Columns) -> Columns:
    if columns.ndim == 2:
        return rule(columns)
    mapped: Array = jax.lax.map(rule, _flat(columns))
    return mapped.reshape(columns.shape)
