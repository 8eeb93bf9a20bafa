"""Paths over years: their values, and a new path, which needs one line of the configuration's sections."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import stock_worlds
import worlds
from pydantic import create_model

from flowmodel.config import Natural
from flowmodel.config.fields import RatePath
from flowmodel.dynamics import schedule
from flowmodel.dynamics.registered.country import Country
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.residents import rollout, setup
from flowmodel.dynamics.schedule import Calendar
from flowmodel.parameters.registered import RegisteredParameters


def test_a_path_is_linear_between_its_years_and_constant_beyond() -> None:
    np.testing.assert_allclose(schedule.path({2012: 1.0, 2014: 2.0}, (2010, 2016)), [1, 1, 1.25, 1.75, 2, 2])
    np.testing.assert_array_equal(schedule.path({}, (2010, 2013)), np.ones(3))


def test_a_new_path_is_one_more_key_of_natural() -> None:
    wider = create_model("wider", __base__=Natural, departure_path=(RatePath, {}))
    asked = wider.model_validate({"departure_path": {2010: 0.5}, "birth_path": {2010: 1.2}})
    found = schedule.calendar(asked, (2010, 2012))
    np.testing.assert_array_equal(found.of("departure"), [0.5, 0.5])
    np.testing.assert_array_equal(found.of("birth"), [1.2, 1.2])
    assert found.years == 2
    assert found.of("conversion") == 1


def with_path(calendar: Calendar, rate: str, value: float) -> Calendar:
    return Calendar(calendar.multipliers | {rate: jnp.full(calendar.years, value)})


def test_nobody_leaves_a_zone_in_years_without_departures() -> None:
    built = setup.build(worlds.table(12), worlds.configuration(), np.float64)
    parameters = built.registry.parameters(built.registry.prior_centres())
    still = with_path(built.calendar, "departure", 0.0)
    _, moved = rollout.history(parameters, built.zones, built.pairs, still)
    assert not np.asarray(moved.outflow).any()


def country_without(*rates: str) -> tuple[RegisteredParameters, Country]:
    """A small world whose rates named are zero in every year."""
    case = stock_worlds.case(21, "one", stock_worlds.switches("both"), zones=10, years=1)
    country = stock_worlds.country_of(case)
    calendar = country.calendar
    for rate in rates:
        calendar = with_path(calendar, rate, 0.0)
    return stock_worlds.parameters_of(case), dataclasses.replace(country, calendar=calendar)


@pytest.mark.parametrize("rate", ["departure", "return", "conversion"])
def test_each_rate_of_the_factored_path_stops_where_its_path_is_zero(rate: str) -> None:
    moved = factored.history(*country_without(rate))[2][0]
    rates = {"departure": moved.push, "return": 1 - moved.origin * moved.residence, "conversion": moved.converted}
    assert not np.asarray(rates.pop(rate)).any()
    assert all(np.asarray(other).any() for other in rates.values())


def test_each_rate_of_the_pairwise_path_stops_where_its_path_is_zero() -> None:
    everything = [pairwise.history(*country_without(*rates)).records for rates in (("departure",), ("return",))]
    assert all(np.asarray(record.inflow).any() and np.asarray(record.converted_in).any() for record in everything)
    nothing = pairwise.history(*country_without("departure", "return", "conversion")).records
    assert not np.asarray(nothing.inflow).any()
    assert not np.asarray(nothing.converted_in).any()
