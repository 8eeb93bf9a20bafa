"""The registered stock once more, in dense float64 NumPy, written from the equations alone.

What belongs here: the equations of a year, the first stock and the loop over the years, with full [N, N] arrays of
registration o (rows) by residence j (columns). Nothing here imports the product; a difference between the two is a
mistake in one of them. Rates and choices are those of the opening of a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

EARTH_RADIUS_KM = 6371.0088
REFERENCE_KM = 300.0

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """What is known of zones and groups and does not change with the stock.

    Attributes:
        lon: longitude of a zone, degrees [N].
        lat: latitude of a zone, degrees [N].
        province: number of its province [N].
        prefecture: number of its prefecture, one count for the whole country [N].
        east: whether it lies east of the divide [N].
        attraction: covariates of the pull of a zone [N, A].
        far: covariates of what it draws more from other provinces than from its own [N, F].
        departure: covariates of leaving it [N, B].
        within: covariates of moving within it [N, C].
        returning: covariates of leaving it for the home of registration [N, R].
        returning_origin: covariates of being returned to [N, R2].
        strictness: kappa, how hard it is to be registered there, 0 to 1 [N].
        birth_rate: births per resident and year [G, N].
        death_rate: deaths per resident and year [G, N].
        birth_to: the group a child of a group's mother belongs to, read only where has_ages [G].
        next_group: where upgrading and ageing lead, the group itself where nowhere [G].
        ageing: share of home pool, within and away that goes there in a year [G].
        upgrade: share of the home pool that goes there in a year, before ageing [G].
        birth_path: multiplier of births by year [T].
        death_path: multiplier of deaths by year [T].
        offset_km: internal distance d0, more than 0.
        has_ages: whether groups have ages, so that children are born into another group.
    """

    lon: Array
    lat: Array
    province: Whole
    prefecture: Whole
    east: NDArray[np.bool_]
    attraction: Array
    far: Array
    departure: Array
    within: Array
    returning: Array
    returning_origin: Array
    strictness: Array
    birth_rate: Array
    death_rate: Array
    birth_to: Whole
    next_group: Whole
    ageing: Array
    upgrade: Array
    birth_path: Array
    death_path: Array
    offset_km: float
    has_ages: bool


@dataclass(frozen=True)
class Values:
    """The parameters of one group; what a switch leaves out is not read."""

    mass: float
    distance: float
    other_province: float
    same_prefecture: float
    divide_east_west: float
    divide_west_east: float
    departure_level: float
    departure: Array
    attraction: Array
    far: Array
    birth_adjustment: float
    inclusive_value: float
    hukou: float
    return_level: float
    returning: Array
    return_origin_level: float
    returning_origin: Array
    conversion_level: float
    within_level: float
    within: Array
    within_return: float
    network: float
    competing: float
    nest: float
    onward_level: float


@dataclass(frozen=True)
class Switches:
    """Which parts of the model are in use."""

    returning: Literal["off", "residence", "origin", "both", "pair"]
    conversion: bool
    onward: bool
    network: Literal["off", "frozen", "evolving"]
    competing: bool
    nest: bool


@dataclass(frozen=True)
class State:
    """Persons by group: at home [G, N], moved within the zone [G, N], away [G, N, N] (o, j), in no zone [G, N]."""

    home: Array
    within: Array
    away: Array
    elsewhere: Array


@dataclass(frozen=True)
class Record:
    """What changed residents and registered people in a year, [G, N], and the moves between zones, [G, N, N].

    Births are of the group the child belongs to. Of flow, rows are the zone left and columns the zone reached; of
    returns, rows are the zone of registration, which is reached, and columns the zone left.
    """

    births: Array
    deaths: Array
    inflow: Array
    outflow: Array
    regrouped: Array
    births_registered: Array
    deaths_registered: Array
    converted_in: Array
    converted_out: Array
    regrouped_registered: Array
    flow: Array
    returns: Array


@dataclass(frozen=True)
class Choice:
    """Leaving rate of every zone [N] and where its leavers go [N, N]; both zero where nothing is in reach."""

    leaving: Array
    shares: Array


@dataclass(frozen=True)
class Moved:
    """One group after the moves of a year, and the moves themselves.

    Attributes:
        home: the home pool [N].
        within: moved within the zone [N].
        away: living away [N, N].
        flow: from the home pool, zone left by zone reached [N, N].
        returns: registration by the zone left [N, N].
        converted: former registration by the zone of residence, now of registration [N, N].
        onward: registration by the zone left [N, N].
        arrived: the same people, registration by the zone reached [N, N]; the diagonal came home.
    """

    home: Array
    within: Array
    away: Array
    flow: Array
    returns: Array
    converted: Array
    onward: Array
    arrived: Array


def residents(state: State) -> Array:
    """Who lives in every zone, by group [G, N]."""
    return state.home + state.within + state.away.sum(axis=1)


def registered(state: State) -> Array:
    """Who is registered in every zone, by group [G, N], those living in no zone too."""
    return state.home + state.within + state.away.sum(axis=2) + state.elsewhere


def distances_km(world: World) -> Array:
    """Great-circle distances by the haversine formula [N, N]."""
    lon, lat = np.radians(world.lon), np.radians(world.lat)
    half_lon = (lon[None, :] - lon[:, None]) / 2
    half_lat = (lat[None, :] - lat[:, None]) / 2
    h = np.sin(half_lat) ** 2 + np.cos(lat[:, None]) * np.cos(lat[None, :]) * np.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0)))


def same(labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether two zones carry the same label [N, N]."""
    return labels[:, None] == labels[None, :]


