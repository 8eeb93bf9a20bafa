"""What a census would see of a modelled population, and what it did see."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@partial(jax.tree_util.register_dataclass, data_fields=["start", "end", "counted"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Census:
    """Two counts of residents, persons, and which zones have a growth: those where somebody lived at both dates."""

    start: Float[Array, " zone"]
    end: Float[Array, " zone"]
    counted: Bool[Array, " zone"]

    @property
    def national(self) -> Float[Array, ""]:
        """Everybody at the end, persons."""
        return jnp.sum(self.end)


def census(start: Float[Array, " zone"], end: Float[Array, " zone"]) -> Census:
    """What a census saw at two dates."""
    return Census(start, end, (start > 0) & (end > 0))


def log_growth(end: Float[Array, " zone"], observed: Census) -> Float[Array, " zone"]:
    """ln(end / start) where `observed` has a growth, zero elsewhere."""
    started = jnp.where(observed.counted, observed.start, 1.0)
    return jnp.where(observed.counted, jnp.log(jnp.where(observed.counted, end, 1.0) / started), 0.0)
