"""Accounts: they close, and they stop closing when one side of one flow is touched."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from flowmodel.dynamics.residents import accounts, rollout, setup
from flowmodel.dynamics.residents.run import run as run_residents
from flowmodel.errors import NumericError
from flowmodel.gravity import operator as kernel


@pytest.fixture(scope="module")
def built():
    config = worlds.configuration()
    return setup.build(worlds.table(120), config, jnp.float64)


@pytest.fixture(scope="module")
def parameters(built):
    return built.registry.parameters(built.registry.vector(worlds.TRUTH))


def test_every_zone_and_year_closes(built, parameters):
    closed = run_residents(built, parameters)
    assert closed.closing.shape == (10, 120)
    assert np.abs(closed.residual()).max() < 1e-6
    assert np.abs(closed.national_residual()).max() < 1e-13
    assert (closed.inflow > 0).all()
    np.testing.assert_allclose(closed.inflow.sum(axis=1), closed.outflow.sum(axis=1), rtol=1e-13)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(scores=st.lists(st.floats(-4, 4), min_size=11, max_size=11), empty=st.sets(st.integers(0, 119), max_size=100))
def test_nobody_is_lost_whatever_the_parameters_and_wherever_nobody_lives(built, scores, empty):
    natural = [entry.from_score(score) for entry, score in zip(built.registry.free, scores, strict=False)]
    bounds = [(entry.lower, entry.upper) for entry in built.registry.free]
    clipped = np.clip(natural, *np.array(bounds).T)
    people = built.zones.population.at[np.array(sorted(empty), int)].set(0.0)
    model = dataclasses.replace(built, zones=dataclasses.replace(built.zones, population=people))
    closed = run_residents(model, built.registry.parameters(jnp.asarray(clipped)))
    assert np.abs(closed.residual()).max() < 1e-3
    assert (closed.closing[:, sorted(empty)] == 0).all()
    born = (closed.births - closed.deaths).sum()
    assert closed.closing[-1].sum() == pytest.approx(float(people.sum()) + born, rel=1e-12)


def test_crossings_are_the_flows_between_the_sides(built, parameters):
    closed = run_residents(built, parameters)
    east = built.table.values("east").astype(bool)
    born = (closed.births - closed.deaths)[:, east].sum(axis=1)
    change = (closed.closing - closed.opening)[:, east].sum(axis=1)
    np.testing.assert_allclose(change - born, closed.cross_divide[:, 1] - closed.cross_divide[:, 0], rtol=1e-9)


def test_perturbing_one_side_of_one_flow_is_caught(built, parameters):
    states, moved = rollout.history(parameters, built.zones, built.pairs, built.calendar)
    operator = kernel.build(parameters, built.pairs)
    matrix = operator.strength.matrix
    flow = float(moved.push[3, 5] * operator.origin[5] * matrix[5, 9] * operator.destination[9] * moved.pull[3, 9])
    # One way of one pair is changed so that a person and a half more leave zone 5 for zone 9 in the fourth year.
    other = dataclasses.replace(operator.strength, matrix=matrix.at[5, 9].multiply(1 + 1.5 / flow))
    bent = dataclasses.replace(operator, strength=other)
    start, east = np.asarray(built.zones.population), built.table.values("east")
    whole = accounts.accounts(start, np.asarray(states), moved, operator, east)
    accounts.check(whole, built.table.codes, 2010)
    lost = accounts.accounts(start, np.asarray(states), moved, bent, east)
    assert lost.residual()[3, 5] == pytest.approx(-1.5, abs=1e-3)
    with pytest.raises(NumericError, match=r"E-ACCOUNT-ZONE.*year 20"):
        accounts.check(lost, built.table.codes, 2010)


def test_a_leak_too_small_for_any_zone_is_caught_in_the_nation(built, parameters):
    closed = run_residents(built, parameters)
    leaking = dataclasses.replace(closed, closing=closed.closing * (1 + 1e-7 / closed.closing * 1e6))
    assert np.abs(leaking.residual()).max() < 1
    with pytest.raises(NumericError, match="E-ACCOUNT-NATION"):
        accounts.check(leaking, built.table.codes, 2010)


def test_negative_and_missing_residents_are_caught(built, parameters):
    closed = run_residents(built, parameters)
    shift = np.zeros_like(closed.closing)
    shift[:, 7] = -2 * closed.closing[:, 7]
    sunk = dataclasses.replace(closed, closing=closed.closing + shift, inflow=closed.inflow + shift)
    with pytest.raises(NumericError):
        accounts.check(sunk, built.table.codes, 2010)
    missing = dataclasses.replace(closed, closing=np.where(shift < 0, np.nan, closed.closing))
    with pytest.raises(NumericError, match=f"zone {built.table.codes[7]}"):
        accounts.check(missing, built.table.codes, 2010)