def ln_decay(values: Values, km: Array) -> Array:
    """The power law, in units of the reference; a test of another law puts that here."""
    return np.asarray(-values.distance * np.log(km / REFERENCE_KM))


def log_nearness(world: World, values: Values) -> Array:
    """Ln f of the distance with its offset [N, N]."""
    return ln_decay(values, distances_km(world) + world.offset_km)


def log_kernel(world: World, values: Values) -> Array:
    """The log of the pull K of every ordered pair [N, N]."""
    east = world.east
    return (
        log_nearness(world, values)
        - values.other_province * ~same(world.province)
        + values.same_prefecture * same(world.prefecture)
        - values.divide_east_west * (east[:, None] & ~east[None, :])
        - values.divide_west_east * (~east[:, None] & east[None, :])
    )


def log_pull(world: World, values: Values, people: Array) -> Array:
    """The log of the pull w of every zone, minus infinity where nobody lives [N]."""
    lived_in = people > 0
    log_people = np.log(np.where(lived_in, people, 1.0))
    return np.where(lived_in, values.mass * log_people + world.attraction @ values.attraction, -np.inf)


def competing_destinations(world: World, people: Array) -> Array:
    """How much else is near a destination, the origin and itself apart, persons per km [N, N]."""
    per_km = 1 / (distances_km(world) + world.offset_km)
    np.fill_diagonal(per_km, 0.0)
    rivals = np.zeros_like(per_km)
    for o in range(len(people)):
        others = np.where(np.arange(len(people)) == o, 0.0, people)
        rivals[o] = others @ per_km
    return rivals


def network_share(state: State) -> Array:
    """The share of the people registered in o who live in j, all groups together [N, N]."""
    everybody = registered(state).sum(axis=0)
    away = state.away.sum(axis=0)
    return away / np.where(everybody > 0, everybody, 1.0)[:, None]


def utilities(world: World, values: Values, switches: Switches, state: State, first: State) -> Array:
    """The utility U of every ordered pair [N, N]; minus infinity at home and where nobody lives."""
    weight = log_pull(world, values, residents(state).sum(axis=0)) - values.hukou * world.strictness
    utility = log_kernel(world, values) + weight[None, :]
    utility = utility + ~same(world.province) * (world.far @ values.far)[None, :]
    if switches.competing:
        rivals = competing_destinations(world, residents(first).sum(axis=0))
        utility = utility + values.competing * np.log(np.where(rivals > 0, rivals, 1.0))  # no rivals: no term
    if switches.network != "off":
        known = network_share(first if switches.network == "frozen" else state)
        utility = utility + values.network * np.log(1 + known)
    np.fill_diagonal(utility, -np.inf)
    return utility


def log_sum(exponents: Array) -> float:
    """The log of the sum of exponentials; minus infinity where all of them are zero."""
    largest = exponents.max()
    return float(largest + np.log(np.exp(exponents - largest).sum())) if np.isfinite(largest) else -np.inf


def plain_choice(utility: Array) -> tuple[Array, Array]:
    """Shares of destinations [N, N] and the log of what is in reach [N], all destinations alike."""
    shares, log_reach = np.zeros_like(utility), np.full(len(utility), -np.inf)
    for o, row in enumerate(utility):
        log_reach[o] = log_sum(row)
        if np.isfinite(log_reach[o]):
            shares[o] = np.exp(row - log_reach[o])
    return shares, log_reach


def nested_choice(utility: Array, nests: Whole, tau: float) -> tuple[Array, Array]:
    """Shares of destinations [N, N] and the log of what is in reach [N], a nest first and then a zone in it."""
    shares, log_reach = np.zeros_like(utility), np.full(len(utility), -np.inf)
    for o, row in enumerate(utility):
        log_inclusive = {nest: log_sum(row[nests == nest] / tau) for nest in np.unique(nests)}
        log_reach[o] = log_sum(tau * np.array(list(log_inclusive.values())))
        for nest, value in log_inclusive.items():
            if np.isfinite(value):
                members = nests == nest
                shares[o, members] = np.exp(row[members] / tau - value + tau * value - log_reach[o])
    return shares, log_reach


