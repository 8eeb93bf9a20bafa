"""One year of all zones: births, deaths, departures, and the destinations of those who leave."""

import dataclasses

import jax
from jaxtyping import Array, Float

from flowmodel.dynamics import demography
from flowmodel.dynamics.residents.zones import Zones
from flowmodel.dynamics.schedule import Calendar, shifted
from flowmodel.gravity.operator import Kernel
from flowmodel.gravity.pair import attraction
from flowmodel.parameters.registry import Parameters


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Movements:
    """The movements of a year, persons; the flow itself is F_oj = push_o K_oj pull_j."""

    births: Float[Array, "*year zone"]
    deaths: Float[Array, "*year zone"]
    inflow: Float[Array, "*year zone"]
    outflow: Float[Array, "*year zone"]
    push: Float[Array, "*year zone"]
    pull: Float[Array, "*year zone"]


def departure_rate(parameters: Parameters, zones: Zones) -> Float[Array, " zone"]:
    """Share of residents who leave their zone for another within a year: logistic in m_0 + x_i·m."""
    return jax.nn.sigmoid(parameters.departure_level + zones.departure @ parameters.departure)


def year(
    parameters: Parameters, zones: Zones, kernel: Kernel, population: Float[Array, " zone"], calendar: Calendar
) -> tuple[Float[Array, " zone"], Movements]:
    """Residents after a year (persons), and its movements.

    p(o→j) = K_oj w_j / Σ_k K_ok w_k with w_j = n_j^α exp(x_j·γ), so that pull follows the changing population. Births,
    deaths and departures are all of the residents at the opening of the year. People stay in a zone none of whose
    pairs has a weight.
    """
    parameters = shifted(parameters, calendar)
    pull = attraction(population, parameters.mass, zones.attraction, parameters.attraction)
    leavers = population * departure_rate(parameters, zones)
    reach, push, arrivals = kernel.constrained(leavers, pull)
    moved = Movements(
        births=demography.births(population, zones.birth_rate, calendar.births, parameters.birth_adjustment),
        deaths=demography.deaths(population, zones.death_rate, calendar.deaths),
        inflow=pull * arrivals,
        outflow=push * reach,
        push=push,
        pull=pull,
    )
    return population + moved.births - moved.deaths + moved.inflow - moved.outflow, moved
