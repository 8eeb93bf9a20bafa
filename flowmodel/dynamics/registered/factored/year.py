"""One year of the registered stock on the factored path: rules for zones, with pairs in two products only.

The order of a year: births and deaths; then leaving, moves inside the zone, returns and conversion of registration,
all of the people present; then learning. `docs/model.md` has the equations.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from flowmodel.config.stock import Returning
from flowmodel.dynamics.registered import rates
from flowmodel.dynamics.registered.census.zones import RegisteredZones
from flowmodel.dynamics.registered.factored.cohorts import Cohorts, joined, kept
from flowmodel.dynamics.schedule import Calendar, shifted
from flowmodel.gravity.bands import Banded, Bands
from flowmodel.gravity.decay import Law
from flowmodel.parameters.registered import Group


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GroupState:
    """One group: home pool, moved within the zone, residents from elsewhere by band (persons), and the cohorts away."""

    home: Float[Array, "*year zone"]
    within: Float[Array, "*year zone"]
    near: Float[Array, "*year zone"]
    far: Float[Array, "*year zone"]
    cohorts: Cohorts

    @property
    def residents(self) -> Float[Array, "*year zone"]:
        """Residents, persons."""
        return self.home + self.within + self.near + self.far


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GroupMovements:
    """The changes of one group in a year, sufficient to reconstruct its pairs.

    births, deaths, moved (within), settled (from within back home), learned (net of the group): persons; push,
    pull_near, pull_far: the year's leavers are push_o S_oj pull_j, by the band of the pair; origin, residence: shares
    of people away who do not return; converted: share of those who register; growth: 1 + births − deaths, a share.
    """

    births: Float[Array, "*year zone"]
    deaths: Float[Array, "*year zone"]
    push: Float[Array, "*year zone"]
    pull_near: Float[Array, "*year zone"]
    pull_far: Float[Array, "*year zone"]
    origin: Float[Array, "*year zone"]
    residence: Float[Array, "*year zone"]
    converted: Float[Array, "*year zone"]
    growth: Float[Array, "*year zone"]
    moved: Float[Array, "*year zone"]
    settled: Float[Array, "*year zone"]
    learned: Float[Array, "*year zone"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Setting:
    """What a group's year needs besides its state: S, the divide's tilt, and which processes are in use."""

    strength: Banded
    tilt: Float[Array, " zone"]
    offset_km: float = dataclasses.field(metadata={"static": True})
    law: Law = dataclasses.field(metadata={"static": True})
    returning: Returning = dataclasses.field(metadata={"static": True})
    conversion: bool = dataclasses.field(metadata={"static": True})


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class YearTaps:
    """The taps of a year's product with S and with its transpose."""

    by_residence: Bands
    by_origin: Bands


def group_year(
    index: int,
    group: Group,
    zones: RegisteredZones,
    setting: Setting,
    state: GroupState,
    people: Float[Array, " zone"],
    year: Int[Array, ""],
    calendar: Calendar,
    taps: YearTaps | None,
) -> tuple[GroupState, GroupMovements]:
    """A group after a year, before learning, which involves two groups; `people` are all residents at its opening."""
    group = dataclasses.replace(group, choice=shifted(group.choice, calendar))
    birth = zones.birth_rate[index] * calendar.births * group.choice.birth_adjustment
    death = zones.death_rate[index] * calendar.deaths
    growth = 1 + birth - death
    grown = _grown(state, growth)
    origin, residence = _staying(group, zones, setting)
    pull = rates.pull(group, zones, people)
    from_near = pull * rates.open_to_others(group, zones) * jnp.exp(setting.tilt)
    drawn = Bands(from_near, from_near * rates.more_from_afar(group, zones))

    reach, returned = _outward(setting, grown.cohorts, drawn, origin, residence, taps)
    reach = reach * jnp.exp(-setting.tilt)
    rate = rates.leaving_rate(group, zones, zones.leaving[index], pull, reach, setting.offset_km, setting.law)
    leavers = grown.home * rate
    push = leavers / jnp.where(reach > 0, reach, 1.0) * jnp.exp(-setting.tilt)
    arrived, stayed = _inward(setting, grown, push, drawn, origin, residence, taps)

    converted = rates.conversion_rate(group, zones) if setting.conversion else jnp.zeros_like(pull)
    moved = (grown.home - leavers) * rates.within_rate(group, zones)
    settled = grown.within * jax.nn.sigmoid(group.within_return)
    registered = (stayed.near + stayed.far) * converted
    after = GroupState(
        home=grown.home - leavers - moved + returned + registered + settled,
        within=grown.within - settled + moved,
        near=stayed.near * (1 - converted) + arrived.near,
        far=stayed.far * (1 - converted) + arrived.far,
        cohorts=joined(kept(grown.cohorts, origin, residence * (1 - converted)), year, push, drawn),
    )
    movements = GroupMovements(
        births=state.residents * birth,
        deaths=state.residents * death,
        push=push,
        pull_near=drawn.near,
        pull_far=drawn.far,
        origin=origin,
        residence=residence,
        converted=converted,
        growth=growth,
        moved=moved,
        settled=settled,
        learned=jnp.zeros_like(pull),
    )
    return after, movements


