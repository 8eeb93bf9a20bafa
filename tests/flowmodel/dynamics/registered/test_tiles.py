"""The registered stock in tiles: values, slopes, curvatures and accounts, each against the dense form."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import children_tables
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import stock_worlds
from jax.flatten_util import ravel_pytree
from stock_worlds import Case, close, compiled, switches

from flowmodel import runtime
from flowmodel.dynamics.registered.accounts import Places
from flowmodel.dynamics.registered.country import Country
from flowmodel.dynamics.registered.factored import accounts, rollout
from flowmodel.dynamics.registered.run import strengths
from flowmodel.models.registered import Registered

CASES = {
    "both": stock_worlds.case(3, "one", switches("both"), hard=True),
    "learning": stock_worlds.case(4, "skills", switches("origin"), zones=25, years=2, most=2),
}
TILE = 7
history = compiled(rollout.history)


def reading(case: Case, vector: jax.Array, country: Country) -> jax.Array:
    """A number read from the end in which every count has a weight."""
    rng = np.random.default_rng(11)
    _, restore = ravel_pytree(stock_worlds.parameters_of(case))
    end = rollout.decade(restore(vector), country, provinces=True)
    return sum((jnp.vdot(jnp.asarray(rng.random(one.shape)), one) / 1e4 for one in jax.tree.leaves(end)), 0.0)


def both(case: Case, dtype: Any, of: Any) -> tuple[Any, Any]:
    """A function of (vector, country) in the dense form and in tiles."""
    vector, _ = ravel_pytree(stock_worlds.parameters_of(case))
    run = compiled(of)
    return tuple(run(vector, stock_worlds.country_of(case, dtype, tile)) for tile in (None, TILE))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "dtype", "rtol"),
    [
        ("both", np.float64, 1e-12),
        pytest.param("learning", np.float64, 1e-12, marks=pytest.mark.long),
        ("both", np.float32, 1e-5),
    ],
)
def test_values_and_slopes_are_those_of_the_dense_form(name: str, dtype: type, rtol: float) -> None:
    dense, tiled = both(CASES[name], dtype, jax.value_and_grad(functools.partial(reading, CASES[name])))
    assert float(tiled[0]) == pytest.approx(float(dense[0]), rel=rtol)
    slope = np.asarray(dense[1])
    # A slope is a difference of sums as large as the largest slope: its digits are counted from there.
    np.testing.assert_allclose(tiled[1], slope, rtol=rtol, atol=rtol * np.abs(slope).max())
    assert np.count_nonzero(slope) > 20


@pytest.mark.long
def test_curvatures_in_float32_are_those_of_the_dense_form() -> None:
    """In float32 a tile's exponential ends in integers, so that its derivative is a rule of its own."""
    case = stock_worlds.case(14, "one", switches("both"), zones=16, years=1)
    towards = jnp.asarray(np.random.default_rng(15).normal(size=len(ravel_pytree(stock_worlds.parameters_of(case))[0])))

    def curvature(vector: jax.Array, country: Country) -> jax.Array:
        gradient = jax.grad(functools.partial(reading, case))
        return jax.jvp(lambda at: gradient(at, country), (vector,), (towards,))[1]

    dense, tiled = map(np.asarray, both(case, np.float32, curvature))
    np.testing.assert_allclose(tiled, dense, rtol=1e-4, atol=1e-4 * np.abs(dense).max())


def closed(case: Case, tile: int | None) -> dict[str, np.ndarray]:
    """The accounts of a run in float64."""
    parameters, country = stock_worlds.parameters_of(case), stock_worlds.country_of(case, np.float64, tile)
    world = case.world
    places = Places(world.province, world.east, np.where(world.prefecture % 2 == 0, world.prefecture, -1))
    found = accounts.accounts(
        *history(parameters, country), strengths(parameters, country), case.margins["elsewhere"], places
    )
    assert abs(found.residual()).max() < 1e-6
    assert abs(found.registered_residual()).max() < 1e-6
    return {field.name: getattr(found, field.name) for field in dataclasses.fields(found) if field.name != "children"}


@pytest.mark.parametrize("name", CASES)
def test_accounts_are_those_of_the_dense_form(name: str) -> None:
    dense, tiled = closed(CASES[name], None), closed(CASES[name], TILE)
    for what, expected in dense.items():
        close(tiled[what], expected, 1e-11, what)


def test_a_derivative_keeps_no_matrix_of_pairs() -> None:
    case = stock_worlds.case(5, "one", switches("residence"), zones=1000, years=1)
    vector, _ = ravel_pytree(stock_worlds.parameters_of(case))
    of = runtime.program(jax.value_and_grad(functools.partial(reading, case)))
    planned = of.compiled(vector, stock_worlds.country_of(case, np.float32, 64))
    assert planned.memory_analysis().temp_size_in_bytes < 1000**2 * 4


def test_a_run_with_children_and_its_flows_are_those_of_the_dense_form() -> None:
    """From a configuration: the initial stock, the years, the accounts, the children, and the flows of a year."""
    config = children_tables.configuration("runtime.tile=9")
    table, found = children_tables.table(), {}
    for storage in ("dense", "tiled"):
        asked = config.model_copy(update={"runtime": config.runtime.model_copy(update={"storage": storage})})
        model = Registered.build(table, asked, Path(), jnp.float64)
        assert model.setup.storage.kind == storage
        natural = model.registry.prior_centres()
        found[storage] = model.run(natural), model.flows(natural, 2013)
    (dense, flows), (tiled, tiled_flows) = found["dense"], found["tiled"]
    for name in ("closing", "registered_closing", "stock_start", "stock", "in_city", "cross_divide"):
        close(getattr(tiled, name), getattr(dense, name), 1e-9, name)
    assert dense.children is not None
    for field in dataclasses.fields(dense.children):
        close(getattr(tiled.children, field.name), getattr(dense.children, field.name), 1e-9, field.name)
    close(tiled_flows, flows, 1e-9)
