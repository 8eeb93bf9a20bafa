"""The gravity operator over the cells of a grid, against the dense pair rule of tests/support/grid_twin.

What belongs here: the spectral operator, its plan and its derivatives, on grids small enough to write all pairs out.
"""

import dataclasses
import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import grid_direct
import grid_twin
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from grid_twin import OFFSET_KM, PARAMETERS, Grid, flat, uneven

from flowmodel.errors import ZonesError
from flowmodel.gravity import pair
from flowmodel.gravity.spectral import layout, transform, window_sizes
from flowmodel.gravity.spectral.mixture import BANDS
from flowmodel.gravity.spectral.operator import Spectral, build
from flowmodel.gravity.spectral.plan import Plan, on_device, plan

pytestmark = pytest.mark.usefixtures("compiled_quickly")

GRIDS = grid_twin.grids()


def planned(grid: Grid) -> Plan:
    return plan(grid.zone, grid.east, grid.cell_km, grid.units, grid.most_windows)


def parameters(values: dict[str, Any]) -> Any:
    """What the kernel reads of a parameter set."""
    given = {name: jnp.asarray(value) for name, value in values.items()}
    return SimpleNamespace(decay=jnp.atleast_1d(given.pop("distance")), barriers=given)


def operator(values: dict[str, Any], cells: Plan, dtype: Any = jnp.float64) -> Spectral:
    return build(parameters(values), cells, jnp.asarray(OFFSET_KM), dtype)


@jax.jit
def everything(values: dict[str, Any], cells: Plan, left: Any, right: Any) -> dict[str, Any]:
    """All that the operator gives, of two columns and of one."""
    k = operator(values, cells)
    return {
        "matvec": k.matvec(right),
        "rmatvec": k.rmatvec(left),
        "by_band": k.matvec_by_band(right[0]),
        "by_band_back": k.rmatvec_by_band(left[0]),
    }


@partial(jax.jit, static_argnames="dtype")
def product(values: dict[str, Any], cells: Plan, left: Any, right: Any, dtype: Any = jnp.float64) -> tuple[Any, Any]:
    """K @ right, and the pair terms of both."""
    k = operator(values, cells, dtype)
    return k.matvec(right), k.contract(left, right)