def choose(world: World, values: Values, switches: Switches, state: State, first: State) -> Choice:
    """Who of the home pool leaves, and where to, by the opening of the year."""
    utility = utilities(world, values, switches, state, first)
    if switches.nest:
        shares, log_reach = nested_choice(utility, world.prefecture, values.nest)
    else:
        shares, log_reach = plain_choice(utility)
    own = log_pull(world, values, residents(state).sum(axis=0))
    leaves = np.isfinite(log_reach) & np.isfinite(own)
    own_nearness = ln_decay(values, np.asarray(world.offset_km))
    gain = np.where(leaves, log_reach, 0.0) - (np.where(leaves, own, 0.0) + own_nearness)
    logit = values.departure_level + world.departure @ values.departure + values.inclusive_value * gain
    return Choice(leaving=np.where(leaves, expit(logit), 0.0), shares=shares)


def return_rates(world: World, values: Values, switches: Switches) -> Array:
    """The share of those registered in o and living in j who go home in a year [N, N]."""
    zones = len(world.lon)
    of_residence, of_origin = np.zeros(zones), np.zeros(zones)
    if switches.returning in ("residence", "both", "pair"):
        of_residence = expit(values.return_level + world.returning @ values.returning)
    if switches.returning in ("origin", "both", "pair"):
        of_origin = expit(values.return_origin_level + world.returning_origin @ values.returning_origin)
    if switches.returning == "pair":
        return of_origin[:, None] * of_residence[None, :]
    return 1 - (1 - of_origin[:, None]) * (1 - of_residence[None, :])


def conversion_rates(world: World, values: Values, switches: Switches) -> Array:
    """The share of those living in j away from home whose registration comes to j in a year [N]."""
    if not switches.conversion:
        return np.zeros(len(world.lon))
    return expit(values.conversion_level) * (1 - world.strictness)


def onward_rates(values: Values, switches: Switches, choice: Choice) -> Array:
    """The share of those living in j away from home who go on in a year, none where nothing is in reach [N]."""
    reaches = choice.shares.sum(axis=1) > 0
    return np.where(reaches, expit(values.onward_level), 0.0) if switches.onward else np.zeros(len(reaches))


def scaled(state: State, rate: Array) -> State:
    """A share of everybody in a zone, by group and zone of residence [G, N]; of those in no zone nobody."""
    return State(
        home=state.home * rate,
        within=state.within * rate,
        away=state.away * rate[:, None, :],
        elsewhere=np.zeros_like(state.elsewhere),
    )


def sent(counts: Array, to: Whole) -> Array:
    """The counts of every group [G, ...] added up in the groups they go to."""
    received = np.zeros_like(counts)
    for group, target in enumerate(to):
        received[target] += counts[group]
    return received


def sent_state(state: State, to: Whole) -> State:
    """The people of every group added up in the groups they go to."""
    return State(*(sent(counts, to) for counts in (state.home, state.within, state.away, state.elsewhere)))


def plus(state: State, gained: State, lost: State) -> State:
    """The stock after a gain and a loss."""
    return State(
        home=state.home + gained.home - lost.home,
        within=state.within + gained.within - lost.within,
        away=state.away + gained.away - lost.away,
        elsewhere=state.elsewhere + gained.elsewhere - lost.elsewhere,
    )


def born_and_died(world: World, values: Sequence[Values], state: State, t: int) -> tuple[State, State]:
    """Births, in the group of the child, and deaths of a year, by registration and residence."""
    adjustment = np.array([v.birth_adjustment for v in values])[:, None]
    born = scaled(state, world.birth_rate * world.birth_path[t] * adjustment)
    died = scaled(state, world.death_rate * world.death_path[t])
    return (sent_state(born, world.birth_to) if world.has_ages else born), died


def move(world: World, values: Values, switches: Switches, state: State, group: int, choice: Choice) -> Moved:
    """The moves of one group in a year.

    Args:
        world: zones and groups.
        values: the group's parameters.
        switches: parts in use.
        state: the stock of all groups, after births and deaths.
        group: number of the group.
        choice: who leaves and where to, by the opening.
    """
    home, within, away = state.home[group], state.within[group], state.away[group]
    leavers = home * choice.leaving
    flow = leavers[:, None] * choice.shares
    moved_within = home * (1 - choice.leaving) * expit(values.within_level + world.within @ values.within)
    back_within = within * expit(values.within_return)

    returns = away * return_rates(world, values, switches)
    converted = (away - returns) * conversion_rates(world, values, switches)[None, :]
    onward = (away - returns - converted) * onward_rates(values, switches, choice)[None, :]
    arrived = onward @ choice.shares
    came_home = np.diag(arrived)
    return Moved(
        home=home - leavers - moved_within + returns.sum(axis=1) + came_home + converted.sum(axis=0) + back_within,
        within=within - back_within + moved_within,
        away=away - returns - converted - onward + flow + arrived - np.diag(came_home),
        flow=flow,
        returns=returns,
        converted=converted,
        onward=onward,
        arrived=arrived,
    )


