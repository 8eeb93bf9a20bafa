"""Every decay law in every storage: values and derivatives against tests/support/decay_twin and against differences."""

import dataclasses
import functools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import decay_twin
import grid_twin
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from checkout import ROOT
from grid_twin import OFFSET_KM, flat, uneven
from twin_worlds import PLAIN, country_of, parameters_of, product_parameters

from flowmodel.config import OwnLaw
from flowmodel.dynamics.residents import rollout
from flowmodel.errors import ConfigError, FlowsError
from flowmodel.gravity import distance, tiled
from flowmodel.gravity.chosen_law import chosen, own
from flowmodel.gravity.decay import LAWS, Law
from flowmodel.gravity.operator import Factors
from flowmodel.gravity.spectral.operator import build
from flowmodel.gravity.spectral.plan import on_device, plan
from flowmodel.interaction.model import laws as flow_laws

ALL = [*LAWS, "stretched"]
BORDERS = (-0.4, 0.7, -0.3)
PRECISIONS = [(np.float64, 1e-11), (np.float32, 3e-5)]


def law_of(name: str) -> Law:
    return own(decay_twin.stretched) if name == "stretched" else LAWS[name]


def pairs_of(name: str, kind: str, dtype: Any) -> Any:
    _, pairs, _ = country_of(PLAIN, dtype)
    if kind == "dense":
        return dataclasses.replace(pairs, law=law_of(name))
    where = distance.on_sphere(PLAIN.lon, PLAIN.lat, dtype)
    return tiled.tiles(where, pairs.place, PLAIN.offset_km, 16, law_of(name))


def coefficient(name: str) -> jax.Array:
    return jnp.asarray([*(-value for value in decay_twin.VALUES[name]), *BORDERS])


@functools.cache
def strength(name: str) -> np.ndarray:
    return decay_twin.strength(PLAIN, name, np.array(decay_twin.VALUES[name]), BORDERS)


@functools.cache
def slopes(name: str) -> np.ndarray:
    """∂ S / ∂ c of every pair by differences of the twin [decay coefficient, zone, zone]."""
    values, found = np.array(decay_twin.VALUES[name]), []
    for k, value in enumerate(values):
        step = 1e-5 * max(abs(value), 0.1) * np.eye(len(values))[k]
        one, other = (decay_twin.strength(PLAIN, name, values + s, BORDERS) for s in (step, -step))
        found.append(-(one - other) / (2 * step[k]))
    return np.stack(found)


@pytest.mark.parametrize(("dtype", "within"), PRECISIONS)
@pytest.mark.parametrize("kind", ["dense", "tiled"])
@pytest.mark.parametrize("name", ALL)
def test_products_and_slopes_are_those_of_the_loop_over_pairs(name: str, kind: str, dtype: Any, within: float) -> None:
    rng = np.random.default_rng(5)
    left, right = rng.uniform(0.5, 2, (2, len(PLAIN.population)))
    pairs = pairs_of(name, kind, dtype)

    @jax.jit
    def made(c: jax.Array) -> tuple[jax.Array, jax.Array]:
        s = pairs.strength(c)
        factors = Factors(jnp.asarray(left, dtype)[None], jnp.asarray(right, dtype)[None])
        return s.multiply(jnp.asarray(right)), s.contract(factors)

    product, contracted = made(coefficient(name))
    np.testing.assert_allclose(product, strength(name) @ right, rtol=within)
    wanted = np.einsum("o,koj,j->k", left, slopes(name), right)
    np.testing.assert_allclose(contracted[:-3], wanted, rtol=max(1e-7, within))
    rows = np.concatenate(list(pairs_of(name, kind, np.float64).strength(coefficient(name)).rows(16)))
    np.testing.assert_allclose(rows, strength(name), rtol=1e-11)