def close(found: Any, wanted: Any, within: float = 1e-12) -> None:
    """Equal to `within` of the largest number wanted: a transform's errors are alike everywhere."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=within * np.abs(wanted).max())


def bands_of(grid: Grid) -> list[np.ndarray]:
    """Which pairs are in each of the bands."""
    term = grid_twin.terms(grid)
    near, far = term["same_prefecture"] == 1, term["other_province"] == 1
    return [near, ~near & ~far, far]


def weights(grid: Grid, *columns: int) -> tuple[jax.Array, jax.Array]:
    left, right = (jnp.asarray(uneven(grid, seed, columns)) for seed in (1, 2))
    return left, right


@pytest.mark.parametrize("name", GRIDS)
def test_products_and_pair_terms_are_those_of_the_dense_rule(name: str) -> None:
    grid = GRIDS[name]
    left, right = weights(grid)
    found, terms = product(PARAMETERS, on_device(planned(grid)), left, right)
    close(flat(found), grid_twin.kernel(grid) @ flat(right))
    flow = grid_twin.strength(grid) * np.outer(flat(left), flat(right))
    close(terms, [np.sum(flow * term) for term in grid_twin.terms(grid).values()])


def test_columns_directions_and_bands_are_those_of_the_dense_rule() -> None:
    grid = GRIDS["odd"]
    left, right = weights(grid, 2)
    found = everything(PARAMETERS, on_device(planned(grid)), left, right)
    dense, bands = grid_twin.kernel(grid), bands_of(grid)
    close(flat(found["matvec"]), flat(right) @ dense.T)
    close(flat(found["rmatvec"]), flat(left) @ dense)
    one, other = flat(left[0]), flat(right[0])
    close(flat(found["by_band"]), [(dense * band) @ other for band in bands])
    close(flat(found["by_band_back"]), [one @ (dense * band) for band in bands])
    assert len(BANDS) == len(bands)


def test_the_operator_and_its_transpose_are_one() -> None:
    grid = GRIDS["odd"]
    left, right = weights(grid, 2)
    found = everything(PARAMETERS, on_device(planned(grid)), left, right)
    forth, back = jnp.sum(left * found["matvec"]), jnp.sum(right * found["rmatvec"])
    assert forth == pytest.approx(float(back), rel=1e-13)


def test_the_grids_are_as_awkward_as_they_should_be() -> None:
    plans = {name: planned(grid) for name, grid in GRIDS.items()}
    assert [len(plans[name].layout.windows) for name in ("odd", "no_borders")] == [3, 0]
    assert any((jobs[..., 4] == 2).any() for jobs in plans["odd"].jobs)
    assert any(jobs.shape[0] > 1 for jobs in plans["odd"].jobs)
    assert any((jobs[..., 3] < 0).any() for jobs in plans["odd"].jobs)
    assert not plans["one_side"].layout.divided
    assert plans["islands"].layout.whole.shape == (8, 14)
    units = GRIDS["islands"].units["county"]
    assert len(np.unique(units)) < units.max()


def test_within_one_county_nobody_moves() -> None:
    grid = GRIDS["no_borders"]
    alone = dataclasses.replace(grid, units={"county": np.where(grid.zone, 0, -1).astype(np.int32)})
    left, right = weights(grid)
    everybody, nobody = (product(PARAMETERS, on_device(planned(each)), left, right)[0] for each in (grid, alone))
    assert jnp.max(jnp.abs(nobody)) < 1e-13 * jnp.max(everybody)


def test_float32_errs_by_less_than_a_millionth_and_loses_nobody() -> None:
    grid = GRIDS["odd"]

    @jax.jit
    def year(cells: Plan, people: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        k = operator(PARAMETERS, cells, jnp.float32)
        reach = k.matvec(people)
        push = jnp.where(people > 0, 0.02 * people / jnp.where(people > 0, reach, 1.0), 0.0)
        return reach, people * k.rmatvec(push), push * reach

    people = np.where(grid.zone, uneven(grid, 5), 0.0)
    reach, inflow, outflow = year(on_device(planned(grid)), jnp.asarray(people))
    n, dense = flat(people), grid_twin.kernel(grid)
    close(flat(reach), dense @ n, 1e-6)
    close(flat(inflow), n * ((0.02 * n / np.where(n > 0, dense @ n, 1)) @ dense), 1e-6)
    close(flat(outflow), 0.02 * n)
    assert abs(float(jnp.sum(inflow) - jnp.sum(outflow))) < 1e-8 * n.sum()


def flows(values: dict[str, Any], weight: Any, cells: Plan) -> Any:
    """A number that hangs on both products, as a year does."""
    k = operator(values, cells)
    reach = k.matvec(weight)
    return jnp.sum(jnp.sin(jnp.arange(weight.size)).reshape(weight.shape) * k.rmatvec(1 / (1 + reach)))


def dense_flows(values: dict[str, float], weight: np.ndarray, grid: Grid) -> float:
    """The same number from the dense matrix."""
    dense = grid_twin.kernel(grid, values)
    return float(np.sin(np.arange(weight.size)) @ (dense.T @ (1 / (1 + dense @ flat(weight)))))


def test_slopes_are_those_of_the_dense_rule() -> None:
    grid, step = GRIDS["odd"], 1e-5
    weight = uneven(grid, 9)
    value, (slope, back) = jax.jit(jax.value_and_grad(flows, (0, 1)))(
        {name: jnp.asarray(value) for name, value in PARAMETERS.items()}, jnp.asarray(weight), on_device(planned(grid))
    )
    assert value == pytest.approx(dense_flows(PARAMETERS, weight, grid), rel=1e-11)
    for name, at in PARAMETERS.items():
        up, down = (dense_flows({**PARAMETERS, name: at + sign * step}, weight, grid) for sign in (1, -1))
        assert float(slope[name]) == pytest.approx((up - down) / (2 * step), rel=1e-7), name
    turn = np.random.default_rng(4).normal(size=weight.shape) * weight
    up, down = (dense_flows(PARAMETERS, weight + sign * step * turn, grid) for sign in (1, -1))
    assert float(jnp.sum(back * turn)) == pytest.approx((up - down) / (2 * step), rel=1e-6)


def test_a_derivative_keeps_nothing_of_a_torus() -> None:
    grid = GRIDS["no_borders"]
    k = operator(PARAMETERS, on_device(planned(grid)))
    _, pullback = jax.vjp(k.matvec, jnp.asarray(uneven(grid, 1)))
    kept, own = (sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in (pullback, k))
    assert kept <= own + 3 * grid.zone.size


@pytest.mark.parametrize("name", ["odd", "islands", "row"])
def test_sums_pair_by_pair_are_those_of_the_dense_rule(name: str) -> None:
    grid, weight = GRIDS[name], uneven(GRIDS[name], 6)
    at = np.argwhere(grid.zone)[::3]
    coefficient = np.asarray(pair.coefficients(parameters(PARAMETERS)))
    found = grid_direct.products(planned(grid), coefficient, OFFSET_KM, weight, at)
    wanted = grid_twin.strength(grid) @ flat(weight)
    np.testing.assert_allclose(found, wanted.reshape(grid.zone.shape)[tuple(at.T)], rtol=1e-12)


def test_columns_in_blocks_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = GRIDS["no_borders"]
    cells, weight = on_device(planned(grid)), jnp.asarray(uneven(grid, 2))
    torus = cells.layout.whole.padded
    monkeypatch.setattr(transform, "_BLOCK_CELLS", 5 * torus[0])
    assert (torus[1] // 2 + 1) % 5 != 0
    # A compilation of its own, which sees the smaller blocks.
    found, terms = jax.jit(product.__wrapped__)(PARAMETERS, cells, weight, weight)
    close(flat(found), grid_twin.kernel(grid) @ flat(weight))
    flow = grid_twin.strength(grid) * np.outer(flat(weight), flat(weight))
    close(terms, [np.sum(flow * term) for term in grid_twin.terms(grid).values()])


def test_windows_hold_every_size_and_are_few() -> None:
    sizes = np.random.default_rng(0).integers(1, 60, (200, 2))
    windows, of = window_sizes.window_sizes(sizes, (64, 59), 4)
    assert len(windows) == 4
    for size, window in zip(sizes, np.array([windows[index].shape for index in of]), strict=True):
        assert (size <= window).all()
    assert all(window.shape[0] <= 64 and window.shape[1] <= 59 for window in windows)
    spent = sum(math.prod(windows[index].padded) for index in of)
    one, _ = window_sizes.window_sizes(sizes, (64, 59), 1)
    assert spent < 0.6 * len(sizes) * math.prod(one[0].padded)


@pytest.mark.parametrize(("least", "length"), [(1, 1), (2, 2), (3, 4), (11, 12), (13, 14), (121, 126), (8799, 8820)])
def test_lengths_are_even_and_of_small_factors(least: int, length: int) -> None:
    assert layout.fast_length(least) == length


def wrong(grid: Grid, **change: Any) -> str:
    with pytest.raises(ZonesError) as caught:
        planned(dataclasses.replace(grid, **change))
    return str(caught.value)


def test_units_that_cannot_be_are_refused() -> None:
    grid = GRIDS["odd"]
    assert wrong(grid, zone=np.zeros_like(grid.zone), units={}).startswith("E-GRID-EMPTY")
    assert wrong(grid, east=grid.east[1:]).startswith("E-GRID-SHAPE east is (14, 21)")
    assert "['town']" in wrong(grid, units={"town": grid.units["county"]})
    y, x = np.argwhere(~grid.zone)[0]
    outside = grid.units["county"].copy()
    outside[y, x] = 5
    assert f"row {y}, column {x}: county 5" in wrong(grid, units={"county": outside})
    y, x = np.argwhere(grid.units["prefecture"] == 0)[0]
    astray = grid.units["province"].copy()
    astray[y, x] = 2
    told = wrong(grid, units={**grid.units, "province": astray})
    assert told.startswith("E-GRID-NESTED prefecture 0 lies in province")
