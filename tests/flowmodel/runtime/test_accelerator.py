"""What an accelerator must give: the answers of the host, to the digits that float32 has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import twin
from twin_worlds import PLAIN, country_of, parameters_of, product_parameters

from flowmodel.dynamics.residents import rollout
from flowmodel.gravity import distance, tiled
from flowmodel.gravity import operator as kernel
from flowmodel.gravity.spectral import operator, plan

pytestmark = pytest.mark.gpu


def test_the_stored_and_the_tiled_product_are_those_of_the_twin() -> None:
    dense, parameters = twin.kernel(PLAIN, parameters_of(PLAIN)), product_parameters(parameters_of(PLAIN))
    _, stored, _ = country_of(PLAIN, np.float32)
    where = distance.on_sphere(PLAIN.lon, PLAIN.lat, np.float32)
    vector = np.random.default_rng(7).random(60)
    for pairs in (stored, tiled.tiles(where, stored.place, PLAIN.offset_km, 16)):
        # Matrix products in TF32 would miss this by a hundredfold.
        found = kernel.build(parameters, pairs).matvec(jnp.asarray(vector))
        np.testing.assert_allclose(found, dense @ vector, rtol=1e-5)


def test_a_decade_is_that_of_the_twin() -> None:
    zones, pairs, years = country_of(PLAIN, np.float32)
    parameters = parameters_of(PLAIN)
    end = jax.jit(rollout.residents)(product_parameters(parameters), zones, pairs, years)
    np.testing.assert_allclose(end, twin.decade(PLAIN, parameters).residents[-1], rtol=1e-5)


def test_the_spectral_product_is_a_sum_over_pairs() -> None:
    rng = np.random.default_rng(3)
    shape, cell_km, offset_km = (30, 41), 5.0, 10.0
    everywhere = np.ones(shape, bool)
    cells = plan.on_device(plan.plan(everywhere, everywhere, cell_km, {}))
    parameters = product_parameters(parameters_of(PLAIN))
    made = operator.build(parameters, cells, jnp.asarray(offset_km), jnp.float32)
    weight = rng.random(shape)
    y, x = (index.ravel() * cell_km for index in np.indices(shape))
    km = np.hypot(y[:, None] - y, x[:, None] - x) + offset_km
    dense = (km / 300) ** -float(parameters.decay[0]) * (1 - np.eye(y.size))
    np.testing.assert_allclose(np.asarray(made.matvec(jnp.asarray(weight))).ravel(), dense @ weight.ravel(), rtol=1e-5)
