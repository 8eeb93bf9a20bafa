"""Doubly constrained potentials and the two-way system: against loops, dense algebra, and derivatives three ways."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from flowmodel.interaction.search import effects
from flowmodel.interaction.search.effects import Sides
from flowmodel.interaction.search.potentials import doubly

pytestmark = pytest.mark.usefixtures("compiled_quickly")
SHAPE = (6, 8)
SWEEPS = 400
_solve = jax.jit(effects.solve)


def _case(seed=0, spread=1.0, masked=0.0, *, empty=False):
    """ln K, and margins of another table on the same pairs, so that they can be met; ten people to a million a zone."""
    rng = np.random.default_rng(seed)
    log_kernel = spread * rng.normal(size=SHAPE)
    log_kernel[rng.random(SHAPE) < masked] = -np.inf
    table = np.exp(rng.normal(0, 2, SHAPE)) * np.isfinite(log_kernel) * np.geomspace(10, 1e6, SHAPE[0])[:, None]
    if empty:
        table[2], table[:, 5] = 0, 0
    return log_kernel, table.sum(axis=1), table.sum(axis=0)


def _fitted_by_loops(log_kernel, outflow, inflow):
    """Iterative proportional fitting, a row and a column at a time."""
    u = np.where(outflow > 0, 0.0, -np.inf)
    v = np.where(inflow > 0, 0.0, -np.inf)
    for _ in range(20_000):
        for o in np.flatnonzero(outflow > 0):
            u[o] = np.log(outflow[o]) - logsumexp(log_kernel[o] + v)
        before = v.copy()
        for d in np.flatnonzero(inflow > 0):
            v[d] = np.log(inflow[d]) - logsumexp(log_kernel[:, d] + u)
        used = inflow > 0
        if np.max(np.abs(v[used] - before[used])) < 1e-14 * (1 + np.max(np.abs(v[used]))):
            break
    return np.exp(log_kernel + u[:, None] + v)


def _error(flow, outflow, inflow):
    """Largest relative error of a margin that is not zero."""
    sides = ((flow.sum(axis=1), outflow), (flow.sum(axis=0), inflow))
    return max(np.max(np.abs(found - wanted)[wanted > 0] / wanted[wanted > 0]) for found, wanted in sides)


@pytest.mark.parametrize("case", [{}, {"masked": 0.3}, {"empty": True}, {"masked": 0.25, "empty": True, "spread": 3.0}])
def test_proportional_fitting(case):
    log_kernel, outflow, inflow = _case(**case)
    found = doubly(log_kernel, outflow, inflow)
    flow = np.asarray(found.flow)
    np.testing.assert_allclose(flow, _fitted_by_loops(log_kernel, outflow, inflow), rtol=1e-8, atol=1e-8)
    assert np.all(flow[~np.isfinite(log_kernel)] == 0)
    assert np.all(np.isneginf(found.origin) == (outflow == 0))
    assert np.all(np.isneginf(found.destination) == (inflow == 0))
    assert _error(flow, outflow, inflow) < 2e-10
    assert float(found.error) == pytest.approx(_error(flow, outflow, inflow), rel=1e-3, abs=1e-15)


def _plane(seed, reach):
    """ln K of towns in a square: minus a distance whose largest is `reach`."""
    rng = np.random.default_rng(seed)
    here, there = rng.random((SHAPE[0], 2)), rng.random((SHAPE[1], 2))
    far = np.hypot(*(here[:, None] - there).transpose(2, 0, 1))
    table = np.exp(rng.normal(size=SHAPE))
    return -reach * far / far.max(), table.sum(axis=1), table.sum(axis=0)


@pytest.mark.parametrize("seed", range(4))
def test_sharp_kernels(seed):
    """A table that is the kernel times factors and has the margins is the only one; loops would hardly ever end."""
    log_kernel, outflow, inflow = _plane(seed, 200)
    found = doubly(log_kernel, outflow, inflow)
    flow = np.exp(log_kernel + np.asarray(found.origin)[:, None] + np.asarray(found.destination))
    np.testing.assert_allclose(found.flow, flow, rtol=1e-10, atol=1e-300)
    assert _error(flow, outflow, inflow) < 2e-10


@pytest.mark.parametrize("seed", range(4))
def test_kernels_of_six_hundred_natural_logarithms(seed):
    """Factors as far apart change nothing; a kernel that is no product takes up to a hundred Newton steps."""
    mild, outflow, inflow = _case(seed)
    rng = np.random.default_rng(seed)
    sharp = mild + 300 * rng.random(SHAPE[0])[:, None] - 300 * rng.random(SHAPE[1])
    expected = np.asarray(doubly(mild, outflow, inflow).flow)
    np.testing.assert_allclose(doubly(sharp, outflow, inflow).flow, expected, rtol=1e-8)
    log_kernel, outflow, inflow = _plane(seed, 600)
    found = doubly(log_kernel, outflow, inflow)
    assert float(found.error) <= 1e-10
    assert float(found.error) == pytest.approx(_error(np.asarray(found.flow), outflow, inflow), rel=1e-3, abs=1e-13)


def test_zeros_that_forbid_the_margins():
    """Two origins may send to one destination alone, which takes in less than they send out."""
    log_kernel, outflow, inflow = _case()
    log_kernel[:2, 1:] = -np.inf
    inflow = np.full(SHAPE[1], outflow.sum() / SHAPE[1])
    outflow = np.array([4.0, 4.0, 1.0, 1.0, 1.0, 1.0]) * outflow.sum() / 12
    found = doubly(log_kernel, outflow, inflow)
    assert np.all(np.isfinite(found.flow))
    assert 0.1 < float(found.error) < np.inf
    log_kernel[0] = -np.inf
    found = doubly(log_kernel, outflow, inflow)
    assert np.all(np.isfinite(found.flow))
    assert 0.1 < float(found.error) < np.inf


def _unrolled(log_kernel, outflow, inflow):
    """The same table by sweeps that JAX differentiates one by one."""

    def sweep(v, _):
        u = jnp.log(outflow) - jax.nn.logsumexp(log_kernel + v[None, :], axis=1)
        return jnp.log(inflow) - jax.nn.logsumexp(log_kernel + u[:, None], axis=0), u

    v, u = jax.lax.scan(sweep, jnp.zeros(SHAPE[1]), None, length=SWEEPS)
    return jnp.exp(log_kernel + u[-1][:, None] + v[None, :])


def _implicit(log_kernel, outflow, inflow):
    return doubly(log_kernel, outflow, inflow, 1e-13).flow


def _loss(fitted, at):
    price = jnp.asarray(np.random.default_rng(1).normal(size=SHAPE))
    flow = fitted(*at)
    return jnp.sum(price * flow) + jnp.sum(flow**2) / jnp.sum(flow)


def _change(seed, which):
    """Of the kernel, or of margins whose totals stay equal."""
    rng = np.random.default_rng(seed)
    if which == "kernel":
        return rng.normal(size=SHAPE), np.zeros(SHAPE[0]), np.zeros(SHAPE[1])
    moved = rng.normal(size=SHAPE)
    return np.zeros(SHAPE), moved.sum(axis=1), moved.sum(axis=0)


@functools.cache
def _derivatives(fitted):
    """Of the table along a direction, of the loss along it, and the gradient of the loss."""

    @jax.jit
    def found(at, along):
        def loss(*here):
            return _loss(fitted, here)

        table, forward = jax.jvp(fitted, at, along)[1], jax.jvp(loss, at, along)[1]
        return table, forward, jax.grad(loss, argnums=(0, 1, 2))(*at)

    return found


@pytest.mark.parametrize("which", ["kernel", "margins"])
def test_derivatives_three_ways(which):
    log_kernel, outflow, inflow = _case()
    outflow, inflow = outflow / outflow.sum() * 100 + 1, inflow / inflow.sum() * (100 + SHAPE[0])
    at, along = tuple(map(jnp.asarray, (log_kernel, outflow, inflow))), tuple(map(jnp.asarray, _change(3, which)))
    (table, forward, gradient), (slow, slow_forward, slow_gradient) = (
        _derivatives(fitted)(at, along) for fitted in (_implicit, _unrolled)
    )
    for one, other in ((forward, gradient), (slow_forward, slow_gradient)):
        backward = sum(float(jnp.sum(part * step)) for part, step in zip(other, along, strict=True))
        assert backward == pytest.approx(float(one), rel=1e-9)
    assert float(forward) == pytest.approx(float(slow_forward), rel=1e-9)
    step = 1e-4

    def moved(size):
        return np.asarray(_implicit(*(one + size * by for one, by in zip(at, along, strict=True))))

    difference = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
    size = np.max(np.abs(difference))
    np.testing.assert_allclose(table, slow, rtol=1e-8, atol=1e-9 * size)
    np.testing.assert_allclose(table, difference, rtol=1e-6, atol=1e-7 * size)


def test_derivatives_where_pairs_and_margins_are_missing():
    """What is zero stays zero, and the rest changes as differences say."""
    log_kernel, outflow, inflow = _case(masked=0.3, empty=True)
    rng = np.random.default_rng(5)
    along = np.where(np.isfinite(log_kernel), rng.normal(size=SHAPE), 0.0)

    def flow(kernel):
        return doubly(kernel, outflow, inflow, 1e-13).flow

    found = np.asarray(jax.jvp(flow, (jnp.asarray(log_kernel),), (jnp.asarray(along),))[1])
    step = 1e-4
    moved = [np.asarray(flow(log_kernel + k * step * along)) for k in (-2, -1, 1, 2)]
    difference = (8 * (moved[2] - moved[1]) - (moved[3] - moved[0])) / (12 * step)
    np.testing.assert_allclose(found, difference, rtol=1e-6, atol=1e-8 * np.max(np.abs(difference)))
    assert np.all(found[moved[0] == 0] == 0)


def test_second_derivatives():
    """Of a loss in the kernel: forward over reverse against differences of the gradient."""
    log_kernel, outflow, inflow = _case()
    along = jnp.asarray(_change(8, "kernel")[0])
    gradient = jax.jit(jax.grad(lambda kernel: _loss(_implicit, (kernel, outflow, inflow))))
    curved = jax.jit(lambda kernel: jax.jvp(gradient, (kernel,), (along,))[1])(jnp.asarray(log_kernel))
    step = 1e-4
    near, far = (gradient(log_kernel + k * along) - gradient(log_kernel - k * along) for k in (step, 2 * step))
    difference = (8 * near - far) / (12 * step)
    np.testing.assert_allclose(curved, difference, rtol=1e-5, atol=1e-6 * np.max(np.abs(difference)))


def _dense(weights):
    row, column = weights.sum(axis=1), weights.sum(axis=0)
    return np.block([[np.diag(row), weights], [weights.T, np.diag(column)]])


@pytest.mark.parametrize("kind", ["whole", "empty", "parts", "uneven"])
def test_two_way_system(kind):
    """Sums of effects, which alone have a meaning, against a dense pseudo-inverse."""
    rng = np.random.default_rng(2)
    weights = rng.gamma(1.0, 1.0, SHAPE)
    if kind != "whole":
        weights[4], weights[:, 1] = 0, 0
    if kind == "parts":
        weights[:3, 4:], weights[3:, :4] = 0, 0
    if kind == "uneven":
        weights *= np.geomspace(1e-3, 1e3, SHAPE[0])[:, None]
    sums = weights * rng.normal(size=SHAPE)
    right = np.concatenate([sums.sum(axis=1), sums.sum(axis=0)])
    found = _solve(jnp.asarray(weights), Sides(jnp.asarray(right[: SHAPE[0]]), jnp.asarray(right[SHAPE[0] :])))
    both = np.concatenate([found.origin, found.destination])
    assert np.max(np.abs(_dense(weights) @ both - right)) < 1e-11 * np.max(np.abs(right))
    best = np.linalg.pinv(_dense(weights), rcond=1e-12, hermitian=True) @ right
    added = [one[: SHAPE[0], None] + one[SHAPE[0] :] for one in (both, best)]
    used = weights > 0
    np.testing.assert_allclose(added[0][used], added[1][used], rtol=1e-8, atol=1e-8)
    assert np.all(found.origin[~used.any(axis=1)] == 0)


def test_sums_of_nothing_have_no_effects():
    zero = jnp.zeros(SHAPE)
    found = _solve(jnp.ones(SHAPE), Sides(zero[:, 0], zero[0]))
    assert not np.any(found.origin)
    assert not np.any(found.destination)
    assert np.all(np.isfinite(_solve(zero, Sides(zero[:, 0], zero[0])).destination))


def test_sums_that_do_not_agree_are_made_to():
    """What destinations have too much is taken off in proportion to their weights."""
    rng = np.random.default_rng(4)
    weights = rng.gamma(1.0, 1.0, SHAPE)
    sums = weights * rng.normal(size=SHAPE)
    found = [
        _solve(jnp.asarray(weights), Sides(jnp.asarray(sums.sum(axis=1)), jnp.asarray(sums.sum(axis=0) + more)))
        for more in (0.0, 0.3 * weights.sum(axis=0))
    ]
    added = [np.asarray(one.origin)[:, None] + np.asarray(one.destination) for one in found]
    np.testing.assert_allclose(added[1], added[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_parts_that_float32_cannot_link(seed):
    """The sums ask for an exchange between parts whose only links are too weak to count; nothing is infinite."""
    rng = np.random.default_rng(seed)
    weights = np.ones(SHAPE)
    weights[:3, 4:], weights[3:, :4] = 1e-60, 1e-60
    right = np.concatenate([np.repeat([1.0, -1.0], 3), np.zeros(SHAPE[1])]) + 1e-3 * rng.normal(size=sum(SHAPE))
    found = _solve(jnp.asarray(weights), Sides(jnp.asarray(right[: SHAPE[0]]), jnp.asarray(right[SHAPE[0] :])))
    assert np.all(np.isfinite(np.concatenate([found.origin, found.destination])))
