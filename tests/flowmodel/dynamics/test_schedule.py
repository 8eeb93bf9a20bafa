"""Values over years: paths of births and deaths, and a further path, which shifts a parameter of every model."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import stock_worlds
import worlds

from flowmodel.dynamics import schedule
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.dynamics.residents import rollout, setup
from flowmodel.errors import ConfigError

SHIFT = 0.4


def test_a_path_is_linear_between_its_years_and_constant_beyond() -> None:
    points = {2012: 1.0, 2014: 2.0}
    np.testing.assert_allclose(schedule.over_years(points, (2010, 2016), 1.0), [1, 1, 1.25, 1.75, 2, 2])
    np.testing.assert_array_equal(schedule.over_years({}, (2010, 2013), 0.5), [0.5] * 3)


def test_an_unknown_path_is_refused() -> None:
    config = worlds.configuration("model.schedule={mobility={2010=0.1}}")
    with pytest.raises(ConfigError, match=r"E-SCHEDULE.*mobility"):
        schedule.calendar(config.model, config.model.years)


@pytest.fixture
def mobility(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of its own for national mobility."""
    monkeypatch.setitem(schedule.SHIFTS, "mobility", "departure_level")


@pytest.mark.usefixtures("mobility")
def test_a_path_shifts_its_parameter_among_residents() -> None:
    config = worlds.configuration("model.schedule={mobility={2010=0.4}}")
    built = setup.build(worlds.table(12), config, np.float64)
    plain = setup.build(worlds.table(12), worlds.configuration(), np.float64)
    parameters = built.registry.parameters(built.registry.prior_centres())
    shifted = dataclasses.replace(parameters, departure_level=parameters.departure_level + SHIFT)
    found = rollout.residents(parameters, built.zones, built.pairs, built.calendar)
    expected = rollout.residents(shifted, plain.zones, plain.pairs, plain.calendar)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert not np.allclose(found, rollout.residents(parameters, plain.zones, plain.pairs, plain.calendar), rtol=1e-6)


@pytest.mark.usefixtures("mobility")
@pytest.mark.parametrize("path", ["factored", "pairwise"])
def test_a_path_shifts_its_parameter_with_registration(path: str) -> None:
    case = stock_worlds.case(21, "one", stock_worlds.switches("both"), zones=10, years=2)
    parameters, country = stock_worlds.parameters_of(case), stock_worlds.country_of(case)
    calendar = dataclasses.replace(country.calendar, shifts={"mobility": jnp.full(2, SHIFT)})
    (group,) = parameters.groups
    choice = dataclasses.replace(group.choice, departure_level=group.choice.departure_level + SHIFT)
    shifted = dataclasses.replace(parameters, groups=(dataclasses.replace(group, choice=choice),))
    decade = {"factored": factored.decade, "pairwise": pairwise.decade}[path]
    found = decade(parameters, dataclasses.replace(country, calendar=calendar)).residents
    np.testing.assert_allclose(found, decade(shifted, country).residents, rtol=1e-12)
