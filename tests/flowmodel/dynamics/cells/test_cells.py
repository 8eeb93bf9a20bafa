"""A year of cells against plain sums over all pairs of them, and the spectral operator against the tiled one."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import worlds
from scipy.special import expit

from flowmodel.dynamics.cells import against_counties, direct_sums, downscaling, operator, rollout, year
from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.schedule import Calendar
from flowmodel.errors import NumericError, ZonesError
from flowmodel.gravity import distance, tiled
from flowmodel.gravity import operator as kernel
from flowmodel.gravity.barriers import Place
from flowmodel.gravity.decay import LAWS
from flowmodel.parameters.registry import Parameters
from flowmodel.zones import cells as grids
from flowmodel.zones.cells import GridCells

pytestmark = pytest.mark.usefixtures("compiled_quickly")

COUNTIES, SHAPE, CELL_KM = 12, (14, 17), 20.0


@dataclasses.dataclass(frozen=True)
class Case:
    """Cells of twelve counties, with a covariate by cell in some of them."""

    model: setup.Setup
    parameters: Parameters
    cells: GridCells
    support: downscaling.Support

    def kernel(self, within: operator.Within) -> operator.GridKernel:
        offset = float(self.model.registry["offset_km"].fixed)
        return operator.build(self.parameters, self.cells, self.model.table, offset, within=within, dtype="float64")

    @property
    def calendar(self) -> Calendar:
        return jax.tree.map(lambda path: path[0], self.model.calendar)


@pytest.fixture(scope="module")
def case() -> Case:
    config = worlds.configuration()
    model = setup.build(worlds.table(COUNTIES), config, jnp.float64)
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    seats = rng.uniform((0, 0), SHAPE, (COUNTIES, 2))
    zone = np.argmin((y[..., None] - seats[:, 0]) ** 2 + (x[..., None] - seats[:, 1]) ** 2, axis=-1).astype(np.int32)
    zone[rng.random(SHAPE) < 0.15] = -1
    people = np.where(zone >= 0, np.exp(rng.normal(8, 2, SHAPE)), 0.0)
    people[3, 4] = 0.0
    school = np.where(rng.random(SHAPE) < 0.5, rng.normal(9, 1, SHAPE), np.nan).astype(np.float32)
    cells = GridCells(
        population=people,
        zone=zone,
        east=x > y,
        covariates={config.model.attraction[0]: school},
        x=1000 * CELL_KM * np.arange(SHAPE[1]),
        y=-1000 * CELL_KM * np.arange(SHAPE[0]),
        cell_km=CELL_KM,
        crs_wkt="",
        inputs=[],
        synthetic=True,
    )
    parameters = model.registry.parameters(model.registry.vector(worlds.TRUTH))
    names = config.model.attraction, config.model.departure
    return Case(model, parameters, cells, downscaling.support(cells, model.table, model.zones, parameters, names))


@dataclasses.dataclass(frozen=True)
class Plain:
    """A year as sums over all pairs of cells that are zones, float64 NumPy."""

    flow: np.ndarray
    inside: np.ndarray
    at: tuple[np.ndarray, np.ndarray]


def plain(case: Case, within: str) -> Plain:
    """F_cc' = leavers_c K_cc' w_c' / (sum over other counties), from the rules as docs/model.md has them."""
    p, z, cells = case.parameters, case.model.zones, case.cells
    at = np.nonzero(cells.zone >= 0)
    county, people = cells.zone[at], cells.population[at]
    of_county = np.bincount(county, people, COUNTIES)
    utility = float(p.mass) * np.log(np.where(of_county > 0, of_county, 1)) + np.asarray(z.attraction @ p.attraction)
    pull = np.exp(utility)[county] * people / of_county[county]
    name = next(iter(cells.covariates))
    column = case.model.table.covariate(name)
    apart = cells.covariates[name][at] - column[county]
    pull *= np.exp(np.where(np.isfinite(apart), apart, 0) / column.std() * float(p.attraction[0]))
    logit = float(p.departure_level) + np.asarray(z.departure @ p.departure)[county]
    logit += np.where(np.isfinite(apart), apart, 0) / column.std() * float(p.departure[0])
    leavers = people * expit(logit)
    weight = pairs(case, at) * pull
    same = county[:, None] == county
    beyond = np.where(same, 0, weight)
    push = leavers / beyond.sum(axis=1)
    inside = push[:, None] * np.where(same, weight, 0) if within == "kernel" else np.zeros_like(weight)
    return Plain(push[:, None] * beyond, inside, at)