def regroup(world: World, state: State) -> State:
    """The stock after upgrading of the home pools, then ageing of everybody in a zone."""
    nobody = scaled(state, np.zeros_like(state.home))
    risen = State(state.home * world.upgrade[:, None], nobody.within, nobody.away, nobody.elsewhere)
    upgraded = plus(state, sent_state(risen, world.next_group), risen)
    aged = scaled(upgraded, np.repeat(world.ageing[:, None], state.home.shape[1], axis=1))
    return plus(upgraded, sent_state(aged, world.next_group), aged)


def year(
    world: World, values: Sequence[Values], switches: Switches, state: State, first: State, t: int
) -> tuple[State, Record]:
    """One year of the stock.

    Args:
        world: zones and groups.
        values: parameters, group by group.
        switches: parts in use.
        state: the stock at the opening of the year.
        first: the stock at the first census, for competing destinations and the frozen network.
        t: number of the year, from 0.

    Returns:
        The stock at the close, and what changed it.
    """
    born, died = born_and_died(world, values, state, t)
    grown = plus(state, born, died)
    moves = [move(world, v, switches, grown, g, choose(world, v, switches, state, first)) for g, v in enumerate(values)]
    settled = State(
        home=np.stack([m.home for m in moves]),
        within=np.stack([m.within for m in moves]),
        away=np.stack([m.away for m in moves]),
        elsewhere=state.elsewhere,
    )
    closing = regroup(world, settled)
    record = Record(
        births=residents(born),
        deaths=residents(died),
        inflow=np.stack([m.flow.sum(axis=0) + m.returns.sum(axis=1) + m.arrived.sum(axis=0) for m in moves]),
        outflow=np.stack([m.flow.sum(axis=1) + m.returns.sum(axis=0) + m.onward.sum(axis=0) for m in moves]),
        regrouped=residents(closing) - residents(settled),
        births_registered=registered(born),
        deaths_registered=registered(died),
        converted_in=np.stack([m.converted.sum(axis=0) for m in moves]),
        converted_out=np.stack([m.converted.sum(axis=1) for m in moves]),
        regrouped_registered=registered(closing) - registered(settled),
        flow=np.stack([m.flow for m in moves]),
        returns=np.stack([m.returns for m in moves]),
    )
    return closing, record


def run(world: World, values: Sequence[Values], switches: Switches, state: State) -> list[tuple[State, Record]]:
    """Every year from the first census: the stock at its close, and what changed it."""
    years: list[tuple[State, Record]] = []
    opening = state
    for t in range(len(world.birth_path)):
        opening, record = year(world, values, switches, opening, state, t)
        years.append((opening, record))
    return years


def factors(wanted: Array, found: Array) -> Array:
    """What to multiply sums by to make them what is wanted; 0 where there is nothing to multiply."""
    return np.where(found > 0, wanted / np.where(found > 0, found, 1.0), 0.0)


def initial_away(
    world: World,
    values: Values,
    out: Array,
    near: Array,
    far: Array,
    iterations: int = 20000,
    tolerance: float = 1e-13,
) -> Array:
    """The stock of people away at the first census, by iterative proportional fitting.

    Args:
        world: zones.
        values: the parameters of distance, prefecture and divide.
        out: people of a zone who live in another one [N].
        near: residents of a zone who are registered elsewhere in its province [N].
        far: residents of a zone who are registered in another province [N].
        iterations: at most so many rounds; margins that contradict each other end there.
        tolerance: the largest error of a row sum that will do, as a share of the largest row sum; columns are exact.

    Returns:
        Persons by registration and residence [N, N].
    """
    crossed = ~same(world.east)
    eased = values.same_prefecture * same(world.prefecture)
    barrier = (values.divide_east_west + values.divide_west_east) / 2
    away = np.exp(log_nearness(world, values) + eased - barrier * crossed)
    np.fill_diagonal(away, 0.0)
    is_near = same(world.province)
    for _ in range(iterations):
        away = away * factors(out, away.sum(axis=1))[:, None]
        near_factor = factors(near, (away * is_near).sum(axis=0))
        far_factor = factors(far, (away * ~is_near).sum(axis=0))
        away = away * np.where(is_near, near_factor[None, :], far_factor[None, :])
        if np.abs(away.sum(axis=1) - out).max() <= tolerance * out.max():
            break
    return away
