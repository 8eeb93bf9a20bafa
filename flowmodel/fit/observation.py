"""What a census would see of a modelled population, and what it did see."""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@partial(jax.tree_util.register_dataclass, data_fields=["start", "log_growth", "national"], meta_fields=[])
@dataclasses.dataclass(frozen=True)
class Census:
    """Two counts: residents at the start (persons), log growth to the end, and the national total at the end."""

    start: Float[Array, " zone"]
    log_growth: Float[Array, " zone"]
    national: Float[Array, ""]


def census(start: Float[Array, " zone"], end: Float[Array, " zone"]) -> Census:
    """The census seen in residents at two dates, persons."""
    return Census(start, jnp.log(end / start), jnp.sum(end))