def _grown(state: GroupState, growth: Array) -> GroupState:
    """After births and deaths where people live; a child is registered where its mother is."""
    ones = jnp.ones_like(growth)
    return GroupState(
        state.home * growth,
        state.within * growth,
        state.near * growth,
        state.far * growth,
        kept(state.cohorts, ones, growth),
    )


def _staying(group: Group, zones: RegisteredZones, setting: Setting) -> tuple[Array, Array]:
    """Shares of people away who do not return, by registered zone and by residence; their product stays."""
    ones = jnp.ones(zones.home.shape[1])
    origin = 1 - rates.return_rate_of_origin(group, zones) if setting.returning in ("origin", "both") else ones
    residence = 1 - rates.return_rate_of_residence(group, zones) if setting.returning in ("residence", "both") else ones
    return origin, residence


def _outward(
    setting: Setting, cohorts: Cohorts, drawn: Bands, origin: Array, residence: Array, taps: YearTaps | None
) -> tuple[Array, Array]:
    """Along the rows of S: (Σ_j S_oj drawn_j, people who return to every zone).

    Returns of o are Σ_j S_oj (1 − u_o v_j) = (1 − u_o) Σ_j S_oj + u_o Σ_j S_oj (1 − v_j).
    """
    asked: list[tuple[Array, Bands]] = []
    if setting.returning in ("origin", "both"):
        asked.append((1 - origin, cohorts.right))
    if setting.returning in ("residence", "both"):
        gone = (1 - residence)[:, None]
        asked.append((origin, Bands(cohorts.near * gone, cohorts.far * gone)))
    near = jnp.concatenate([drawn.near[:, None], *(right.near for _, right in asked)], axis=1)
    far = jnp.concatenate([drawn.far[:, None], *(right.far for _, right in asked)], axis=1)
    product = setting.strength.multiply(Bands(near, far), None if taps is None else taps.by_residence)
    sums = product.near + product.far
    count = cohorts.left.shape[1]
    returned = jnp.zeros_like(drawn.near)
    for i, (share, _) in enumerate(asked):
        returned += share * jnp.sum(cohorts.left * sums[:, 1 + i * count : 1 + (i + 1) * count], axis=1)
    return sums[:, 0], returned


def _inward(
    setting: Setting,
    grown: GroupState,
    push: Array,
    drawn: Bands,
    origin: Array,
    residence: Array,
    taps: YearTaps | None,
) -> tuple[Bands, Bands]:
    """Down the columns of S: (arrivals, people from elsewhere who did not return), by band.

    The second needs pairs only if the rate of return depends on the registered zone.
    """
    by_origin = setting.returning in ("origin", "both")
    left = jnp.concatenate([push[:, None], *([grown.cohorts.left * origin[:, None]] if by_origin else [])], axis=1)
    product = setting.strength.multiply(Bands(left, left), None if taps is None else taps.by_origin)
    arrived = Bands(drawn.near * product.near[:, 0], drawn.far * product.far[:, 0])
    if not by_origin:
        return arrived, Bands(grown.near * residence, grown.far * residence)
    near = jnp.sum(grown.cohorts.near * product.near[:, 1:], axis=1)
    far = jnp.sum(grown.cohorts.far * product.far[:, 1:], axis=1)
    return arrived, Bands(near * residence, far * residence)
