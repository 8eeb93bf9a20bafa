"""The cells of a grid on the device: their borders, and the windows that the operator convolves."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from flowmodel.gravity.spectral.layout import Layout
from flowmodel.gravity.spectral.plan import Plan


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Cells:
    """What is fixed about the cells: a `plan.Plan` with arrays on the device."""

    layout: Layout = dataclasses.field(metadata={"static": True})
    side: Int[Array, "y x"]
    labels: Int[Array, "level y x"]
    jobs: tuple[Int[Array, "step batch job"], ...]


def on_device(plan: Plan) -> Cells:
    """The plan with its arrays moved to the device."""
    return Cells(plan.layout, jnp.asarray(plan.side), jnp.asarray(plan.labels), tuple(map(jnp.asarray, plan.jobs)))
