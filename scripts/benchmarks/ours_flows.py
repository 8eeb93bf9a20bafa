"""Our side of the comparisons on synthetic flows: each function takes a case once and gives what is then timed.

What a peer's call contains is in ours too: the fit with its standard error from flows and distances in memory; the
kernel from distances, its balancing, and the whole matrix of flows.
"""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.case_flows import BalanceCase, Float64, PpmlCase


class PowerFit(NamedTuple):
    """The exponent of the distance, and its standard error from the Poisson information, with no correction."""

    exponent: float
    se: float


def ours_ppml(case: PpmlCase) -> Callable[[], PowerFit]:
    """A call that fits the Poisson model with both effects and waits for the result."""
    import numpy as np

    from flowmodel import runtime
    from flowmodel.config import Runtime
    from flowmodel.interaction.calibrate import calibrate
    from flowmodel.interaction.model.laws import LAWS
    from flowmodel.interaction.model.pair import Pair
    from flowmodel.interaction.model.table import FlowTable, Specification

    runtime.configure(Runtime(cache=False))
    runtime.keep_large_tables()
    zones = tuple(str(zone) for zone in range(len(case.flow)))
    allowed = ~np.eye(len(zones), dtype=bool)
    table = FlowTable(zones, zones, case.flow, np.ones_like(allowed), allowed, Pair(distance_km=case.distance))
    model = Specification("doubly", LAWS["power"])

    def call() -> PowerFit:
        fit = calibrate(table, model)
        return PowerFit(float(fit.estimates[0]), float(np.sqrt(fit.covariance("model")[0, 0])))

    return call


def ours_balance(case: BalanceCase) -> Callable[[], Float64]:
    """A call that gives flows, persons [N, N] with T_ii = 0; their `relative_gap` is within the case's tolerance."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from flowmodel import runtime
    from flowmodel.config import Runtime
    from flowmodel.interaction.search.potentials import doubly

    runtime.configure(Runtime(cache=False))
    runtime.keep_large_tables()

    @jax.jit
    def log_kernel(distance: jax.Array) -> jax.Array:
        return jnp.where(distance > 0, case.exponent * jnp.log(distance), -jnp.inf)

    def balanced(distance: jax.Array, outflow: jax.Array, inflow: jax.Array) -> jax.Array:
        # Two programs: in one, XLA makes the kernel anew at each of its uses.
        return jnp.asarray(doubly(log_kernel(distance), outflow, inflow, case.tolerance).flow)

    arrays = [jnp.asarray(part) for part in (case.distance, case.outflow, case.inflow)]
    return lambda: np.asarray(balanced(*arrays))
