"""Our side of the step: a function takes a case once and gives the call that is timed."""

from collections.abc import Callable

import numpy as np

from benchmarks.case_step import Float32, StepCase

TILE = 288


def ours(case: StepCase) -> Callable[[], Float32]:
    """A call that gives the inflow, persons [N], and waits for it; S is made in tiles and never stored."""
    import jax
    import jax.numpy as jnp

    from flowmodel import runtime
    from flowmodel.config import Runtime
    from flowmodel.gravity import barriers, distance, tiled

    runtime.configure(Runtime())
    zones = len(case.mass)
    nowhere = jnp.zeros(zones, jnp.int32)
    place = barriers.Place(jnp.arange(zones, dtype=jnp.int32), nowhere, nowhere, nowhere == 1)
    # On a plane of three axes the distance is the chord.
    where = distance.on_plane(*case.position.T.astype(float), dtype=np.float32)
    pairs = tiled.tiles(where, place, 0.0, TILE)
    coefficient = jnp.asarray([-case.exponent, 0.0, 0.0, 0.0])

    def step(coefficient: jax.Array, pairs: tiled.Tiles, mass: jax.Array, leavers: jax.Array) -> jax.Array:
        return mass * pairs.strength(coefficient).exchange(leavers, mass).arrivals

    run = runtime.program(step)
    mass, leavers = (jnp.asarray(part, jnp.float32) for part in (case.mass, case.leavers))
    return lambda: np.asarray(run(coefficient, pairs, mass, leavers))
