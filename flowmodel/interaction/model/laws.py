"""Laws of spatial interaction for flow tables: each is the logarithm of a factor f_ij of ONE pair.

A law is the sum of up to three parts: a factor without parameters, terms that are linear in their coefficients, and a
shape that is not linear in its parameters. Terms that a constraint absorbs are omitted.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.config import LawChoice
from flowmodel.gravity import chosen_law, decay
from flowmodel.interaction.model.pair import Need, Pair

Rule = Callable[[Pair], Array]


@dataclasses.dataclass(frozen=True)
class Shape:
    """A part of a law that is not linear in its parameters.

    Attributes:
        names: names of the parameters.
        start: initial values; None means one over the flow-weighted mean of intervening opportunities.
        rule: the logarithm for one pair, a function of the parameters [name] and the pair.
    """

    names: tuple[str, ...]
    start: tuple[float | None, ...]
    rule: Callable[[Float[Array, " name"], Pair], Array]


@dataclasses.dataclass(frozen=True)
class Law:
    """A law by name.

    Attributes:
        name: name in a configuration.
        needs: the fields of `Pair` that it uses.
        terms: linear terms by the name of their coefficient.
        factor: logarithm of the part without parameters.
        shape: the part that is not linear in its parameters.
        positive: fields that must be positive, since their logarithm is taken.
        units: units of parameters that have one.
    """

    name: str
    needs: tuple[Need, ...]
    terms: dict[str, Rule] = dataclasses.field(default_factory=dict)
    factor: Rule | None = None
    shape: Shape | None = None
    positive: tuple[Need, ...] = ()
    units: dict[str, str] = dataclasses.field(default_factory=dict)

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


def ln_competing(pair: Pair) -> Array:
    """Ln C_ij: its coefficient is negative where destinations compete, positive where they agglomerate."""
    assert pair.competing is not None
    return jnp.log(pair.competing)


def ln_stouffer(pair: Pair) -> Array:
    """ln(n_j / (s_ij + n_j)): opportunities in the destination relative to all up to its distance (Stouffer 1940)."""
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

    The radiation law with every population to the power λ (Kang et al. 2015, PLoS ONE 10, e0143500), normalised over
    the destinations of a finite country (Masucci et al. 2013, Phys. Rev. E 88, 022812, eq. 4, for λ = 1). Both brackets
    are zero at λ = 0; with φ(x) = (1 − e^{−x}) / x their ratio is continuous there.
    """
    assert pair.everywhere is not None
    origin, destination, between = _opportunities(pair)
    power, reached = exponent[0], origin + between
    ahead, total = jnp.log1p(destination / reached), jnp.log(pair.everywhere) - jnp.log(origin)
    ratio = jnp.log(ahead) + _ln_phi(power * ahead) - jnp.log(total) - _ln_phi(power * total)
    return power * (jnp.log(origin) - jnp.log(reached)) + ratio


def _opportunities(pair: Pair) -> tuple[Array, Array, Array]:
    """m, n and s."""
    assert pair.origin_mass is not None
    assert pair.destination_mass is not None
    assert pair.between is not None
    return jnp.asarray(pair.origin_mass), jnp.asarray(pair.destination_mass), jnp.asarray(pair.between)


def _ln_phi(x: Array) -> Array:
    """ln[(1 − e^{−x}) / x], by the series −x/2 + x²/24 near zero."""
    near = jnp.abs(x) < _NEAR_ZERO
    far = jnp.where(near, 1.0, x)
    return jnp.where(near, x * (x / 24 - 0.5), jnp.log(-jnp.expm1(-far) / far))


_NEAR_ZERO = 1e-3
"""|x| below which `_ln_phi` uses its series, whose error x⁴/2880 is below float64's precision."""


def schneider(rate: Float[Array, " 1"], pair: Pair) -> Array:
    """ln[exp(−L s_ij) − exp(−L (s_ij + n_j))]: each opportunity is accepted with probability L (Schneider 1959)."""
    assert pair.destination_mass is not None
    assert pair.between is not None
    return -rate[0] * pair.between + jnp.log(-jnp.expm1(-rate[0] * pair.destination_mass))


def of_distance(law: decay.Law) -> Law:
    """A decay law of distance as a law of flow tables."""

    def term(rule: decay.Rule, pair: Pair) -> Array:
        return rule(decay.of_km(distance(pair)))

    def rule(values: Array, pair: Pair) -> Array:
        assert law.function is not None
        return law.function(distance(pair), *values)

    names, starts = tuple(one.symbol for one in law.own), tuple(one.prior_mean for one in law.own)
    return Law(
        law.name,
        needs=("distance_km",),
        terms={one.name: partial(term, one.rule) for one in law.terms},
        shape=None if law.function is None else Shape(names, starts, rule),
        positive=("distance_km",) if law.logarithm else (),
        units={one.name: one.unit for one in law.terms if one.unit != "1"},
    )


_BETWEEN = ("destination_mass", "between")

LAWS = {
    law.name: law
    for law in (
        *map(of_distance, decay.LAWS.values()),
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
            units={"chance": "per opportunity"},
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
"""Laws by name, for configurations of flow tables; laws of distance alone are defined in `gravity.decay`.

The law of competing destinations is from Fotheringham 1983.
"""


def chosen(law: LawChoice) -> Law:
    """The law chosen in the configuration of a flow table; raises as `gravity.chosen_law.chosen`."""
    return chosen_law.named(law, LAWS) if isinstance(law, str) else of_distance(chosen_law.own(law))
