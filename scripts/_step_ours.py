"""Our side of the step: a function takes a case once and gives the call that is timed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from _step_case import Float32, StepCase

TILE_ROWS = 128


def ours(case: StepCase) -> Callable[[], Float32]:
    """A call that gives the inflow, persons [N], and waits for it; S is made in tiles of rows and never stored."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from flowmodel import runtime
    from flowmodel.config import Runtime

    runtime.configure(Runtime())
    zones = len(case.mass)
    padding = -zones % TILE_ROWS
    power = np.float32(-case.exponent / 2)

    @jax.jit
    def step(position: jax.Array, mass: jax.Array, leavers: jax.Array) -> jax.Array:
        def tile(inflow: jax.Array, rows: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            origin, leaving, index = rows
            squared = sum(jnp.square(origin[:, None, k] - position[None, :, k]) for k in range(3))
            oneself = index[:, None] == jnp.arange(zones)[None]
            pull = jnp.exp(power * jnp.log(jnp.where(oneself, jnp.inf, squared)))
            return inflow + (leaving / (pull @ mass)) @ pull, None

        pad = partial(jnp.pad, mode="constant")
        tiles = (
            pad(position, ((0, padding), (0, 0)), constant_values=2).reshape(-1, TILE_ROWS, 3),
            pad(leavers, (0, padding)).reshape(-1, TILE_ROWS),
            jnp.arange(zones + padding).reshape(-1, TILE_ROWS),
        )
        return mass * jax.lax.scan(tile, jnp.zeros_like(mass), tiles)[0]

    arrays = [jnp.asarray(part) for part in (case.position, case.mass, case.leavers)]
    return lambda: np.asarray(step(*arrays))
