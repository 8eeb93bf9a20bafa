"""Yearly rates of a group by zone: leaving, returning, and registering where people live."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.gravity.decay import Law, of_log
from flowmodel.gravity.distance import REFERENCE_KM
from flowmodel.gravity.pair import attraction
from flowmodel.parameters.registered import Group


def pull(group: Group, zones: RegisteredZones, people: Float[Array, " zone"]) -> Float[Array, " zone"]:
    """w_j = n_j^α exp(x_j·γ) of every zone, up to a factor common to all zones."""
    return attraction(people, group.choice.mass, zones.attraction, group.choice.attraction)


def open_to_others(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """exp(−χ κ_j): the share of a zone's pull that remains for people registered elsewhere."""
    return jnp.exp(-group.hukou * zones.strictness)


def more_from_afar(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """exp(x_j·φ): the pull of a zone on other provinces relative to that on its own province."""
    return jnp.exp(zones.far_pull @ group.far)


def leaving_rate(
    group: Group,
    zones: RegisteredZones,
    own: Float[Array, ""],
    home: Float[Array, " zone"],
    reach: Float[Array, " zone"],
    offset_km: float,
    law: Law,
) -> Float[Array, " zone"]:
    """Share of a home pool that leaves for another zone in a year, logistic in m_0 + y_o·m + ϑ (IV_o − V_o).

    IV_o is the logsum of all destinations and V_o the utility of home at distance zero: barriers change the number of
    people who leave, and not only their destinations. The rate is zero where nothing is in reach.

    Args:
        group: parameters.
        zones: covariates.
        own: log of the group's relative rate.
        home: the pull of the zone itself, on the scale of `reach`.
        reach: Σ_j exp(U_oj).
        offset_km: the internal distance d0.
        law: of distance decay.
    """
    possible = (reach > 0) & (home > 0)
    gain = jnp.log(jnp.where(possible, reach, 1.0)) - jnp.log(jnp.where(possible, home, 1.0))
    gain = gain - law.ln(tuple(-group.choice.decay), of_log(jnp.log(offset_km / REFERENCE_KM)))
    level = group.choice.departure_level + own + zones.departure @ group.choice.departure
    return jnp.where(possible, jax.nn.sigmoid(level + group.inclusive_value * gain), 0.0)


def return_rate_of_residence(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """Share of people from elsewhere who go home from a zone in a year."""
    return jax.nn.sigmoid(group.return_level + zones.returning @ group.returning)


def return_rate_of_origin(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """Share of the people away from a zone who return to it in a year."""
    return jax.nn.sigmoid(group.return_origin_level + zones.returning_origin @ group.returning_origin)


def conversion_rate(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """Share of people from elsewhere who register where they live in a year: less where registration is strict."""
    return jax.nn.sigmoid(group.conversion_level) * (1 - zones.strictness)


def within_rate(group: Group, zones: RegisteredZones) -> Float[Array, " zone"]:
    """Share of those at home who move inside their zone, away from their registration, in a year."""
    return jax.nn.sigmoid(group.within_level + zones.moving_within @ group.within)
