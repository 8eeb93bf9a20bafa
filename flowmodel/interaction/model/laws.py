"""Laws of spatial interaction, each the logarithm of a factor of ONE pair, f_ij, up to what a constraint absorbs.

A law is the sum of three parts, any of which may be absent: a factor without parameters, terms that are linear in
their coefficient, and a shape that is not linear in its parameters.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.errors import FlowsError
from flowmodel.interaction.model.pair import Need, Pair

Rule = Callable[[Pair], Array]


@dataclasses.dataclass(frozen=True)
class Shape:
    """A part of a law that is not linear in its parameters.

    Attributes:
        names: of the parameters.
        start: where the search begins; None is the reciprocal of the mean of what lies between, for the flows observed.
        rule: its logarithm for one pair, from the parameters [name] and the pair.
    """

    names: tuple[str, ...]
    start: tuple[float | None, ...]
    rule: Callable[[Float[Array, " name"], Pair], Array]


@dataclasses.dataclass(frozen=True)
class Law:
    """A law by name.

    Attributes:
        name: as in a configuration.
        needs: the fields of `Pair` it reads.
        terms: linear terms by the name of their coefficient.
        factor: what has no parameter, a logarithm.
        shape: what is not linear.
        positive: fields that must be above zero, for their logarithm is taken.
    """

    name: str
    needs: tuple[Need, ...]
    terms: dict[str, Rule] = dataclasses.field(default_factory=dict)
    factor: Rule | None = None
    shape: Shape | None = None
    positive: tuple[Need, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters, the shape's last."""
        return (*self.terms, *(self.shape.names if self.shape else ()))


def distance(pair: Pair) -> Array:
    """d_ij, km."""
    assert pair.distance_km is not None
    return jnp.asarray(pair.distance_km)


def ln_distance(pair: Pair) -> Array:
    """Ln d_ij, d in km."""
    return jnp.log(distance(pair))


def ln_distance_squared(pair: Pair) -> Array:
    """(ln d_ij)²."""
    return ln_distance(pair) ** 2


def ln_competing(pair: Pair) -> Array:
    """Ln C_ij: its coefficient is negative where destinations compete, positive where they agglomerate."""
    assert pair.competing is not None
    return jnp.log(pair.competing)


def ln_stouffer(pair: Pair) -> Array:
    """ln(n_j / (s_ij + n_j)): opportunities in the destination over all as near (Stouffer 1940)."""
    assert pair.destination_mass is not None
    assert pair.between is not None
    return jnp.log(pair.destination_mass) - jnp.log(pair.between + pair.destination_mass)


def radiation(pair: Pair) -> Array:
    """ln[m_i n_j / ((m_i + s_ij)(m_i + n_j + s_ij))] (Simini et al. 2012, eq. 2)."""
    origin, destination, between = _opportunities(pair)
    reached = origin + between
    return jnp.log(origin) + jnp.log(destination) - jnp.log(reached) - jnp.log(reached + destination)


def generalised_radiation(exponent: Float[Array, " 1"], pair: Pair) -> Array:
    """Logarithm of m^λ [(a + n)^λ − a^λ] / [a^λ (a + n)^λ] / [1 − (m/M)^λ], a = m_i + s_ij.

    Simini's law with every population to the power λ (Kang et al. 2015, PLoS ONE 10, e0143500), over what the chances
    of all destinations add up to in a finite country (Masucci et al. 2013, Phys. Rev. E 88, 022812, eq. 4, for λ = 1).
    Both brackets vanish with λ; with φ(x) = (1 − e^{−x}) / x their ratio goes on through λ = 0.
    """
    assert pair.everywhere is not None
    origin, destination, between = _opportunities(pair)
    power, reached = exponent[0], origin + between
    ahead, whole = jnp.log1p(destination / reached), jnp.log(pair.everywhere) - jnp.log(origin)
    ratio = jnp.log(ahead) + _ln_phi(power * ahead) - jnp.log(whole) - _ln_phi(power * whole)
    return power * (jnp.log(origin) - jnp.log(reached)) + ratio


