"""Residents counted by two censuses, and the zones in which a fit uses them."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Census:
    """Residents counted at two dates.

    Attributes:
        start: residents at the start, persons.
        end: residents at the end, persons.
        counted: whether a zone is seen and inhabited at both dates, so that its growth is defined.
        seen: whether the fit uses a zone; the others are held out.
    """

    start: Float[Array, " zone"]
    end: Float[Array, " zone"]
    counted: Bool[Array, " zone"]
    seen: Bool[Array, " zone"]

    @property
    def national(self) -> Float[Array, ""]:
        """Residents at the end in all zones seen, persons."""
        return self.total(self.end)

    def total(self, people: Float[Array, " zone"]) -> Float[Array, ""]:
        """The sum of `people` over the zones seen."""
        return jnp.sum(jnp.where(self.seen, people, 0.0))


def census(
    start: Float[Array, " zone"], end: Float[Array, " zone"], seen: Bool[Array, " zone"] | None = None
) -> Census:
    """The counts of two censuses, used in all zones or in those `seen`."""
    visible = jnp.ones_like(start, bool) if seen is None else seen
    return Census(start, end, (start > 0) & (end > 0) & visible, visible)


def log_growth(end: Float[Array, " zone"], observed: Census) -> Float[Array, " zone"]:
    """ln(end / start) in the zones `observed.counted`, zero elsewhere."""
    started = jnp.where(observed.counted, observed.start, 1.0)
    return jnp.where(observed.counted, jnp.log(jnp.where(observed.counted, end, 1.0) / started), 0.0)
