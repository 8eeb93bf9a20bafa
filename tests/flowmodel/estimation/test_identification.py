"""What a fit says of its parameters together: intervals, flattest direction, profiles; each beside a closed form."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import toys
from scipy.optimize import brentq

from flowmodel.errors import ConfigError
from flowmodel.estimation import identification, inference, profile, search
from flowmodel.parameters.registry import Parameter

pytestmark = pytest.mark.usefixtures("compiled_quickly")
EDGE = 1.6448536269514722
PRECISION = np.array([[4.0, 3.5, 0.2], [3.5, 4.0, 0.0], [0.2, 0.0, 9.0]])
CENTRE = np.array([1.0, -2.0, 0.5])


@pytest.fixture
def gaussian():
    goal = toys.Gaussian(jnp.asarray(CENTRE), jnp.asarray(PRECISION), toys.registry("a", "b", "c"))
    return goal, toys.optimum(goal, *CENTRE), inference.infer(goal, jnp.asarray(CENTRE))


def quiet(*_):
    """No progress."""


def test_curvature_by_natural_values_is_that_of_the_formula(gaussian):
    goal, _, known = gaussian
    point = jnp.asarray([2.0, 1.0, -3.0])
    gradient, hessian = search.derivatives(goal, point)
    np.testing.assert_allclose(gradient, PRECISION @ (np.asarray(point) - CENTRE), rtol=1e-9)
    np.testing.assert_allclose(hessian, PRECISION, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(known.covariance, np.linalg.inv(PRECISION), rtol=1e-9)


def test_the_flattest_direction_is_told_in_words(gaussian):
    _, _, known = gaussian
    assert known.sloppy.words == "0.71 a - 0.71 b"
    assert list(known.sloppy.components) == ["a", "b", "c"]
    scaled = PRECISION / np.sqrt(np.outer(np.diag(PRECISION), np.diag(PRECISION)))
    assert known.sloppy.eigenvalue == pytest.approx(np.linalg.eigvalsh(scaled)[0])
    assert known.condition == pytest.approx(np.linalg.cond(scaled))


def test_the_data_alone_know_less_than_with_a_prior():
    names = toys.registry("a", "b", prior_sd=0.5)
    precision = jnp.asarray([[4.0, 4.0], [4.0, 4.0]])
    goal = toys.Gaussian(jnp.asarray([1.0, 1.0]), precision, names, priors=True)
    known = inference.infer(goal, jnp.asarray([1.0, 1.0]))
    assert known.condition == pytest.approx(3.0)
    assert known.condition_data == np.inf or known.condition_data > 1e12
    assert known.sloppy_data.eigenvalue == pytest.approx(0.0, abs=1e-9)
    assert known.sloppy.eigenvalue == pytest.approx(0.5)


def test_second_derivatives_that_are_not_symmetric_are_told(gaussian):
    _, _, known = gaussian
    assert known.asymmetry < 1e-9
    bent = PRECISION + np.array([[0, 0.4, 0], [0, 0, 0], [0, 0, 0]])
    assert identification.asymmetry(bent, np.ones(3, bool)) == pytest.approx(0.1)
    wrong = dataclasses.replace(known, asymmetry=0.1)
    assert wrong.warnings()[0].startswith("the second derivatives at the optimum are not symmetric")


def test_a_direction_keeps_to_parameters_off_their_bounds():
    found = identification.sloppy(PRECISION, np.array([True, False, True]), ("a", "b", "c"))
    assert set(found.components) == {"a", "c"}
    assert identification.sloppy(PRECISION, np.zeros(3, bool), ("a", "b", "c")) is None


@pytest.mark.parametrize(("scale", "ends"), [("natural", (-1.29, 5.29)), ("log", (2 / np.e**1.645, 2 * np.e**1.645))])
def test_an_interval_is_symmetric_on_the_scale_of_the_prior(scale, ends):
    lower = 1e-3 if scale == "log" else -10
    entry = Parameter("x", "x", "1", lower, 50, 2, 1, "", prior_scale=scale)
    np.testing.assert_allclose(inference.interval(entry, 2.0, 2.0), ends, rtol=1e-3)
    assert inference.interval(entry, 2.0, 1e6) == (lower, 50)
    assert np.isnan(inference.interval(entry, 2.0, np.nan)).all()


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_the_profile_of_a_normal_posterior_is_its_marginal(gaussian, name):
    goal, outcome, known = gaussian
    found = profile.profile(goal, outcome, known, name)
    position = "abc".index(name)
    se = np.sqrt(np.linalg.inv(PRECISION)[position, position])
    np.testing.assert_allclose(found.drop, ((found.values - CENTRE[position]) / se) ** 2 / 2, atol=1e-2)
    assert found.lower == pytest.approx(CENTRE[position] - EDGE * se, abs=0.02 * se)
    assert found.upper == pytest.approx(CENTRE[position] + EDGE * se, abs=0.02 * se)
    assert found.drop[0] > 2
    assert found.drop[-1] > 2
    assert len(found.values) <= 9
    assert found.better == 0
    assert (np.diff(found.values) > 0).all()


def test_a_skewed_profile_ends_where_the_likelihood_says():
    goal = toys.Poisson(jnp.asarray(3.0), toys.registry("a", "b", lower=1e-3, upper=50.0))
    found = profile.profile(goal, toys.optimum(goal, 3, 3), inference.infer(goal, jnp.asarray([3.0, 3.0])), "a")

    def rise(a):
        return a - 3 * np.log(a) - (3 - 3 * np.log(3)) - EDGE**2 / 2

    assert found.lower == pytest.approx(brentq(rise, 0.01, 3), rel=0.03)
    assert found.upper == pytest.approx(brentq(rise, 3, 30), rel=0.03)


def test_a_profile_that_never_rises_enough_is_open():
    names = toys.registry("a", "b", lower=-50.0, upper=50.0)
    goal = toys.Levelling(jnp.asarray(0.5), names)
    found = profile.profile(goal, toys.optimum(goal, 1, 1), inference.infer(goal, jnp.asarray([1.0, 1.0])), "a")
    assert found.upper is None
    assert found.lower == pytest.approx(1 - 0.5 * EDGE / np.sqrt(2), abs=0.02)
    assert found.as_dict()["open"] == ["upper"]
    assert profile.warnings((found,)) == ["a: its profile interval has no upper end"]


def test_a_parameter_at_its_bound_is_profiled_on_the_side_it_has():
    names = toys.registry("a", "b", lower=0.0, upper=50.0)
    goal = toys.Gaussian(jnp.asarray([-1.0, 3.0]), jnp.eye(2) * 4, names)
    known = inference.infer(goal, jnp.asarray([1e-7, 3.0]))
    assert known.status[0] == "at_bound"
    found = profile.profile(goal, toys.optimum(goal, 1e-7, 3), known, "a")
    assert found.lower is None
    assert found.upper == pytest.approx(brentq(lambda a: 2 * (a + 1) ** 2 - 2 - EDGE**2 / 2, 0, 2), rel=0.03)


def test_a_standard_error_far_off_does_no_harm_to_the_profile(gaussian):
    goal, outcome, known = gaussian
    for times in (0.2, 30):
        wrong = dataclasses.replace(known, se=known.se * times)
        found = profile.profile(goal, outcome, wrong, "c")
        assert found.lower == pytest.approx(CENTRE[2] - EDGE * known.se[2], abs=0.05 * known.se[2])
        assert found.upper == pytest.approx(CENTRE[2] + EDGE * known.se[2], abs=0.05 * known.se[2])
        assert (np.diff(found.values) > 0).all()


def test_a_point_below_the_optimum_is_told(gaussian):
    goal, _, known = gaussian
    short = toys.optimum(goal, *(CENTRE + [0.5, 0, 0]))
    found = profile.profile(goal, short, known, "a")
    assert found.better > 0.1
    assert any("the search ended before" in line for line in profile.warnings((found,)))


def test_points_compile_nothing_anew(gaussian):
    goal, outcome, known = gaussian
    profile.profile(goal, outcome, known, "a")
    compiled = search._lbfgs_chunk.count()
    profile.profiles(goal, outcome, known, ("a", "b"), quiet)
    assert search._lbfgs_chunk.count() == compiled


def test_a_descent_of_several_chunks_is_compiled_once():
    names = toys.registry("d", "e", "f")
    scaled = search.scaled_at(toys.Gaussian(jnp.asarray(CENTRE), jnp.asarray(PRECISION), names), jnp.zeros(3))
    before = search._lbfgs_chunk.count()
    _, values, _ = search.descend(scaled, jnp.zeros(3), jnp.diag(jnp.asarray([1.0, 0.01, 0.1])), 15, 1e-300)
    assert len(values) > 5
    assert search._lbfgs_chunk.count() == before + 1


def test_names_stand_for_both_directions_and_for_every_group():
    names = toys.registry("distance", "divide_east_west", "divide_west_east", "hukou@low", "hukou@high")
    assert profile.names(names, ("distance", "divide")) == ("distance", "divide_east_west", "divide_west_east")
    assert profile.names(names, ("hukou",)) == ("hukou@low", "hukou@high")
    assert profile.names(names, ("hukou@high",)) == ("hukou@high",)
    with pytest.raises(ConfigError, match=r"E-FIT-PROFILE.*distanc is not a fitted parameter.*such as distance"):
        profile.names(names, ("distanc",))