def pairs(case: Case, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """K over all pairs of cells that are zones, zero for a cell with itself."""
    p, cells, table = case.parameters, case.cells, case.model.table
    county, east = cells.zone[at], cells.east[at]
    row, column = (CELL_KM * index.astype(float) for index in at)
    km = np.hypot(row[:, None] - row, column[:, None] - column) + float(case.model.registry["offset_km"].fixed)
    province, prefecture = table.indices("province")[county], table.indices("prefecture")[county]
    utility = -float(p.decay[0]) * np.log(km / 300)
    utility -= float(p.barriers["other_province"]) * (province[:, None] != province)
    utility += float(p.barriers["same_prefecture"]) * (prefecture[:, None] == prefecture)
    out, back = (float(p.barriers[name]) for name in ("divide_east_west", "divide_west_east"))
    utility -= out * (east[:, None] & ~east) + back * (~east[:, None] & east)
    return np.exp(utility) * (1 - np.eye(len(county)))


# The differences of a covariate from its county's are kept in float32.
CLOSE = {"rtol": 2e-7, "atol": 1e-9}


@pytest.mark.parametrize("within", ["none", "kernel"])
def test_a_year_is_the_sum_over_pairs_of_cells(case: Case, within: operator.Within) -> None:
    made, expected = case.kernel(within), plain(case, within)
    done = year.year(case.parameters, case.support, made, jnp.asarray(case.cells.population), case.calendar)
    total = expected.flow + expected.inside
    np.testing.assert_allclose(np.asarray(done.outflow)[expected.at], total.sum(axis=1), **CLOSE)
    np.testing.assert_allclose(np.asarray(done.inflow)[expected.at], total.sum(axis=0), **CLOSE)
    county = case.cells.zone[expected.at]
    inside = np.bincount(county, expected.inside.sum(axis=1), COUNTIES)
    np.testing.assert_allclose(done.accounts.inside, inside, **CLOSE)
    between = np.bincount(county, expected.flow.sum(axis=0), COUNTIES)
    np.testing.assert_allclose(done.accounts.inflow, between, **CLOSE)
    outside = case.cells.zone < 0
    for field in (done.residents, done.inflow, done.outflow):
        assert not np.asarray(field)[outside].any()
    rollout.check(done, 2010)


def test_flows_between_counties_are_added_up_from_cells(case: Case) -> None:
    made, expected = case.kernel("none"), plain(case, "none")
    at = year.first_pressure(case.parameters, case.support, made, jnp.asarray(case.cells.population))
    origins = np.array([7, 2], np.int32)
    rows = np.asarray(year.flows_from(case.support, made, at, jnp.asarray(origins)))
    belongs = (case.cells.zone[expected.at][:, None] == np.arange(COUNTIES)).astype(float)
    np.testing.assert_allclose(rows, (belongs.T @ expected.flow @ belongs)[origins], **CLOSE)


def test_departures_are_those_of_the_county_model(case: Case) -> None:
    bare = dataclasses.replace(case.support, pulled=None, sent=None)
    made = case.kernel("kernel")
    done = year.year(case.parameters, bare, made, jnp.asarray(case.cells.population), case.calendar)
    people = case.cells.by_county(case.cells.population, COUNTIES)
    counted = against_counties.county_model(case.model, case.parameters, people, case.calendar)
    np.testing.assert_allclose(done.accounts.outflow, counted.moved.outflow, rtol=1e-9)
    np.testing.assert_allclose(done.accounts.births, counted.moved.births, rtol=1e-12)
    rows = counted.rows(np.array([5, 1]))
    np.testing.assert_allclose(rows.sum(axis=1), np.asarray(counted.moved.outflow)[[5, 1]], rtol=1e-12)


def test_the_spectral_operator_is_the_tiled_one(case: Case) -> None:
    at = np.nonzero(case.cells.zone >= 0)
    county = case.cells.zone[at]
    table = case.model.table
    place = Place(
        index=jnp.arange(len(county), dtype=jnp.int32),
        province=jnp.asarray(table.indices("province"))[county],
        prefecture=jnp.asarray(table.indices("prefecture"))[county],
        east=jnp.asarray(case.cells.east[at]),
    )
    where = distance.on_plane(*(CELL_KM * index.astype(float) for index in at), dtype=np.float64)
    offset = float(case.model.registry["offset_km"].fixed)
    other = kernel.build(case.parameters, tiled.tiles(where, place, offset, 64))
    weight = np.zeros(SHAPE)
    weight[at] = np.random.default_rng(5).random(len(county))
    both = case.kernel("kernel").reach(jnp.asarray(weight))
    np.testing.assert_allclose(np.asarray(sum(both))[at], other.matvec(jnp.asarray(weight[at])), rtol=1e-10)
    arrivals = case.kernel("kernel").arrivals(jnp.asarray(weight))
    np.testing.assert_allclose(np.asarray(arrivals)[at], other.rmatvec(jnp.asarray(weight[at])), rtol=1e-10)


def test_a_person_lost_between_the_two_sides_is_caught(case: Case) -> None:
    made = case.kernel("none")
    done = year.year(case.parameters, case.support, made, jnp.asarray(case.cells.population), case.calendar)
    lost = dataclasses.replace(done.accounts, inflow=done.accounts.inflow.at[4].add(-1.5))
    with pytest.raises(NumericError, match=r"E-ACCOUNT-ZONE.*county 4"):
        rollout.check(dataclasses.replace(done, accounts=lost), 2010)
    fewer = dataclasses.replace(done.accounts, closing=done.accounts.closing * (1 - 1e-8))
    with pytest.raises(NumericError, match="E-ACCOUNT-NATION"):
        rollout.check(dataclasses.replace(done, accounts=fewer), 2010)
    with pytest.raises(NumericError, match=r"E-ACCOUNT-NEGATIVE.*row 2, column 3"):
        rollout.check(dataclasses.replace(done, residents=done.residents.at[2, 3].set(-1.0)), 2010)


def test_sampled_counties_are_of_every_size() -> None:
    people = np.array([1.0, 5.0, 100.0, 20.0, 3.0, 60.0, 11.0])
    drawn = against_counties.sample(people, 4)
    assert people[drawn].max() == 100
    assert people[drawn].min() < 60
    assert len(against_counties.sample(people, 700)) == 7


def test_scores_of_equal_flows_are_perfect() -> None:
    codes = np.array(["a", "b", "c"])
    cells = np.array([[0.0, 2.0, 3.0]])
    flows = against_counties.table(codes, np.array([0]), cells, cells)
    assert flows["destination"].tolist() == ["b", "c"]
    found = against_counties.scores(flows, np.array([10.0, 3000.0]))
    assert found["common_part"] == found["ratio"] == 1
    assert found["by_distance"]["0-50 km"]["by_cells"] == 2
    assert found["by_distance"]["1600-inf km"]["by_counties"] == 3


@pytest.mark.parametrize(("name", "value"), [("population", -1.0), ("population", np.nan), ("zone", 99)])
def test_a_grid_with_impossible_numbers_is_refused(case: Case, name: str, value: float) -> None:
    values = getattr(case.cells, name).copy()
    values[0, 0] = value
    with pytest.raises(ZonesError, match=r"E-GRID-FILE.*row 0, column 0"):
        grids.check("grid.nc", dataclasses.replace(case.cells, **{name: values}), COUNTIES)


def test_people_where_there_is_no_zone_are_refused(case: Case) -> None:
    row, column = (int(index[0]) for index in np.nonzero(case.cells.zone < 0))
    people = case.cells.population.copy()
    people[row, column] = 3
    with pytest.raises(ZonesError, match=r"E-GRID-FILE.*people in a cell outside all counties"):
        grids.check("grid.nc", dataclasses.replace(case.cells, population=people), COUNTIES)


def test_cells_follow_another_decay_law_as_direct_sums_do(case: Case) -> None:
    law, offset = LAWS["exponential"], 10.0
    made = operator.build(
        case.parameters, case.cells, case.model.table, offset, within="none", dtype="float64", law=law
    )
    at = np.nonzero(case.cells.zone >= 0)
    pull = np.random.default_rng(1).uniform(1, 2, SHAPE)
    reach = np.asarray(made.reach(jnp.asarray(pull))[0])[at]
    rows = direct_sums.rows(case.parameters, case.cells, case.model.table, offset, law)
    km = direct_sums.in_the_plane(case.cells)
    for row in (0, 50, len(reach) - 1):
        assert reach[row] == pytest.approx(rows.reach(row, km, pull[at]), rel=1e-11)
