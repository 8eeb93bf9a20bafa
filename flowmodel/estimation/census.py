"""What a census would see of a modelled population, and what it did see."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Census:
    """Two counts of residents, persons; which zones a fit may see, and which of them have a growth.

    A zone has a growth where somebody lived at both dates. What a fit may not see is held out.
    """

    start: Float[Array, " zone"]
    end: Float[Array, " zone"]
    counted: Bool[Array, " zone"]
    seen: Bool[Array, " zone"]

    @property
    def national(self) -> Float[Array, ""]:
        """Everybody at the end in the zones seen, persons."""
        return self.total(self.end)

    def total(self, people: Float[Array, " zone"]) -> Float[Array, ""]:
        """The sum over the zones seen."""
        return jnp.sum(jnp.where(self.seen, people, 0.0))


def census(
    start: Float[Array, " zone"], end: Float[Array, " zone"], seen: Bool[Array, " zone"] | None = None
) -> Census:
    """What a census saw at two dates, in all zones or in those that may be seen."""
    visible = jnp.ones_like(start, bool) if seen is None else seen
    return Census(start, end, (start > 0) & (end > 0) & visible, visible)


def log_growth(end: Float[Array, " zone"], observed: Census) -> Float[Array, " zone"]:
    """ln(end / start) where `observed` has a growth, zero elsewhere."""
    started = jnp.where(observed.counted, observed.start, 1.0)
    return jnp.where(observed.counted, jnp.log(jnp.where(observed.counted, end, 1.0) / started), 0.0)
