"""The first stock and all slopes and curvatures of the registered stock, against differences of the product's values.

What belongs here: the fitting of the first stock and its derivative in both modes, gradients of the end of both paths
by every parameter, second derivatives of the factored path, and gradients where nobody can move.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import stock_twin as twin
import stock_worlds
from jax.flatten_util import ravel_pytree
from stock_worlds import EVERYTHING, Case, close, compiled, switches

from flowmodel.dynamics.registered.country import Decade
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.gravity import ipf, pair
from flowmodel.gravity.adjoint import through_strengths
from flowmodel.gravity.bands import Banded, Bands, no_band_factors
from flowmodel.gravity.ipf import Sides

pytestmark = pytest.mark.usefixtures("compiled_quickly")

PATHS = {"factored": factored.decade, "pairwise": pairwise.decade}
FIRST = {
    "margins of nobody": stock_worlds.case(3, "one", switches("both"), hard=True),
    "plain": stock_worlds.case(4, "one", switches("both")),
}

# The first stock.


def sides_of(case: Case, group: int = 0) -> Sides:
    return Sides(*(jnp.asarray(case.margins[name][group]) for name in ("out", "near", "far")))


def table(potentials: Sides, strength: jax.Array, case: Case) -> jax.Array:
    near = jnp.asarray(twin.same(case.world.province))
    return potentials.out[:, None] * strength * jnp.where(near, potentials.near[None, :], potentials.far[None, :])


@pytest.mark.parametrize("case", FIRST.values(), ids=FIRST)
def test_first_stock(case: Case) -> None:
    country, group = stock_worlds.country_of(case), stock_worlds.parameters_of(case).groups[0]
    coefficients = pair.coefficients(group.choice)
    pairs, margins = pairwise.pairs_of(country), sides_of(case)
    potentials, rounds, error = compiled(ipf.rounds)(country.pairs.strength(coefficients), margins)
    assert 1 < int(rounds) < 500
    assert float(error) <= ipf.tolerance(np.float64)
    expected = twin.initial_away(case.world, case.values[0], *(np.asarray(m) for m in vars(margins).values()))
    close(table(potentials, pairs.strength(coefficients).matrix, case), expected, 1e-10)


@pytest.mark.parametrize("tile", [None, 7])
def test_derivative_of_the_first_stock_by_reverse_and_by_forward_mode(tile: int | None) -> None:
    case = FIRST["margins of nobody"]
    country, dense = stock_worlds.country_of(case, tile=tile), pairwise.pairs_of(stock_worlds.country_of(case))
    pairs, margins = country.pairs, sides_of(case)
    start = pair.coefficients(stock_worlds.parameters_of(case).groups[0].choice)
    weight = jnp.asarray(np.random.default_rng(2).normal(size=(30, 30)))
    tap = no_band_factors(30, float, 2)

    def run(strengths: tuple[Banded, ...], taps: tuple[Bands, ...], margins: Sides) -> Sides:
        return ipf.fit(strengths[0], margins, taps[0])

    def read(potentials: Sides, coefficients: jax.Array) -> jax.Array:
        return jnp.sum(weight * table(potentials, dense.strength(coefficients).matrix, case)) / 1e4

    def by_reverse(coefficients: jax.Array) -> jax.Array:
        return read(through_strengths(run, (0,))(coefficients[None], pairs, (tap,), margins), coefficients)

    def by_forward(coefficients: jax.Array) -> jax.Array:
        (potentials,) = ipf._potentials(pairs.strength(coefficients), margins)
        return read(potentials, coefficients)

    both = compiled(jax.value_and_grad(by_reverse))
    gradient = both(start)[1]
    forward = compiled(jax.jacfwd(by_forward))(start)
    expected = slopes(lambda moved: np.asarray(both(moved)[0]), np.asarray(start))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())
    np.testing.assert_allclose(forward, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


# Slopes and curvatures.


def slopes(reading: Callable[[np.ndarray], np.ndarray], at: np.ndarray, step: float = 2e-3) -> np.ndarray:
    """Derivatives by every number of `at`, from central differences of sixth order, along the first axis."""
    weighted = ((1, 45.0), (2, -9.0), (3, 1.0))
    return np.stack(
        [
            sum(w * (reading(at + k * step * to) - reading(at - k * step * to)) for k, w in weighted) / (60 * step)
            for to in np.eye(len(at))
        ]
    )


def weights_of(case: Case) -> Decade:
    """A reading of the end in which every number counts."""
    rng = np.random.default_rng(11)
    groups, zones = case.margins["home"].shape
    blocks = (jnp.asarray(rng.normal(size=(groups, zones)) / 1e4) for _ in range(4))
    return Decade(*blocks, jnp.asarray(rng.normal(size=(4, 4)) / 1e3))


def reading_of(
    path: Callable[..., Any], case: Case, weights: Any = None
) -> tuple[Callable[[jax.Array], jax.Array], jax.Array]:
    """A number read from the end as a function of the parameters' vector, and that vector."""
    country, weights = stock_worlds.country_of(case), weights_of(case) if weights is None else weights
    vector, restore = ravel_pytree(stock_worlds.parameters_of(case))

    def read(vector: jax.Array) -> jax.Array:
        end = path(restore(vector), country, provinces=True)
        return sum((jnp.vdot(a, b) for a, b in zip(jax.tree.leaves(end), jax.tree.leaves(weights), strict=True)), 0.0)

    return read, vector