@pytest.mark.parametrize("kind", ["dense", "tiled"])
@pytest.mark.parametrize("name", ["tanner", "stretched"])
def test_the_gradient_through_the_years_is_that_of_differences(name: str, kind: str) -> None:
    zones, _, calendar = country_of(PLAIN, np.float64)
    start = dataclasses.replace(
        product_parameters(parameters_of(PLAIN)), decay=jnp.asarray(decay_twin.VALUES[name], float)
    )
    pairs = pairs_of(name, kind, np.float64)
    weight = jnp.asarray(np.random.default_rng(2).normal(size=len(PLAIN.population)))

    @jax.jit
    def read(decay: jax.Array) -> jax.Array:
        parameters = dataclasses.replace(start, decay=decay)
        return weight @ rollout.residents(parameters, zones, pairs, calendar)

    found = jax.grad(read)(start.decay)
    for k, value in enumerate(decay_twin.VALUES[name]):
        step = 1e-5 * value * np.eye(len(found))[k]
        difference = (read(start.decay + step) - read(start.decay - step)) / (2 * step[k])
        assert float(found[k]) == pytest.approx(float(difference), rel=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_cells_of_a_grid_take_every_law(name: str) -> None:
    grid = grid_twin.grids()["odd"]
    cells = on_device(plan(grid.zone, grid.east, grid.cell_km, grid.units, grid.most_windows))
    left, right = (jnp.asarray(uneven(grid, seed)) for seed in (1, 2))
    values = decay_twin.VALUES[name]
    borders = {key: jnp.asarray(value) for key, value in grid_twin.PARAMETERS.items() if key != "distance"}

    def product(decay: jax.Array) -> tuple[jax.Array, jax.Array]:
        parameters: Any = type("Values", (), {"barriers": borders, "decay": decay})
        made = build(parameters, cells, jnp.asarray(OFFSET_KM), jnp.float64, law_of(name))
        return made.matvec(right), made.contract(left, right)

    product = jax.jit(product)
    found, contracted = product(jnp.asarray(values))
    dense = _grid_kernel(grid, name, values)
    wanted = dense @ flat(right)
    np.testing.assert_allclose(flat(found), wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
    # A contraction is of S alone, without the direction of the divide.
    for k, value in enumerate(values):
        step = 1e-6 * value * np.eye(len(values))[k]
        moved = [_grid_kernel(grid, name, np.array(values) + s) for s in (step, -step)]
        one, other = (flat(left) @ np.sqrt(m * m.T) @ flat(right) for m in moved)
        assert float(contracted[k]) == pytest.approx(-(one - other) / (2 * step[k]), rel=1e-6)


def _grid_kernel(grid: grid_twin.Grid, name: str, values: Any) -> np.ndarray:
    """K over all pairs of cells: that of the twin without distance, times f."""
    plain = grid_twin.kernel(grid, grid_twin.PARAMETERS | {"distance": 0.0})
    km = 300 * np.exp(grid_twin.terms(grid)["log_distance"])
    decay = np.array([[decay_twin.LN[name](one, np.asarray(values)) for one in row] for row in km])
    return plain * np.exp(decay)


def test_a_grid_refuses_what_is_no_function_of_distance() -> None:
    law: Any = flow_laws.LAWS["radiation"]
    with pytest.raises(ConfigError, match="E-LAW-SPECTRAL.*radiation.*power"):
        build(*3 * (None,), law=law)  # type: ignore[arg-type]


def test_the_yearly_model_refuses_what_is_no_law_of_distance() -> None:
    for name in ("radiation", "pwer"):
        with pytest.raises(ConfigError, match=f"E-LAW-NAME.*'{name}'.*power, exponential, tanner, lognormal"):
            chosen(name)


def test_a_law_of_ones_own_comes_from_a_file_or_from_memory(tmp_path: Path) -> None:
    file = tmp_path / "law.py"
    file.write_text("def decay(distance_km, scale=200.0, shift=-1.0):\n    return -(distance_km - shift) / scale\n")
    of = OwnLaw(file=str(file), function="decay")
    law = chosen(of)
    assert chosen(of) is law
    assert [(one.name, one.prior_mean) for one in law.parameters] == [("law:scale", 200.0), ("law:shift", -1.0)]
    assert law.parameters[0].prior_scale == "log"
    assert chosen(decay_twin.stretched).name == "stretched"
    with pytest.raises(ConfigError, match="E-LAW-FILE"):
        chosen(OwnLaw(file=str(tmp_path / "no.py"), function="decay"))
    with pytest.raises(FlowsError, match="E-LAW-START.*scale"):
        chosen(lambda distance_km, scale: -distance_km / scale)


def test_flow_tables_have_the_same_laws() -> None:
    km = jnp.asarray(np.random.default_rng(1).uniform(1, 2000, (4, 5)))
    pair = flow_laws.Pair(distance_km=km)
    by_name = {"ln_distance": jnp.log(km), "distance": km, "ln_distance_squared": jnp.log(km) ** 2}
    for name, law in LAWS.items():
        terms = flow_laws.LAWS[name].terms
        assert list(terms) == [term.name for term in law.terms]
        for term, rule in terms.items():
            np.testing.assert_array_equal(rule(pair), by_name[term])


USED = """
import jax.numpy as jnp
from flowmodel.gravity import decay
from flowmodel.gravity.chosen_law import chosen
from flowmodel.interaction.model.laws import Pair, chosen as of_flows
law = chosen("root_exponential")
assert decay.__file__.startswith({folder!r})
assert float(law.ln([jnp.asarray(-2.0)], decay.of_km(jnp.asarray(9.0)))) == -6.0
assert [one.name for one in law.parameters] == ["distance_root"]
assert float(of_flows("root_exponential").terms["root_distance"](Pair(distance_km=jnp.asarray(16.0)))) == 4.0
"""


def test_a_new_law_touches_one_file(tmp_path: Path) -> None:
    patch = (ROOT / "docs" / "patches" / "new_decay_law.patch").read_text(encoding="utf-8")
    touched = [line for line in patch.splitlines() if line.startswith("+++ ")]
    assert touched == ["+++ b/flowmodel/gravity/decay.py"]
    shutil.copytree(ROOT / "flowmodel", tmp_path / "flowmodel", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=tmp_path, check=True)
    code = USED.format(folder=str(tmp_path))
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
