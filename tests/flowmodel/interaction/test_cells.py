"""Every law under every constraint, on a rectangle with masked pairs, against the dense twin."""

import functools

import interaction_twin as twin
import jax.numpy as jnp
import numpy as np
import pytest
from interaction_worlds import DESTINATIONS, LAWS, ORIGINS, rectangle

from flowmodel.interaction.calibrate import calibrate
from flowmodel.interaction.model import pair
from flowmodel.interaction.model.pair import as_arrays
from flowmodel.interaction.model.table import home

pytestmark = pytest.mark.usefixtures("compiled_quickly")
CELLS = [(law, constraint) for law in LAWS for constraint in twin.EFFECTS]
KINDS = ("model", "robust", "cluster_origin", "cluster_destination", "two_way")
WORLD = rectangle("power")


def _close(found, expected, relative=1e-8):
    np.testing.assert_allclose(found, expected, rtol=relative, atol=relative * np.max(np.abs(expected), initial=0))


rectangle = functools.cache(rectangle)


@pytest.mark.parametrize("law", LAWS)
def test_factors_of_a_law(law):
    read, world, allowed = as_arrays(WORLD.table().pair), WORLD.world, WORLD.allowed
    expected = twin.terms(law, world)
    assert set(expected) == set(LAWS[law].terms)
    for name, term in LAWS[law].terms.items():
        _close(np.broadcast_to(term(read), allowed.shape)[allowed], expected[name][allowed], 1e-13)
    if LAWS[law].factor:
        _close(LAWS[law].factor(read)[allowed], twin.factor(law, world)[allowed], 1e-13)
    if LAWS[law].shape:
        names, curve = twin.shape(law, world)
        assert names == LAWS[law].shape.names
        for scale in (0.3, 1.0, 2.5):
            at = np.array(WORLD.problem(law, "doubly").start) * scale
            found = np.broadcast_to(LAWS[law].shape.rule(jnp.asarray(at), read), allowed.shape)
            _close(found[allowed], np.real(curve(at + 0j))[allowed], 1e-10)


def test_opportunities_counted_by_loops():
    world, place = WORLD.world, home(ORIGINS, DESTINATIONS)
    assert tuple(place) == world.home
    assert len(np.unique(world.distance)) < world.distance.size / 4  # ties
    for with_home in (False, True):
        rule = functools.partial(twin.intervening, world, with_home=with_home)
        found = pair.between(world.mass, world.distance, place, with_home=with_home)
        _close(found, twin.table(world, rule), 1e-13)
    _close(pair.everywhere(world.origin_mass, world.mass, place), [twin.everywhere(world, o) for o in range(7)], 1e-14)
    found = pair.competing(world.mass, world.between_destinations, place)
    _close(found, twin.table(world, lambda o, d: twin.competing(world, o, d)), 1e-12)


@pytest.mark.parametrize(("law", "constraint"), CELLS)
def test_a_law_under_a_constraint(law, constraint):
    world = rectangle(law)
    found = calibrate(world.table(), world.specification(law, constraint))
    expected = twin.fit(world.problem(law, constraint))
    assert found.optimum.converged
    assert found.built.names == expected.problem.names
    assert not found.separated.any()
    _close(found.estimates, list(expected.estimates.values()))
    error = np.sqrt(np.diagonal(expected.covariance("model")))
    scale = np.outer(error, error)  # of so few clusters a two-way variance may be below zero
    for kind in KINDS:
        _close(found.covariance(kind) / scale, expected.covariance(kind) / scale)
    _close(found.fitted[world.allowed], expected.fitted[world.allowed])
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-10)
    assert found.deviance == pytest.approx(expected.deviance, rel=1e-10)
    assert found.aic == pytest.approx(expected.aic, rel=1e-10)
    assert found.degrees == expected.parameters
    _margins(np.where(world.allowed, world.flow, 0), found.fitted, constraint)


def _margins(observed, fitted, constraint):
    assert fitted.sum() == pytest.approx(observed.sum(), rel=1e-10)
    for effect, axis in (("o", 1), ("d", 0)):
        if effect in twin.EFFECTS[constraint]:
            _close(fitted.sum(axis=axis), observed.sum(axis=axis), 1e-10)