SMALL = {
    "factored": stock_worlds.case(12, "skills", switches("both"), zones=16, years=3, most=2, hard=True),
    "pairwise": stock_worlds.case(13, "skills_ages", EVERYTHING, zones=16, years=3, most=2, hard=True),
}


NOWHERE = {"noise", "noise_size"}
IDLE = {"factored": NOWHERE | {"network", "competing", "nest", "onward_level"}, "pairwise": NOWHERE}
"""Parameters that change nothing on the path, of any group."""


def names_of(case: Case, zero: np.ndarray) -> list[str]:
    """Names of the parameters of which every group's numbers are `zero`."""
    _, restore = ravel_pytree(stock_worlds.parameters_of(case))
    groups = [dataclasses.asdict(group) for group in restore(jnp.asarray(zero, float)).groups]
    known = [group | group["choice"] | group["choice"]["barriers"] for group in groups]
    return [
        name for name in known[0] if name not in ("choice", "barriers") and all(np.all(group[name]) for group in known)
    ]


@pytest.mark.parametrize("path", PATHS)
def test_gradient(path: str) -> None:
    read, vector = reading_of(PATHS[path], SMALL[path])
    both = compiled(jax.value_and_grad(read))
    gradient = np.asarray(both(vector)[1])
    expected = slopes(lambda moved: np.asarray(both(moved)[0]), np.asarray(vector))
    assert set(names_of(SMALL[path], gradient == 0)) == IDLE[path]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_second_derivatives_of_the_factored_path() -> None:
    read, vector = reading_of(
        factored.decade, stock_worlds.case(14, "one", switches("both"), zones=16, years=3, hard=True)
    )
    at = np.asarray(vector)
    along = compiled(lambda at, towards: jax.jvp(jax.grad(read), (at,), (towards,)))
    for towards in np.random.default_rng(15).normal(size=(4, len(at))):
        gradients = functools.partial(lambda towards, h: np.asarray(along(at + h[0] * towards, towards)[0]), towards)
        expected = slopes(gradients, np.zeros(1))[0]
        np.testing.assert_allclose(along(at, towards)[1], expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


# Nobody moves.


@pytest.mark.parametrize("path", PATHS)
def test_nobody_leaves_where_nothing_is_in_reach(path: str) -> None:
    """All live in one zone, so that its people grow by births and deaths alone, and no slope is lost in 0 / 0."""
    processes = {"factored": switches("both"), "pairwise": EVERYTHING}[path]
    case = stock_worlds.case(16, "one", processes, zones=4, years=2)
    alone = np.arange(4) == 2
    case = dataclasses.replace(case, margins={name: v * alone * (name == "home") for name, v in case.margins.items()})
    read, vector = reading_of(lambda *inputs, **_: PATHS[path](*inputs).residents[0], case, np.asarray(alone, float))
    value, gradient = compiled(jax.value_and_grad(read))(vector)
    world, births = case.world, case.values[0].birth_adjustment
    growth = 1 + world.birth_rate[0, 2] * world.birth_path * births - world.death_rate[0, 2] * world.death_path
    assert float(value) == pytest.approx(case.margins["home"][0, 2] * growth.prod(), rel=1e-12)
    assert np.isfinite(gradient).all()
    assert set(names_of(case, gradient != 0)) == {"birth_adjustment"}
