"""Decay laws: the logarithm of a pair's strength as a function of distance, ln f(d; θ).

The yearly model and the model of flow tables take every law from `LAWS`; a new law is one entry there. In the yearly
model, d is the great-circle distance plus the internal distance d0, in units of 300 km; in flow tables it is the
distance of the pair in km. A law is linear in its coefficients (`terms`), or a function of a user (see `chosen_law`).

Sign: coefficients are those of the utility, ln f = Σ_k c_k φ_k(d). Flow tables report c; a parameter of the yearly
model is −c.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from flowmodel.gravity.distance import REFERENCE_KM
from flowmodel.parameters.registry import Parameter


class Distance(NamedTuple):
    """The distance of one pair, in units of `REFERENCE_KM` in the yearly model, in km in flow tables; and its ln."""

    value: Array
    ln: Array


def of_km(km: Array) -> Distance:
    """A distance in km."""
    return Distance(km, jnp.log(km))


def of_log(ln: Array, exp: Callable[[Array], Array] = jnp.exp) -> Distance:
    """A distance of which the logarithm ln((d + d0) / 300 km) is known; `exp` is an exponential for its precision."""
    return Distance(exp(ln), ln)


Rule = Callable[[Distance], Array]


@dataclasses.dataclass(frozen=True)
class Term:
    """A term φ(d) whose coefficient c is linear in ln f.

    Attributes:
        name: of c in a flow table.
        rule: φ, for ONE pair.
        parameter: −c in the yearly model: its name, symbol, unit, bounds, prior and source.
        unit: of c in a flow table.
    """

    name: str
    rule: Rule
    parameter: Parameter
    unit: str = "1"


@dataclasses.dataclass(frozen=True, eq=False)
class Law:
    """A decay law.

    Attributes:
        name: as in a configuration.
        terms: its terms, if it is linear in its coefficients.
        logarithm: whether it takes ln d, so that d must be positive.
        function: a user's ln f(distance in km, *θ) if `terms` is empty; θ = −c.
        own: the parameters θ.
    """

    name: str
    terms: tuple[Term, ...] = ()
    logarithm: bool = True
    function: Callable[..., Array] | None = None
    own: tuple[Parameter, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The law's parameters in the yearly model, in the order of its coefficients."""
        return (*(term.parameter for term in self.terms), *self.own)

    def ln(self, coefficient: Sequence[Array], distance: Distance) -> Array:
        """Ln f of ONE pair, up to a constant."""
        if self.function is not None:
            return jnp.asarray(self.function(REFERENCE_KM * distance.value, *(-c for c in coefficient)))
        first, *others = (c * term.rule(distance) for c, term in zip(coefficient, self.terms, strict=True))
        return sum(others, first)

    def on_host(self, coefficient: np.ndarray, ln_distance: np.ndarray) -> np.ndarray:
        """Ln f of arrays of pairs in float64, by NumPy but for a user's function."""
        distance: Any = (np.exp(ln_distance), ln_distance)
        return np.asarray(self.ln(cast(Any, coefficient), Distance(*distance)), np.float64)

    def slopes(self, coefficient: Sequence[Array], distance: Distance) -> tuple[Array, ...]:
        """∂ ln f / ∂ c_k of ONE pair for every k."""
        if self.function is not None:
            found: tuple[Array, ...] = jax.jacfwd(lambda c: self.ln(c, distance))(tuple(coefficient))
            return found
        return tuple(term.rule(distance) for term in self.terms)


_POWER = Term(
    "ln_distance",
    lambda d: d.ln,
    Parameter("distance", "beta", "1", 0.02, 4.0, 1.1, 0.3, "elasticity 0.6-1.6 in Chinese studies", prior_scale="log"),
)
_EXPONENTIAL = Term(
    "distance",
    lambda d: d.value,
    Parameter("distance_rate", "lambda", "per 300 km", 1e-3, 10.0, 0.5, 0.7, "assumed", prior_scale="log"),
    "per km",
)
_SQUARED = Term(
    "ln_distance_squared",
    lambda d: d.ln**2,
    Parameter("distance_bend", "beta_2", "1", -2.0, 2.0, 0.0, 0.3, "shrunk to the power law"),
)

POWER = Law("power", (_POWER,))
LAWS = {
    law.name: law
    for law in (
        POWER,
        Law("exponential", (_EXPONENTIAL,), logarithm=False),
        Law("tanner", (_POWER, _EXPONENTIAL)),
        Law("lognormal", (_POWER, _SQUARED)),
    )
}
"""Every decay law that a configuration can name. Sources: power, Zipf 1946; exponential, Wilson 1971; Tanner 1961."""
