"""A world that another decay law than the power law has made: the fit finds its parameters again."""

import jax.numpy as jnp
import pytest
import worlds

from flowmodel.dynamics.residents import setup
from flowmodel.dynamics.residents.run import run
from flowmodel.estimation import calibrate, synthetic
from flowmodel.estimation import objective as objectives

OWN = "def decay(distance_km, scale=150.0):\n    return -(distance_km / scale) ** 0.5\n"


@pytest.mark.parametrize(
    ("law", "truth"),
    [
        pytest.param("exponential", {"distance_rate": 0.8}, marks=pytest.mark.long),
        pytest.param("tanner", {"distance": 0.7, "distance_rate": 0.4}, marks=pytest.mark.long),
        ("own", {"law:scale": 220.0}),
    ],
)
def test_a_noise_free_world_is_recovered(law, truth, tmp_path):
    (tmp_path / "law.py").write_text(OWN)
    named = f'{{file="{tmp_path / "law.py"}", function="decay"}}' if law == "own" else f'"{law}"'
    others = {name: value for name, value in worlds.TRUTH.items() if name != "distance"}
    settings = [f"model.law={named}", f"truth={_toml(others | truth)}"]
    config = worlds.configuration(*settings)
    world = synthetic.observe(worlds.table(200), config)
    built = setup.build(world, config, jnp.float64)
    goal = objectives.objective(built, config.fit)
    found = calibrate.calibrate(
        goal, lambda n: run(built, built.registry.parameters(n)), config.fit, 0, lambda *_: None
    )
    assert found.outcome.verdict == "converged"
    values = built.registry.values(found.outcome.natural)
    for name, value in (others | truth).items():
        assert values[name] == pytest.approx(value, rel=5e-3, abs=5e-3), name


def _toml(values: dict[str, float]) -> str:
    return "{" + ", ".join(f'"{name}" = {value}' for name, value in values.items()) + "}"
