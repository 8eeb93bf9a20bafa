"""The registered stock with another decay law than the power law, on both paths, against the plain twin."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import stock_twin as twin
import stock_worlds
from stock_worlds import close, compiled, switches

from flowmodel.dynamics.registered.factored import rollout as factored
from flowmodel.dynamics.registered.factored.rollout import Country
from flowmodel.dynamics.registered.pairwise import rollout as pairwise
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


def country_of(law: Law) -> Country:
    country = stock_worlds.country_of(CASE)
    pairs = dataclasses.replace(country.banded.pairs, law=law)
    return dataclasses.replace(country, banded=dataclasses.replace(country.banded, pairs=pairs))


@pytest.mark.parametrize("name", TWINS)
def test_both_paths_follow_the_law(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "ln_decay", TWINS[name])
    values, start = stock_worlds.twin_of(CASE)
    expected = twin.residents(twin.run(CASE.world, values, CASE.switches, start)[-1][0])
    parameters, country = stock_worlds.parameters_of(CASE), country_of(LAW[name])
    for decade in (factored.decade, pairwise.decade):
        close(compiled(decade)(parameters, country).residents, expected, 1e-9)


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