def _opportunities(pair: Pair) -> tuple[Array, Array, Array]:
    """m, n and s."""
    assert pair.origin_mass is not None
    assert pair.destination_mass is not None
    assert pair.between is not None
    return jnp.asarray(pair.origin_mass), jnp.asarray(pair.destination_mass), jnp.asarray(pair.between)


def _ln_phi(x: Array) -> Array:
    """ln[(1 − e^{−x}) / x], −x/2 + x²/24 near zero, where its quotient has no value."""
    near = jnp.abs(x) < _NEAR_ZERO
    far = jnp.where(near, 1.0, x)
    return jnp.where(near, x * (x / 24 - 0.5), jnp.log(-jnp.expm1(-far) / far))


_NEAR_ZERO = 1e-3
"""|x| below which the series of `_ln_phi` is right to x⁴/2880, less than float64 rounds the logarithm by."""


def schneider(rate: Float[Array, " 1"], pair: Pair) -> Array:
    """ln[exp(−L s_ij) − exp(−L (s_ij + n_j))]: every opportunity is taken with the same chance L (Schneider 1959)."""
    assert pair.destination_mass is not None
    assert pair.between is not None
    return -rate[0] * pair.between + jnp.log(-jnp.expm1(-rate[0] * pair.destination_mass))


_BETWEEN = ("destination_mass", "between")

LAWS = {
    law.name: law
    for law in (
        Law("power", ("distance_km",), {"ln_distance": ln_distance}, positive=("distance_km",)),
        Law("exponential", ("distance_km",), {"distance": distance}),
        Law(
            "tanner",
            ("distance_km",),
            {"ln_distance": ln_distance, "distance": distance},
            positive=("distance_km",),
        ),
        Law(
            "lognormal",
            ("distance_km",),
            {"ln_distance": ln_distance, "ln_distance_squared": ln_distance_squared},
            positive=("distance_km",),
        ),
        Law("radiation", ("origin_mass", *_BETWEEN), factor=radiation, positive=("origin_mass", "destination_mass")),
        Law(
            "generalised_radiation",
            ("origin_mass", "everywhere", *_BETWEEN),
            shape=Shape(("exponent",), (1.0,), generalised_radiation),
            positive=("origin_mass", "destination_mass"),
        ),
        Law(
            "schneider",
            _BETWEEN,
            shape=Shape(("chance",), (None,), schneider),
            positive=("destination_mass",),
        ),
        Law(
            "competing_destinations",
            ("distance_km", "competing"),
            {"ln_distance": ln_distance, "ln_competing": ln_competing},
            positive=("distance_km", "competing"),
        ),
        Law("stouffer", _BETWEEN, {"ln_stouffer": ln_stouffer}, positive=("destination_mass",)),
    )
}
"""Every law that a configuration can name.

Sources of those without a rule of their own: power, Zipf 1946; exponential, Wilson 1971; Tanner 1961; competing
destinations, Fotheringham 1983.
"""


def own(function: Callable[..., Array], name: str) -> Law:
    """The law of a user's function: its first argument is d_ij in km, the others are parameters with their starts.

    Args:
        function: of one pair, traceable by JAX: `def decay(distance_km, scale=100.0): return -distance_km / scale`. It
            returns the LOGARITHM of the factor, up to a constant.
        name: for the report.

    Raises:
        FlowsError: a parameter has no starting value.
    """
    first, *others = inspect.signature(function).parameters.values()
    without = [one.name for one in others if not isinstance(one.default, int | float)]
    if without:
        fix = "give each a default: the search begins there"
        raise FlowsError("E-LAW-START", f"law {name}: no starting value of {', '.join(without)}", fix)
    names = tuple(one.name for one in others)
    starts = tuple(float(one.default) for one in others)

    def rule(values: Array, pair: Pair) -> Array:
        return function(distance(pair), *values)

    return Law(name, ("distance_km",), shape=Shape(names, starts, rule))
