"""The registered stock with another decay law than the power law, on both paths, against the plain twin."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import stock_twin as twin
import stock_worlds
from stock_worlds import close, compiled, switches

from flowmodel.dynamics.registered.country import Country
from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
from flowmodel.gravity.bands import BandedPairs
from flowmodel.gravity.chosen_law import own
from flowmodel.gravity.decay import LAWS, Law
from flowmodel.parameters.registered import RegisteredParameters

CASE = stock_worlds.case(3, "one", switches("both"), zones=20, years=3)


def squeezed(distance_km: Any, scale: float = 300.0) -> Any:
    """A user's law that is not linear in its parameter."""
    return -((distance_km / scale) ** 0.5)


TWINS = {
    "exponential": lambda values, km: np.asarray(-values.distance * km / 300),
    "own": lambda values, km: np.asarray(-((km / values.distance) ** 0.5)),
}
LAW = {"exponential": LAWS["exponential"], "own": own(squeezed)}


def country_of(law: Law, tile: int | None = None) -> Country:
    country = stock_worlds.country_of(CASE, tile=tile)
    near, far = (dataclasses.replace(band, law=law) for band in (country.pairs.near, country.pairs.far))
    return dataclasses.replace(country, pairs=BandedPairs(near, far))


@pytest.mark.parametrize("name", TWINS)
def test_both_paths_follow_the_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "ln_decay", TWINS[name])
    values, start = stock_worlds.twin_of(CASE)
    expected = twin.residents(twin.run(CASE.world, values, CASE.switches, start)[-1][0])
    parameters = stock_worlds.parameters_of(CASE)
    for decade, tile in ((factored.decade, None), (factored.decade, 7), (pairwise.decade, None)):
        close(compiled(decade)(parameters, country_of(LAW[name], tile)).residents, expected, 1e-9)


@pytest.mark.parametrize("path", ["factored", "pairwise"])
def test_the_gradient_is_that_of_differences(path: str) -> None:
    country, start = country_of(LAW["own"]), stock_worlds.parameters_of(CASE)
    weight = jnp.asarray(np.random.default_rng(4).normal(size=len(CASE.world.lon)))
    decade = factored.decade if path == "factored" else pairwise.decade
    (group,) = start.groups

    @jax.jit
    def read(decay: jax.Array) -> jax.Array:
        choice = dataclasses.replace(group.choice, decay=decay)
        parameters = RegisteredParameters((dataclasses.replace(group, choice=choice),), start.observed)
        return jnp.sum(decade(parameters, country).residents @ weight)

    at = jnp.asarray([280.0])
    difference = (read(at + 0.01) - read(at - 0.01)) / 0.02
    assert float(jax.grad(read)(at)[0]) == pytest.approx(float(difference), rel=1e-6)
